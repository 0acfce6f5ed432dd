import { broadcastTo, clip, type NdArray, ndarray, type Tensor, vmap } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { coloursOf } from './iconPixels.ts';
import { evenly, type Icons } from './icons.ts';
import { decibels } from './imageModels.ts';
import { squarePlaces } from './places.ts';

/** Places that one call draws, over all icons. */
const together = 2 ** 16;

/** The pictures of icons by their codes, one after another: colours from 0 to 1 at the given places, [points, 3]. */
export async function* drawn(
  run: Run<Trainable>,
  icons: readonly number[],
  places: NdArray,
): AsyncGenerator<Float32Array> {
  const draw = (params: never, codes: Tensor, input: Tensor) =>
    vmap((code: Tensor) => clip(run.model.apply(params, { code, input } as never) as Tensor, 0, 1))(codes);
  const rows = Math.max(1, Math.min(icons.length, Math.floor(together / places.shape[0]!)));
  for (let first = 0; first < icons.length; first += rows) {
    // Every call is of one size, so that one program serves all.
    const some = Int32Array.from({ length: rows }, (_, i) => icons[Math.min(first + i, icons.length - 1)]!);
    const codes: NdArray = { dtype: 'int32', shape: [rows], data: some };
    const { data } = (await run.call(draw, codes, places)) as NdArray;
    const length = data.length / rows;
    for (let i = 0; i < Math.min(rows, icons.length - first); i++)
      yield data.slice(i * length, (i + 1) * length) as Float32Array;
  }
}

/** The pictures of networks side by side: colours from 0 to 1 at the given places, [points, 3] each. */
export async function drawnAlone(run: Run<Trainable>, count: number, places: NdArray): Promise<Float32Array[]> {
  const draw = (params: never, input: Tensor) =>
    clip(run.model.apply(params, broadcastTo(input, [count, ...input.shape]) as never) as Tensor, 0, 1);
  const { data } = (await run.call(draw, places)) as NdArray;
  const length = data.length / count;
  return Array.from({ length: count }, (_, i) => data.slice(i * length, (i + 1) * length) as Float32Array);
}

/** How well a picture meets another, as a peak signal-to-noise ratio in dB. */
export function psnr(picture: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < wanted.length; i++) squares += (picture[i]! - wanted[i]!) ** 2;
  return decibels(squares / wanted.length);
}

/** The peak signal-to-noise ratio of each icon, drawn by its code. */
export async function psnrs(run: Run<Trainable>, all: Icons, icons: readonly number[]): Promise<number[]> {
  const found: number[] = [];
  for await (const picture of drawn(run, icons, squarePlaces(all.size)))
    found.push(psnr(picture, coloursOf(all, icons[found.length]!)));
  return found;
}

/** Rows and columns of pixels by which pictures are compared to find the nearest. */
const compared = 16;

/** For each of some pictures the icon whose code draws what is most like it, at some of the pixels. */
export async function nearestIcons(
  run: Run<Trainable>,
  all: Icons,
  { icons, wanted }: { readonly icons: readonly number[]; readonly wanted: readonly number[] },
): Promise<number[]> {
  const lines = evenly([...new Array(all.size).keys()], compared);
  const pixels = lines.flatMap((y) => lines.map((x) => y * all.size + x));
  const at = (data: NdArray['data'], width: number) =>
    Float32Array.from(
      { length: pixels.length * width },
      (_, i) => data[width * pixels[Math.floor(i / width)]! + (i % width)]!,
    );
  const places = ndarray(at(squarePlaces(all.size).data, 2), [pixels.length, 2]);
  const pictures = wanted.map((icon) => at(coloursOf(all, icon), 3));
  const best = wanted.map(() => ({ icon: icons[0]!, psnr: Number.NEGATIVE_INFINITY }));
  let row = 0;
  for await (const picture of drawn(run, icons, places)) {
    const icon = icons[row++]!;
    for (const [i, other] of pictures.entries()) {
      const found = psnr(picture, other);
      if (found > best[i]!.psnr) best[i] = { icon, psnr: found };
    }
  }
  return best.map(({ icon }) => icon);
}

/** The mean of some pictures. */
export function meanPicture(all: Icons, icons: readonly number[]): Float32Array {
  const sums = new Float64Array(all.size * all.size * 3);
  for (const icon of icons) for (const [i, c] of coloursOf(all, icon).entries()) sums[i]! += c;
  return Float32Array.from(sums, (sum) => sum / icons.length);
}

export const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

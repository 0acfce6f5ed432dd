import { type Batches, batches, type Random } from 'hyperloom/data';
import { type NdArray, ndarray } from 'hyperloom/tensor';
import type { Icons } from './icons.ts';
import { squarePlaces } from './places.ts';

/** Pixels of several icons: an example is an icon, of which the weights are generated once. */
export interface IconPixels {
  readonly input: {
    /** Position of each icon among the codes, int32 [icons]. */
    readonly code: NdArray;
    /** Places of its pixels [icons, points, 2], x and y from -1 to 1. */
    readonly input: NdArray;
  };
  /** Colours there, from 0 to 1 [icons, points, 3]. */
  readonly target: NdArray;
}

/** The colours of one icon, [size * size, 3]. */
export function coloursOf({ pixels, size }: Pick<Icons, 'pixels' | 'size'>, icon: number): Float32Array {
  const length = size * size * 3;
  return (pixels.data as Float32Array).subarray(icon * length, (icon + 1) * length);
}

/** Settings of {@link pixelBatches}. */
export interface PixelBatchOptions {
  /** Icons to draw from; each has the code of its own number. */
  readonly icons: readonly number[];
  /** Icons in a batch, and random pixels of each. */
  readonly rows: number;
  readonly points: number;
  readonly seed: number;
}

/** Random pixels of random icons, none twice in an epoch; batch k is a function of the seed and k. */
export function pixelBatches(all: Icons, { icons, rows, points, seed }: PixelBatchOptions): Batches<IconPixels> {
  const fill = filler(all);
  const count = icons.length;
  const blank: IconPixels = {
    input: {
      code: ndarray(Int32Array.from(icons), [count]),
      input: ndarray(new Float32Array(count * points * 2), [count, points, 2]),
    },
    target: ndarray(new Float32Array(count * points * 3), [count, points, 3]),
  };
  return batches(blank, {
    size: rows,
    seed,
    augment: ({ input, target }, random) => fill(input.code.data[0]!, input.input.data, target.data, random),
  });
}

/** Random pixels of each of some icons, always in their order: for networks side by side. */
export function groupBatches(all: Icons, { icons, points, seed }: Omit<PixelBatchOptions, 'rows'>) {
  const fill = filler(all);
  const zeros = (width: number) =>
    ndarray(new Float32Array(icons.length * points * width), [1, icons.length, points, width]);
  return batches(
    { input: zeros(2), target: zeros(3) },
    {
      size: 1,
      seed,
      augment: ({ input, target }, random) => {
        icons.forEach((icon, row) => {
          const part = ({ data }: NdArray, width: number) =>
            data.subarray(row * points * width, (row + 1) * points * width);
          fill(icon, part(input, 2), part(target, 3), random);
        });
      },
    },
  );
}

/** Puts random pixels of an icon into arrays of places and of colours. */
function filler({ size, pixels }: Icons) {
  const all = squarePlaces(size).data;
  return (icon: number, places: NdArray['data'], colours: NdArray['data'], random: Random): void => {
    const first = icon * size * size;
    for (let i = 0; i < places.length / 2; i++) {
      const pixel = random.below(size * size);
      for (let c = 0; c < 2; c++) places[2 * i + c] = all[2 * pixel + c]!;
      for (let c = 0; c < 3; c++) colours[3 * i + c] = pixels.data[3 * (first + pixel) + c]!;
    }
  };
}

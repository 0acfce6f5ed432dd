import { randomAt, type ScaledBytes, scaledBytes } from 'hyperloom/data';
import { ArgumentError, type NdArray, ndarray } from 'hyperloom/tensor';
import type { LabelledImages } from './images.ts';

/** Settings of {@link cluttered}. */
export interface ClutterOptions {
  /** Images to make. */
  readonly count: number;
  /** Names the stream of all random choices: another one gives other variations of the same images. */
  readonly variation: number;
  /** Height and width of an image. */
  readonly canvas: number;
  /** Pieces of other images around. Default 4. */
  readonly pieces?: number;
  /** The largest angle to either side, in degrees. Default 45, at which a 6 is no 9 yet. */
  readonly angle?: number;
  /** The smallest and largest scale. Default 0.8 to 1.2. */
  readonly scale?: readonly [number, number];
}

/** Height and width of a piece. */
const pieceSize = 8;

/**
 * Images to classify, made of real ones as in the cluttered translated MNIST of Mnih et al. 2014, section 4.1, and
 * harder: each is turned, scaled and put somewhere on a larger canvas, among pieces of 8x8 pixels of others. Where
 * pictures overlap the brighter pixel is seen. Image i is made of real image i (and begins again after the last), and
 * is a pure function of i and `variation`.
 * @throws ArgumentError for a canvas that is smaller than a piece, or without images
 */
export function cluttered(
  { images, labels }: LabelledImages,
  { count, variation, canvas, pieces = 4, angle = 45, scale = [0.8, 1.2] }: ClutterOptions,
): { readonly images: ScaledBytes; readonly labels: NdArray } {
  const [real, channels, height, width] = images.shape as [number, number, number, number];
  if (real === 0 || canvas < pieceSize)
    throw new ArgumentError(
      `cluttered: expected images and a canvas of at least ${pieceSize}, got ${real} and ${canvas}`,
    );
  const [plane, size] = [canvas * canvas, channels * height * width];
  const data = new Uint8Array(count * channels * plane);
  const classes = Int32Array.from({ length: count }, (_, i) => labels.data[i % real]!);
  for (let i = 0; i < count; i++) {
    const random = randomAt(variation, i);
    const between = (low: number, high: number) => low + (high - low) * random.uniform();
    const image = data.subarray(i * channels * plane, (i + 1) * channels * plane);
    const turn = (between(-angle, angle) * Math.PI) / 180;
    const factor = between(...scale);
    // The middle of the digit stays so far inside that no more than corners are cut.
    const reach = Math.min(canvas / 2, (factor * Math.max(height, width)) / 2);
    const [y, x] = [between(reach, canvas - reach), between(reach, canvas - reach)];
    const source = images.data.subarray((i % real) * size, ((i % real) + 1) * size);
    placeTurned(source, image, { channels, height, width, canvas, turn, factor, y, x });
    for (let piece = 0; piece < pieces; piece++) {
      const other = random.below(real);
      const from = [
        random.below(Math.max(1, height - pieceSize)),
        random.below(Math.max(1, width - pieceSize)),
      ] as const;
      const to = [random.below(canvas - pieceSize + 1), random.below(canvas - pieceSize + 1)] as const;
      for (let c = 0; c < channels; c++) {
        for (let row = 0; row < Math.min(pieceSize, height); row++) {
          for (let column = 0; column < Math.min(pieceSize, width); column++) {
            const seen = images.data[other * size + (c * height + from[0] + row) * width + from[1] + column]!;
            const at = (c * canvas + to[0] + row) * canvas + to[1] + column;
            if (seen > image[at]!) image[at] = seen;
          }
        }
      }
    }
  }
  return {
    images: scaledBytes({ dtype: 'uint8', shape: [count, channels, canvas, canvas], data }),
    labels: ndarray(classes, [count]),
  };
}

interface Place {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly canvas: number;
  readonly turn: number;
  readonly factor: number;
  /** Where the middle of the image lies. */
  readonly y: number;
  readonly x: number;
}

/** Draws an image, turned and scaled about its middle, by bilinear interpolation. */
function placeTurned(source: Uint8Array, image: Uint8Array, place: Place): void {
  const { channels, height, width, canvas, turn, factor, y, x } = place;
  const [cos, sin] = [Math.cos(turn) / factor, Math.sin(turn) / factor];
  const reach = Math.ceil((factor * Math.hypot(height, width)) / 2);
  const range = (middle: number) => [
    Math.max(0, Math.floor(middle - reach)),
    Math.min(canvas, Math.ceil(middle + reach)),
  ];
  const [[top, bottom], [left, right]] = [range(y), range(x)] as [[number, number], [number, number]];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const [dy, dx] = [row + 0.5 - y, column + 0.5 - x];
      const sy = cos * dy - sin * dx + height / 2 - 0.5;
      const sx = sin * dy + cos * dx + width / 2 - 0.5;
      const [fromY, fromX] = [Math.floor(sy), Math.floor(sx)];
      if (fromY < -1 || fromX < -1 || fromY >= height || fromX >= width) continue;
      const [wy, wx] = [sy - fromY, sx - fromX];
      for (let c = 0; c < channels; c++) {
        const pixel = (r: number, q: number): number =>
          r < 0 || q < 0 || r >= height || q >= width ? 0 : source[(c * height + r) * width + q]!;
        const upper = (1 - wx) * pixel(fromY, fromX) + wx * pixel(fromY, fromX + 1);
        const lower = (1 - wx) * pixel(fromY + 1, fromX) + wx * pixel(fromY + 1, fromX + 1);
        image[(c * canvas + row) * canvas + column] = Math.round((1 - wy) * upper + wy * lower);
      }
    }
  }
}

import type { Shape } from '../tensor/index.ts';
import { ArgumentError, ShapeError, showShape, type TypedArray } from '../tensor/index.ts';
import type { Random } from './random.ts';

/** What {@link padAndCrop} changes: one image [..., height, width], of floats or bytes. */
export interface Image {
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** Settings of {@link padAndCrop}. */
export interface PadAndCropOptions {
  /** Pixels put on each side before a window of the old size is cut out. Ha et al. 2016 pad 28 to 30: 1. */
  readonly pad: number;
  /** Value of the padding, in the units of the image (black is `-mean / std` when it was normalised). Default 0. */
  readonly fill?: number;
}

/**
 * An augmentation that moves an image by up to `pad` pixels each way: pads every side and crops the old size at a
 * random place, all (2 pad + 1)^2 places alike. It works in place; leading axes (channels) move together.
 * @throws ArgumentError when `pad` is not a whole number of at least 0
 * @example
 * const crop = padAndCrop({ pad: 1 });
 * const examples = { image: ndarray([[[1, 2], [3, 4]]]), label: ndarray([5]) };
 * const training = batches(examples, { size: 1, augment: ({ image }, random) => crop(image, random) });
 */
export function padAndCrop({ pad, fill = 0 }: PadAndCropOptions): (image: Image, random: Random) => void {
  if (!Number.isInteger(pad) || pad < 0) throw new ArgumentError(`padAndCrop: expected pad of 0 or above, got ${pad}`);
  const places = 2 * pad + 1;
  return (image, random) => {
    const down = random.below(places) - pad;
    const right = random.below(places) - pad;
    shift(image, down, right, fill);
  };
}

/** Moves an image in place. Rows are visited so that each is read before it is overwritten. */
function shift({ shape, data }: Image, down: number, right: number, fill: number): void {
  const [height, width] = shape.slice(-2);
  if (height === undefined || width === undefined) {
    throw new ShapeError(`padAndCrop: expected an image [..., height, width], got ${showShape(shape)}`);
  }
  const plane = height * width;
  const from = Math.max(0, -right);
  const kept = Math.max(0, width - Math.abs(right));
  for (let start = 0; start < data.length; start += plane) {
    for (let i = 0; i < height; i++) {
      const y = down > 0 ? height - 1 - i : i;
      const target = start + y * width;
      const inside = y - down >= 0 && y - down < height && kept > 0;
      if (!inside) {
        data.fill(fill, target, target + width);
        continue;
      }
      const source = target - down * width + from;
      const to = target + Math.max(0, right);
      data.copyWithin(to, source, source + kept);
      data.fill(fill, target, to);
      data.fill(fill, to + kept, target + width);
    }
  }
}

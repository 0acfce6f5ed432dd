import type { DType } from './dtype.ts';

/** Sizes of the axes, outermost first. A scalar has shape `[]`. */
export type Shape = readonly number[];

/** What is known of a value before it is computed: its element type and shape. */
export interface Aval {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Number of elements. */
export const sizeOf = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);

/** `[2, 3]` as text. */
export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`;

/** Whether two shapes are the same. */
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

/** Whether every size is a whole number, none negative. */
export const isShape = (shape: Shape): boolean => shape.every((d) => Number.isInteger(d) && d >= 0);

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i] as number;
  }
  return strides;
}

/** The NumPy broadcast of two shapes, or undefined when they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out[rank - i] = x === 1 ? y : x;
  }
  return out;
}

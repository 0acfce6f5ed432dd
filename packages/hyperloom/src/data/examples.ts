import {
  ArgumentError,
  type Aval,
  type NdArray,
  ndarray,
  ShapeError,
  showShape,
  sizeOf,
  type TypedArray,
  tree,
} from '../tensor/index.ts';
import type { ByteArray } from './idx.ts';

/** Bytes that a batch gives as float32 `scale * byte + offset`: at rest they take a quarter of the memory. */
export interface ScaledBytes extends ByteArray {
  readonly scale: number;
  readonly offset: number;
}

/** Many examples of one kind: an array whose first axis counts them. */
export type ExampleArray = NdArray | ScaledBytes;

/** The tree of arrays that a batch of the examples `S` is. */
export type BatchOf<S> = S extends ExampleArray ? NdArray : { readonly [K in keyof S]: BatchOf<S[K]> };

/** The tree of types and shapes that a batch of the examples `S` has. */
export type SpecOf<S> = S extends ExampleArray ? Aval : { readonly [K in keyof S]: SpecOf<S[K]> };

/**
 * Bytes to be read as floats: divided by 255, less `mean`, over `std`. Nothing is copied.
 * @example
 * const images: ByteArray = { dtype: 'uint8', shape: [2, 1], data: new Uint8Array([0, 255]) };
 * const pixels = scaledBytes(images, { mean: 0.5, std: 0.5 }); // read as -1 and 1
 */
export function scaledBytes(
  bytes: ByteArray,
  options: { readonly mean?: number; readonly std?: number } = {},
): ScaledBytes {
  const { mean = 0, std = 1 } = options;
  if (!(std > 0)) throw new ArgumentError(`scaledBytes: expected std above 0, got ${std}`);
  return { ...bytes, scale: 1 / (255 * std), offset: -mean / std };
}

/**
 * Labels as int32 class indices of the same shape.
 * @throws ArgumentError when a label is not below `classes`
 * @example
 * const labels: ByteArray = { dtype: 'uint8', shape: [3], data: new Uint8Array([7, 0, 9]) };
 * const indices = classIndices(labels, 10); // int32 [3]
 */
export function classIndices(labels: ByteArray, classes: number): NdArray {
  const found = labels.data.findIndex((label) => label >= classes);
  if (found >= 0) {
    throw new ArgumentError(`classIndices: expected labels below ${classes}, got ${labels.data[found]} at ${found}`);
  }
  return ndarray(Int32Array.from(labels.data), labels.shape);
}

/**
 * Some of the examples of a tree, from row `from` up to and without row `to`. Nothing is copied.
 * @throws ArgumentError when there are no such rows
 * @example
 * const all = { x: ndarray([[1], [2], [3]]), y: ndarray([4, 5, 6]) };
 * const last = rows(all, 1, 3); // x [2, 1], y [2]
 */
export function rows<S>(examples: S, from: number, to: number): S {
  const count = countOf(examples);
  if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= count)) {
    throw new ArgumentError(`rows: expected a range within 0 to ${count}, got ${from} to ${to}`);
  }
  return tree.map((array: ExampleArray): ExampleArray => {
    const shape = [to - from, ...array.shape.slice(1)];
    const length = sizeOf(array.shape.slice(1));
    return { ...array, shape, data: array.data.subarray(from * length, to * length) } as ExampleArray;
  }, examples) as S;
}

/**
 * How many examples a tree holds: the first axis that all its arrays share.
 * @throws ShapeError when they do not share it
 */
export function countOf(examples: unknown): number {
  const flat = Object.entries(tree.flatten<ExampleArray>(examples));
  const count = flat[0]?.[1].shape[0];
  if (count === undefined) throw new ShapeError('examples: expected arrays of shape [count, ...], got none');
  for (const [path, { shape }] of flat) {
    if (shape[0] !== count) throw new ShapeError(`examples "${path}": expected ${count} rows, got ${showShape(shape)}`);
  }
  return count;
}

/** The element type of a batch. */
export const batchDType = (array: ExampleArray) => (array.dtype === 'uint8' ? 'float32' : array.dtype);

/** A function that copies example `from` into row `to` of a batch's buffer, converted. */
export function copierOf(array: ExampleArray, target: TypedArray): (from: number, to: number) => void {
  const length = sizeOf(array.shape.slice(1));
  const { data } = array;
  if (array.dtype === 'uint8') {
    const { scale, offset } = array;
    const values = Float32Array.from({ length: 256 }, (_, byte) => scale * byte + offset);
    return (from, to) => {
      for (let i = 0, s = from * length, t = to * length; i < length; i++) target[t + i] = values[data[s + i]!]!;
    };
  }
  return (from, to) => target.set(data.subarray(from * length, (from + 1) * length), to * length);
}

import { ArgumentError } from './errors.ts';

/** Element types of tensors. `float64` runs on the reference engine only. */
export type DType = 'float32' | 'float64' | 'int32' | 'uint32' | 'bool';

/** The storage behind an {@link NdArray}. Booleans are bytes, 0 or 1. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

const storage = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const;

/**
 * A zeroed typed array that holds `length` elements of `dtype`.
 * @throws ArgumentError when there is no room for them
 */
export function allocate(dtype: DType, length: number): TypedArray {
  try {
    return new storage[dtype](length);
  } catch (cause) {
    throw new ArgumentError(`array: expected one that memory has room for, got ${length} elements of ${dtype}`, {
      cause,
    });
  }
}

/** Whether a typed array is the storage that `dtype` uses. */
export const stores = (dtype: DType, data: TypedArray): boolean => data instanceof storage[dtype];

/** Whether gradients flow through this element type. */
export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';

/** Bytes of one element. */
export const byteSize = (dtype: DType): number => storage[dtype].BYTES_PER_ELEMENT;

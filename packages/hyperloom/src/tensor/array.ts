import { allocate, type DType, stores, type TypedArray } from './dtype.ts';
import { DTypeError, ShapeError } from './errors.ts';
import { isShape, type Shape, showShape, sizeOf } from './shape.ts';

/** A concrete array on the host: what programs take in and give back. Row-major, never a view. */
export interface NdArray {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** Numbers, nested to any depth, as they are written in source. */
export type Nested = number | boolean | readonly Nested[];

/**
 * A concrete array from numbers or a typed array. Numbers become float32 and booleans bool unless `dtype` says otherwise.
 * @param data nested numbers (their nesting is the shape), or a flat or typed array together with `shape`
 * @throws ShapeError when the lengths do not fit the shape, or nested rows differ in length
 * @example
 * const m = ndarray([[1, 2], [3, 4]]);           // float32 [2, 2]
 * const i = ndarray(new Int32Array([5, 6]), [2]); // int32 [2]
 */
export function ndarray(data: Nested | TypedArray, shape?: Shape, dtype?: DType): NdArray {
  if (ArrayBuffer.isView(data)) return fromTyped(data as TypedArray, shape, dtype);
  const found: number[] = [];
  for (let level: Nested | undefined = data; Array.isArray(level); level = level[0] as Nested | undefined)
    found.push(level.length);
  const flat: number[] = [];
  let onlyBooleans = true;
  const walk = (value: Nested, depth: number): void => {
    if (Array.isArray(value)) {
      if (value.length !== found[depth]) {
        throw new ShapeError(
          `ndarray: expected rows of ${found[depth] ?? 'no'} elements at depth ${depth}, got ${value.length}`,
        );
      }
      for (const item of value) walk(item, depth + 1);
    } else {
      if (depth !== found.length)
        throw new ShapeError(`ndarray: expected numbers at depth ${found.length}, got one at depth ${depth}`);
      onlyBooleans &&= typeof value === 'boolean';
      flat.push(dtype === 'bool' ? Number(Boolean(value)) : Number(value));
    }
  };
  walk(data, 0);
  const kind = dtype ?? (onlyBooleans && flat.length > 0 ? 'bool' : 'float32');
  const out = allocate(kind, flat.length);
  out.set(flat);
  return checked({ dtype: kind, shape: shape ?? found, data: out });
}

function fromTyped(data: TypedArray, shape: Shape = [data.length], dtype = dtypeOf(data)): NdArray {
  if (!stores(dtype, data))
    throw new DTypeError(`ndarray: expected storage for ${dtype}, got ${data.constructor.name}`);
  return checked({ dtype, shape, data });
}

function checked(array: NdArray): NdArray {
  if (!isShape(array.shape))
    throw new ShapeError(`ndarray: expected a shape of whole sizes, none negative, got ${showShape(array.shape)}`);
  if (sizeOf(array.shape) !== array.data.length) {
    throw new ShapeError(
      `ndarray: expected ${sizeOf(array.shape)} elements for shape ${showShape(array.shape)}, got ${array.data.length}`,
    );
  }
  return array;
}

function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint32Array) return 'uint32';
  return 'bool';
}

/** A zeroed array of the given type and shape. */
export const zerosArray = (dtype: DType, shape: Shape): NdArray => ({
  dtype,
  shape,
  data: allocate(dtype, sizeOf(shape)),
});

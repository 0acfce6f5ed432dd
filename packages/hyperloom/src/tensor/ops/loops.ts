import type { NdArray } from '../array.ts';
import { allocate, type DType, isFloat } from '../dtype.ts';
import { type Shape, sizeOf, stridesOf } from '../shape.ts';

/** The reference result of an operation: floats are kept in float64 whatever their declared type. */
export const result = (
  dtype: DType,
  shape: Shape,
): NdArray & { data: { [index: number]: number; length: number } } => ({
  dtype,
  shape,
  data: isFloat(dtype) ? new Float64Array(sizeOf(shape)) : allocate(dtype, sizeOf(shape)),
});

/** Strides that read `from` as if broadcast to `to`: zero along every stretched axis. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const own = stridesOf(from);
  const lead = to.length - from.length;
  return to.map((_, i) => (i < lead || from[i - lead] === 1 ? 0 : (own[i - lead] as number)));
}

/** Visits every position of `shape` in row-major order with the matching offset under each set of strides. */
export function eachIndex(
  shape: Shape,
  strides: readonly (readonly number[])[],
  visit: (offsets: readonly number[], position: number) => void,
): void {
  const size = sizeOf(shape);
  const counter = new Array<number>(shape.length).fill(0);
  const offsets = strides.map(() => 0);
  for (let position = 0; position < size; position++) {
    visit(offsets, position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const wrapped = counter[axis] === (shape[axis] as number) - 1;
      const steps = wrapped ? -(counter[axis] as number) : 1;
      counter[axis] = (counter[axis] as number) + steps;
      for (let s = 0; s < strides.length; s++) {
        offsets[s] = (offsets[s] as number) + steps * (strides[s]?.[axis] as number);
      }
      if (!wrapped) break;
    }
  }
}

/** Applies `f` to inputs broadcast against each other. */
export function mapBroadcast(
  inputs: readonly NdArray[],
  dtype: DType,
  shape: Shape,
  f: (...values: number[]) => number,
): NdArray {
  const out = result(dtype, shape);
  const datas = inputs.map((input) => input.data);
  const values = inputs.map(() => 0);
  eachIndex(
    shape,
    inputs.map((input) => broadcastStrides(input.shape, shape)),
    (offsets, position) => {
      for (let i = 0; i < datas.length; i++) values[i] = datas[i]?.[offsets[i] as number] as number;
      out.data[position] = f(...values);
    },
  );
  return out;
}

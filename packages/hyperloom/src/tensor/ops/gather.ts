import type { DType } from '../dtype.ts';
import { ArgumentError, DTypeError, ShapeError } from '../errors.ts';
import { type Aval, isShape, type Shape, sameShape, showShape, sizeOf } from '../shape.ts';
import { emit1, type Op, scalarLike, type Tensor, workOnOutput } from '../tensor.ts';
import { add, mul } from './arithmetic.ts';
import { normalAxis } from './axes.ts';
import { broadcastTo, reshape } from './broadcast.ts';
import { cast } from './cast.ts';
import { checkType, jointType } from './checks.ts';
import { equal } from './compare.ts';
import { result } from './loops.ts';
import { moveAxis } from './transpose.ts';

const gatheredShape = (x: Shape, indices: Shape, axis: number): Shape => [
  ...x.slice(0, axis),
  ...indices,
  ...x.slice(axis + 1),
];

const checkIndices = (op: string, indices: Aval): void => {
  if (indices.dtype !== 'int32') throw new DTypeError(`${op}: expected int32 indices, got ${indices.dtype}`);
};

/** Calls `visit(offset in x, offset in the gathered array)` for each element that gather copies. */
function eachGathered(
  x: Aval,
  indices: { shape: Shape; data: ArrayLike<number> },
  axis: number,
  visit: (inX: number, inOut: number) => void,
  op: string,
): void {
  const inner = sizeOf(x.shape.slice(axis + 1));
  const outer = sizeOf(x.shape.slice(0, axis));
  const rows = x.shape[axis]!;
  let out = 0;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < indices.data.length; i++) {
      const row = indices.data[i]!;
      if (row < 0 || row >= rows) throw new ArgumentError(`${op}: expected indices from 0 to ${rows - 1}, got ${row}`);
      for (let k = 0; k < inner; k++) visit((o * rows + row) * inner + k, out++);
    }
  }
}

/** The gather operation: rows of one axis by index; the axis is replaced by those of the indices. */
export const gatherOp: Op<{ axis: number }> = {
  name: 'gather',
  infer: ([x, indices], { axis }) => {
    checkIndices('gather', indices!);
    return [{ dtype: x!.dtype, shape: gatheredShape(x!.shape, indices!.shape, axis) }];
  },
  vjp: ({ inputs: [x, indices], cotangents: [dy], attrs }) => [
    scatterAdd(broadcastTo(scalarLike(0, x!), x!.shape), indices!, dy!, attrs.axis),
    undefined,
  ],
  batch: (call) => {
    const {
      inputs: [x, indices],
      batched: [xBatched],
      attrs: { axis },
    } = call;
    if (!call.batched[1]) return [emit1(gatherOp, [x!, indices!], { axis: axis + 1 })];
    if (!xBatched) return [moveAxis(emit1(gatherOp, [x!, indices!], { axis }), axis, 0)];
    const rows = foldRows(x!, axis);
    const picked = emit1(gatherOp, [rows, offsetIndices(indices!, x!.shape[axis + 1]!)], { axis: 0 });
    return [unfoldRows(picked, indices!.rank - 1, axis)];
  },
  eval: ([x, indices], { axis }) => {
    const out = result(x!.dtype, gatheredShape(x!.shape, indices!.shape, axis));
    eachGathered(
      x!,
      indices!,
      axis,
      (from, to) => {
        out.data[to] = x!.data[from]!;
      },
      'gather',
    );
    return [out];
  },
  work: workOnOutput,
};

/** The scatterAdd operation: adds each update to the row of the base that its index names. */
export const scatterAddOp: Op<{ axis: number }> = {
  name: 'scatterAdd',
  infer: ([base, indices, updates], { axis }) => {
    checkIndices('scatterAdd', indices!);
    const expected = gatheredShape(base!.shape, indices!.shape, axis);
    if (!sameShape(expected, updates!.shape)) {
      throw new ShapeError(`scatterAdd: expected updates ${showShape(expected)}, got ${showShape(updates!.shape)}`);
    }
    checkType('scatterAdd', base!, 'number');
    return [{ dtype: jointType('scatterAdd', [base!, updates!]), shape: base!.shape }];
  },
  vjp: ({ inputs: [, indices], cotangents: [dy], attrs }) => [dy, undefined, gather(dy!, indices!, attrs.axis)],
  batch: (call) => {
    const {
      size,
      attrs: { axis },
    } = call;
    const [base, indices, updates] = call.inputs.map((x, i) =>
      call.batched[i] || (i === 1 && !call.batched[1]) ? x : broadcastTo(x, [size, ...x.shape]),
    );
    if (!call.batched[1]) return [emit1(scatterAddOp, [base!, indices!, updates!], { axis: axis + 1 })];
    const rest = indices!.rank - 1;
    const flat = emit1(
      scatterAddOp,
      [foldRows(base!, axis), offsetIndices(indices!, base!.shape[axis + 1]!), foldUpdates(updates!, rest, axis)],
      { axis: 0 },
    );
    return [unfoldRows(reshape(flat, [size, base!.shape[axis + 1]!, ...flat.shape.slice(1)]), 1, axis)];
  },
  eval: ([base, indices, updates], { axis }) => {
    const out = result(base!.dtype, base!.shape);
    for (let i = 0; i < out.data.length; i++) out.data[i] = base!.data[i]!;
    eachGathered(
      base!,
      indices!,
      axis,
      (to, from) => {
        out.data[to]! += updates!.data[from]!;
      },
      'scatterAdd',
    );
    return [out];
  },
};

/** [B, ...outer, n, ...inner] to [B * n, ...outer, ...inner]: one table of all rows of the batch. */
function foldRows(x: Tensor, axis: number): Tensor {
  const front = moveAxis(x, axis + 1, 1);
  return reshape(front, [front.shape[0]! * front.shape[1]!, ...front.shape.slice(2)]);
}

/** Each example's indices shifted to its own rows of the folded table. */
function offsetIndices(indices: Tensor, rows: number): Tensor {
  const [size] = indices.shape;
  return add(indices, reshape(mul(iota(size!), rows), [size!, ...new Array<number>(indices.rank - 1).fill(1)]));
}

/** [B, ...indices, ...outer, ...inner] to [B, ...outer, ...indices, ...inner]. */
function unfoldRows(x: Tensor, indexRank: number, outerRank: number): Tensor {
  let out = x;
  for (let i = 0; i < outerRank; i++) out = moveAxis(out, 1 + indexRank + i, 1 + i);
  return out;
}

/** The inverse of {@link unfoldRows}. */
function foldUpdates(x: Tensor, indexRank: number, outerRank: number): Tensor {
  let out = x;
  for (let i = 0; i < indexRank; i++) out = moveAxis(out, 1 + outerRank + i, 1 + i);
  return out;
}

/** The iota operation: 0, 1, ... size - 1. */
export const iotaOp: Op<{ size: number; dtype: DType }> = {
  name: 'iota',
  infer: (_, { size, dtype }) => {
    if (!isShape([size])) throw new ArgumentError(`iota: expected a whole size, not negative, got ${size}`);
    checkType('iota', { dtype, shape: [] }, 'number');
    return [{ dtype, shape: [size] }];
  },
  vjp: () => [],
  batch: () => [],
  eval: (_, { size, dtype }) => {
    const out = result(dtype, [size]);
    for (let i = 0; i < size; i++) out.data[i] = i;
    return [out];
  },
};

/**
 * Rows of one axis by index: out[..., i, ...] = x[..., indices[i], ...]. The axis is replaced by those of `indices`.
 * @param indices int32, each from 0 to the size of the axis less one
 * @throws DTypeError unless the indices are int32
 * @example
 * const rows = gather(constant(ndarray([[1, 2], [3, 4]])), constant([1, 0, 1], 'int32')); // [3, 2]
 */
export const gather = (x: Tensor, indices: Tensor, axis = 0): Tensor =>
  emit1(gatherOp, [x, indices], { axis: normalAxis(x, axis, 'gather') });

/**
 * Adds rows into a base by index; equal indices add up. The transpose of {@link gather}.
 * @throws ShapeError unless the updates have the shape that gather would give
 * @example
 * const counts = scatterAdd(constant([0, 0]), constant([1, 1], 'int32'), constant([1, 1])); // [0, 2]
 */
export const scatterAdd = (base: Tensor, indices: Tensor, updates: Tensor, axis = 0): Tensor =>
  emit1(scatterAddOp, [base, indices, updates], { axis: normalAxis(base, axis, 'scatterAdd') });

/** 0, 1, ... size - 1 as a vector. */
export const iota = (size: number, dtype: DType = 'int32'): Tensor => emit1(iotaOp, [], { size, dtype });

/**
 * Ones at the given classes, zeros elsewhere: [...indices] to [...indices, classes]. An index outside has no one.
 * @throws DTypeError unless the indices are int32
 * @example
 * const labels = oneHot(constant([2, 0], 'int32'), 3); // [[0, 0, 1], [1, 0, 0]]
 */
export function oneHot(indices: Tensor, classes: number, dtype: DType = 'float32'): Tensor {
  checkIndices('oneHot', indices);
  return cast(equal(reshape(indices, [...indices.shape, 1]), iota(classes)), dtype);
}

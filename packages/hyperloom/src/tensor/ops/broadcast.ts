import { ShapeError } from '../errors.ts';
import { broadcastShapes, isShape, type Shape, sameShape, showShape, sizeOf } from '../shape.ts';
import { emit1, noWork, type Op, type Tensor } from '../tensor.ts';
import { checkType } from './checks.ts';
import { broadcastAxes, reductionAxes, reshapeAxes } from './factors.ts';
import { broadcastStrides, eachIndex, result } from './loops.ts';

/** The reshape operation: the same numbers in row-major order under another shape. */
export const reshapeOp: Op<{ shape: Shape }> = {
  name: 'reshape',
  infer: ([x], { shape }) => {
    if (!isShape(shape) || sizeOf(x!.shape) !== sizeOf(shape)) {
      throw new ShapeError(
        `reshape: expected a shape of ${sizeOf(x!.shape)} elements for ${showShape(x!.shape)}, got ${showShape(shape)}`,
      );
    }
    return [{ dtype: x!.dtype, shape }];
  },
  vjp: ({ inputs, cotangents }) => [reshape(cotangents[0]!, inputs[0]!.shape)],
  batch: ({ inputs, size, attrs }) => [reshape(inputs[0]!, [size, ...attrs.shape])],
  eval: ([x], { shape }) => [{ ...x!, shape }],
  axes: ([x], [y]) => reshapeAxes(x!, y!),
  resize: (_, __, [y]) => ({ shape: y!.shape }),
  work: noWork,
};

/** The broadcastTo operation: repeats axes of size 1 and adds leading axes. */
export const broadcastToOp: Op<{ shape: Shape }> = {
  name: 'broadcastTo',
  infer: ([x], { shape }) => {
    const joint = broadcastShapes(x!.shape, shape);
    if (joint === undefined || !isShape(shape) || !sameShape(joint, shape)) {
      throw new ShapeError(
        `broadcastTo: expected a shape that ${showShape(x!.shape)} stretches to, got ${showShape(shape)}`,
      );
    }
    return [{ dtype: x!.dtype, shape }];
  },
  vjp: ({ inputs, cotangents }) => [sumTo(cotangents[0]!, inputs[0]!.shape)],
  batch: ({ inputs, size, attrs }) => [
    broadcastTo(padRank(inputs[0]!, attrs.shape.length + 1), [size, ...attrs.shape]),
  ],
  eval: ([x], { shape }) => {
    const out = result(x!.dtype, shape);
    eachIndex(shape, [broadcastStrides(x!.shape, shape)], ([offset], position) => {
      out.data[position] = x!.data[offset!]!;
    });
    return [out];
  },
  axes: broadcastAxes,
  resize: (_, __, [y]) => ({ shape: y!.shape }),
  work: noWork,
};

/** The reduceSum operation. `axes` are sorted and not negative. */
export const reduceSumOp: Op<{ axes: readonly number[]; keepDims: boolean }> = {
  name: 'reduceSum',
  infer: ([x], { axes, keepDims }) => {
    checkType('reduceSum', x!, 'number');
    return [{ dtype: x!.dtype, shape: reducedShape(x!.shape, axes, keepDims) }];
  },
  vjp: ({ inputs, cotangents, attrs }) => {
    const { shape } = inputs[0]!;
    return [broadcastTo(reshape(cotangents[0]!, reducedShape(shape, attrs.axes, true)), shape)];
  },
  batch: ({ inputs, attrs }) => [
    emit1(reduceSumOp, inputs, { axes: attrs.axes.map((axis) => axis + 1), keepDims: attrs.keepDims }),
  ],
  eval: ([x], { axes, keepDims }) => {
    const kept = result(x!.dtype, reducedShape(x!.shape, axes, true));
    eachIndex(x!.shape, [broadcastStrides(kept.shape, x!.shape)], ([to], from) => {
      kept.data[to!]! += x!.data[from]!;
    });
    return [{ ...kept, shape: reducedShape(x!.shape, axes, keepDims) }];
  },
  axes: (inputs, _, attrs) => reductionAxes(inputs, attrs, true),
};

/** The shape that is left when `axes` are reduced. */
export const reducedShape = (shape: Shape, axes: readonly number[], keepDims: boolean): Shape =>
  keepDims ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));

/** Inserts axes of size 1 behind the batch axis until a batched tensor has `rank` axes. */
export const padRank = (x: Tensor, rank: number): Tensor =>
  x.rank >= rank ? x : reshape(x, [x.shape[0]!, ...new Array<number>(rank - x.rank).fill(1), ...x.shape.slice(1)]);

/** Sums a tensor down to a shape that had been broadcast to its own: the gradient of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.rank - shape.length;
  const axes = x.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  return reshape(axes.length === 0 ? x : emit1(reduceSumOp, [x], { axes, keepDims: false }), shape);
}

/**
 * The same numbers under another shape; one size may be -1 and is worked out.
 * @throws ShapeError when the numbers of elements differ
 * @example
 * const rows = reshape(constant([1, 2, 3, 4]), [2, -1]); // [2, 2]
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const free = shape.indexOf(-1);
  const others = shape.filter((_, i) => i !== free);
  const size = sizeOf(x.shape) / sizeOf(others);
  if (free >= 0 && !(Number.isInteger(size) && isShape(others))) {
    throw new ShapeError(
      `reshape: expected a shape that ${sizeOf(x.shape)} elements of ${showShape(x.shape)} fill, got ${showShape(shape)}`,
    );
  }
  const full = free < 0 ? shape : shape.with(free, size);
  if (sameShape(full, x.shape)) return x;
  const inner = x.node.op === (reshapeOp as Op) ? x.node.inputs[0]! : x;
  return sameShape(full, inner.shape) ? inner : emit1(reshapeOp, [inner], { shape: full });
}

/**
 * Repeats a tensor along axes of size 1 and new leading axes (NumPy's rules).
 * @throws ShapeError when the shape does not stretch to the one asked for
 * @example
 * const rows = broadcastTo(constant([1, 2]), [3, 2]);
 */
export const broadcastTo = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : emit1(broadcastToOp, [x], { shape });

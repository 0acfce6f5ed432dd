import { ArgumentError, ShapeError } from '../errors.ts';
import { type Aval, isShape, sameShape, showShape, stridesOf } from '../shape.ts';
import { emit, emit1, type Op, scalarLike, type Tensor } from '../tensor.ts';
import { normalAxis } from './axes.ts';
import { broadcastTo, reshape } from './broadcast.ts';
import { jointType } from './checks.ts';
import { alongOthers } from './factors.ts';
import { eachIndex, result } from './loops.ts';

/** Zeros of a given type and shape, as a scalar that the consumer broadcasts. */
const zerosOf = (x: Aval): Tensor => broadcastTo(scalarLike(0, x), x.shape);

/** The concat operation: inputs that differ only along one axis, joined there. */
export const concatOp: Op<{ axis: number }> = {
  name: 'concat',
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    const total = inputs.reduce((n, x) => n + (x.shape[axis] ?? 0), 0);
    const fits = ({ shape }: Aval) =>
      shape.length === first!.shape.length && shape.every((d, i) => i === axis || d === first!.shape[i]);
    const odd = inputs.find((x) => !fits(x));
    if (odd !== undefined)
      throw new ShapeError(
        `concat: expected shapes equal but for axis ${axis}, got ${showShape(first!.shape)} and ${showShape(odd.shape)}`,
      );
    return [{ dtype: jointType('concat', inputs), shape: first!.shape.with(axis, total) }];
  },
  vjp: ({ inputs, cotangents: [dy], attrs: { axis } }) =>
    split(
      dy!,
      inputs.map((x) => x.shape[axis]!),
      axis,
    ),
  batch: ({ inputs, batched, size, attrs: { axis } }) => [
    emit1(
      concatOp,
      inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape]))),
      { axis: axis + 1 },
    ),
  ],
  eval: (inputs, { axis }) => {
    const { dtype, shape } = concatOp.infer(inputs, { axis })[0]!;
    const out = result(dtype, shape);
    const strides = stridesOf(shape);
    let start = 0;
    for (const x of inputs) {
      eachIndex(x.shape, [strides], ([to], from) => {
        out.data[start + to!] = x.data[from]!;
      });
      start += x.shape[axis]! * strides[axis]!;
    }
    return [out];
  },
  axes: (inputs, outputs, attrs) => alongOthers(inputs, outputs, (axis) => axis === attrs.axis),
};

/** The split operation: cuts one axis into parts of the given sizes; one output for each. */
export const splitOp: Op<{ axis: number; sizes: readonly number[] }> = {
  name: 'split',
  infer: ([x], { axis, sizes }) => {
    if (!isShape(sizes) || sizes.reduce((a, b) => a + b, 0) !== x!.shape[axis]) {
      throw new ShapeError(`split: expected sizes that add up to ${x!.shape[axis]}, got [${sizes.join(', ')}]`);
    }
    return sizes.map((size) => ({ dtype: x!.dtype, shape: x!.shape.with(axis, size) }));
  },
  vjp: ({ outputs, cotangents, attrs: { axis } }) => [
    concat(
      outputs.map((y, i) => cotangents[i] ?? zerosOf(y)),
      axis,
    ),
  ],
  batch: ({ inputs, attrs: { axis, sizes } }) => emit(splitOp, inputs, { axis: axis + 1, sizes }),
  eval: ([x], { axis, sizes }) => {
    const strides = stridesOf(x!.shape);
    let start = 0;
    return sizes.map((size) => {
      const out = result(x!.dtype, x!.shape.with(axis, size));
      eachIndex(out.shape, [strides], ([from], to) => {
        out.data[to] = x!.data[start + from!]!;
      });
      start += size * strides[axis]!;
      return out;
    });
  },
  axes: (inputs, outputs, attrs) => alongOthers(inputs, outputs, (axis) => axis === attrs.axis),
};

/**
 * Joins tensors along an axis.
 * @throws ShapeError when they differ along another axis
 * @example
 * const xs = concat([constant([1, 2]), constant([3])]); // [3]
 */
export function concat(xs: readonly Tensor[], axis = 0): Tensor {
  if (xs.length === 0) throw new ArgumentError('concat: expected at least one tensor, got none');
  return xs.length === 1 ? xs[0]! : emit1(concatOp, xs, { axis: normalAxis(xs[0]!, axis, 'concat') });
}

/**
 * Joins tensors of one shape along a new axis.
 * @throws ShapeError when the shapes differ
 * @example
 * const rows = stack([constant([1, 2]), constant([3, 4])]); // [2, 2]
 */
export function stack(xs: readonly Tensor[], axis = 0): Tensor {
  if (xs.length === 0) throw new ArgumentError('stack: expected at least one tensor, got none');
  const odd = xs.find((x) => !sameShape(x.shape, xs[0]!.shape));
  if (odd !== undefined)
    throw new ShapeError(
      `stack: expected tensors of one shape, got ${showShape(xs[0]!.shape)} and ${showShape(odd.shape)}`,
    );
  const at = normalAxis({ dtype: xs[0]!.dtype, shape: [...xs[0]!.shape, 1] }, axis, 'stack');
  return concat(
    xs.map((x) => reshape(x, x.shape.toSpliced(at, 0, 1))),
    at,
  );
}

/**
 * Cuts an axis into parts of the given sizes.
 * @throws ShapeError when the sizes do not add up to the axis
 * @example
 * const [head, tail] = split(constant([1, 2, 3]), [1, 2]);
 */
export const split = (x: Tensor, sizes: readonly number[], axis = 0): readonly Tensor[] =>
  sizes.length === 1 && sizes[0] === x.shape[normalAxis(x, axis, 'split')]
    ? [x]
    : emit(splitOp, [x], { axis: normalAxis(x, axis, 'split'), sizes });

import { ArgumentError } from '../errors.ts';
import { stridesOf } from '../shape.ts';
import { emit1, noGradient, type Op, type Tensor } from '../tensor.ts';
import { div, mul, sub } from './arithmetic.ts';
import { normalAxes, normalAxis } from './axes.ts';
import { reducedShape, reduceSumOp, reshape } from './broadcast.ts';
import { cast } from './cast.ts';
import { checkType } from './checks.ts';
import { equal } from './compare.ts';
import { alongOthers, reductionAxes } from './factors.ts';
import { broadcastStrides, eachIndex, result } from './loops.ts';

/** Which axes a reduction removes: one, several, or all when absent; `keepDims` leaves them with size 1. */
export interface ReduceOptions {
  readonly axis?: number | readonly number[];
  readonly keepDims?: boolean;
}

type ReduceAttrs = { axes: readonly number[]; keepDims: boolean };

const extremum = (name: 'reduceMax' | 'reduceMin', better: (a: number, b: number) => boolean): Op<ReduceAttrs> => {
  const op: Op<ReduceAttrs> = {
    name,
    infer: ([x], { axes, keepDims }) => {
      checkType(name, x!, 'number');
      if (axes.some((axis) => x!.shape[axis] === 0))
        throw new ArgumentError(`${name}: expected at least one element along the axis, got none`);
      return [{ dtype: x!.dtype, shape: reducedShape(x!.shape, axes, keepDims) }];
    },
    // Equal maxima share the gradient, as in PyTorch and JAX.
    vjp: ({ inputs: [x], outputs: [y], cotangents: [dy], attrs: { axes } }) => {
      const kept = reducedShape(x!.shape, axes, true);
      const mask = cast(equal(x!, reshape(y!, kept)), x!.dtype);
      return [mul(mask, div(reshape(dy!, kept), sum(mask, { axis: axes, keepDims: true })))];
    },
    batch: ({ inputs, attrs: { axes, keepDims } }) => [
      emit1(op, inputs, { axes: axes.map((axis) => axis + 1), keepDims }),
    ],
    eval: ([x], { axes, keepDims }) => {
      const kept = result(x!.dtype, reducedShape(x!.shape, axes, true));
      const seen = new Uint8Array(kept.data.length);
      eachIndex(x!.shape, [broadcastStrides(kept.shape, x!.shape)], ([to], from) => {
        const value = x!.data[from]!;
        if (!seen[to!] || better(value, kept.data[to!]!) || Number.isNaN(value)) kept.data[to!] = value;
        seen[to!] = 1;
      });
      return [{ ...kept, shape: reducedShape(x!.shape, axes, keepDims) }];
    },
    axes: (inputs, _, attrs) => reductionAxes(inputs, attrs, false),
  };
  return op;
};

export const reduceMaxOp = extremum('reduceMax', (a, b) => a > b);
export const reduceMinOp = extremum('reduceMin', (a, b) => a < b);

/** The argmax operation: int32 index of the first largest element along an axis, which is removed. */
export const argmaxOp: Op<{ axis: number }> = {
  name: 'argmax',
  infer: ([x], { axis }) => {
    checkType('argmax', x!, 'number');
    if (x!.shape[axis] === 0) throw new ArgumentError('argmax: expected at least one element along the axis, got none');
    return [{ dtype: 'int32', shape: reducedShape(x!.shape, [axis], false) }];
  },
  vjp: noGradient,
  batch: ({ inputs, attrs: { axis } }) => [emit1(argmaxOp, inputs, { axis: axis + 1 })],
  eval: ([x], { axis }) => {
    const kept = reducedShape(x!.shape, [axis], true);
    const out = result('int32', kept);
    const step = stridesOf(x!.shape)[axis]!;
    eachIndex(kept, [stridesOf(x!.shape)], ([start], position) => {
      let best = 0;
      for (let i = 1; i < x!.shape[axis]!; i++)
        if (x!.data[start! + i * step]! > x!.data[start! + best * step]!) best = i;
      out.data[position] = best;
    });
    return [{ ...out, shape: reducedShape(x!.shape, [axis], false) }];
  },
  axes: (inputs, _, { axis }) => reductionAxes(inputs, { axes: [axis], keepDims: false }, false),
};

/** The cumsum operation along one axis; `exclusive` leaves the element itself out, `reverse` runs from the end. */
export const cumsumOp: Op<{ axis: number; reverse: boolean; exclusive: boolean }> = {
  name: 'cumsum',
  infer: ([x]) => {
    checkType('cumsum', x!, 'number');
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  vjp: ({ cotangents: [dy], attrs }) => [emit1(cumsumOp, [dy!], { ...attrs, reverse: !attrs.reverse })],
  batch: ({ inputs, attrs }) => [emit1(cumsumOp, inputs, { ...attrs, axis: attrs.axis + 1 })],
  eval: ([x], { axis, reverse, exclusive }) => {
    const out = result(x!.dtype, x!.shape);
    const length = x!.shape[axis]!;
    const step = stridesOf(x!.shape)[axis]!;
    eachIndex(reducedShape(x!.shape, [axis], true), [stridesOf(x!.shape)], ([start]) => {
      let total = 0;
      for (let i = 0; i < length; i++) {
        const at = start! + (reverse ? length - 1 - i : i) * step;
        if (exclusive) out.data[at] = total;
        total += x!.data[at]!;
        if (!exclusive) out.data[at] = total;
      }
    });
    return [out];
  },
  axes: (inputs, outputs, attrs) => alongOthers(inputs, outputs, (axis) => axis === attrs.axis),
};

/** The argsort operation: int32 positions that sort the last axis ascending, equal elements in their order. */
export const argsortOp: Op<Record<string, never>> = {
  name: 'argsort',
  infer: ([x]) => {
    checkType('argsort', x!, 'number');
    if (x!.shape.length === 0) throw new ArgumentError('argsort: expected at least one axis, got a scalar');
    return [{ dtype: 'int32', shape: x!.shape }];
  },
  vjp: noGradient,
  batch: ({ inputs }) => [emit1(argsortOp, inputs, {})],
  eval: ([x]) => {
    const out = result('int32', x!.shape);
    const length = x!.shape.at(-1)!;
    for (let start = 0; start < out.data.length; start += length) {
      const order = Array.from({ length }, (_, i) => i).sort(
        (a, b) => x!.data[start + a]! - x!.data[start + b]! || a - b,
      );
      order.forEach((from, i) => {
        out.data[start + i] = from;
      });
    }
    return [out];
  },
};

const reduce = (name: string, op: Op<ReduceAttrs>, x: Tensor, { axis, keepDims = false }: ReduceOptions): Tensor => {
  checkType(name, x, 'number');
  const axes = normalAxes(x, axis, name);
  return axes.length === 0 ? x : emit1(op, [x], { axes, keepDims });
};

/**
 * Sum over axes.
 * @example
 * const rows = sum(constant(ndarray([[1, 2], [3, 4]])), { axis: 1 }); // [2]
 */
export const sum = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce('sum', reduceSumOp, x, options);

/** Largest element over axes. Equal maxima share the gradient. */
export const max = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce('max', reduceMaxOp, x, options);

/** Smallest element over axes. Equal minima share the gradient. */
export const min = (x: Tensor, options: ReduceOptions = {}): Tensor => reduce('min', reduceMinOp, x, options);

/**
 * Arithmetic mean over axes.
 * @throws DTypeError unless the elements are floats
 */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkType('mean', x, 'float');
  const count = normalAxes(x, options.axis, 'mean').reduce((n, axis) => n * x.shape[axis]!, 1);
  return mul(sum(x, options), 1 / count);
}

/** Mean squared deviation from the mean over axes (divided by n, not n - 1). */
export function variance(x: Tensor, options: ReduceOptions = {}): Tensor {
  const centred = centre(x, options);
  return mean(mul(centred, centred), options);
}

/** A tensor less its mean over axes. */
export const centre = (x: Tensor, { axis }: ReduceOptions = {}): Tensor =>
  // The mean is broadcast by the subtraction; nothing is materialised.
  sub(x, mean(x, { ...(axis !== undefined && { axis }), keepDims: true }));

/**
 * Position of the first largest element along an axis: int32, that axis removed.
 * @throws DTypeError for bools, ArgumentError when the axis is empty
 * @example
 * const best = argmax(constant([0.1, 0.7, 0.2])); // 1
 */
export const argmax = (x: Tensor, axis = -1): Tensor => emit1(argmaxOp, [x], { axis: normalAxis(x, axis, 'argmax') });

/**
 * Running sum along an axis, from its end with `reverse`, less the element itself with `exclusive`.
 * @example
 * const totals = cumsum(constant([1, 2, 3])); // [1, 3, 6]
 */
export const cumsum = (x: Tensor, axis = -1, { reverse = false, exclusive = false } = {}): Tensor =>
  emit1(cumsumOp, [x], { axis: normalAxis(x, axis, 'cumsum'), reverse, exclusive });

/** Positions that would sort the last axis ascending, ties in order: int32, same shape. */
export const argsort = (x: Tensor): Tensor => emit1(argsortOp, [x], {});

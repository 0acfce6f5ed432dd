import { ShapeError } from './errors.ts';
import { add, mul, neg, sub } from './ops/arithmetic.ts';
import { normalAxes } from './ops/axes.ts';
import { reshape } from './ops/broadcast.ts';
import { stopGradient } from './ops/cast.ts';
import { greater, maximum, where } from './ops/compare.ts';
import { oneHot } from './ops/gather.ts';
import { erf, exp, log, log1p, sigmoid } from './ops/math.ts';
import { max, sum } from './ops/reduce.ts';
import { standardize } from './ops/standardize.ts';
import { transpose } from './ops/transpose.ts';
import { showShape, sizeOf } from './shape.ts';
import type { Tensor } from './tensor.ts';

/**
 * log(sum(exp(x))) along an axis, which is removed; exact for large inputs.
 * @example
 * const z = logSumExp(constant([1000, 1000])); // 1000.693
 */
export function logSumExp(x: Tensor, axis = -1): Tensor {
  // The least float32 in place of minus infinity, so that the sum of nothing has a logarithm.
  const peak = maximum(stopGradient(max(x, { axis, keepDims: true })), -3.4028234663852886e38);
  const total = log(sum(exp(sub(x, peak)), { axis }));
  return add(total, reshape(peak, total.shape));
}

/** Logarithm of the softmax along an axis. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const shifted = sub(x, stopGradient(max(x, { axis, keepDims: true })));
  return sub(shifted, log(sum(exp(shifted), { axis, keepDims: true })));
}

/**
 * Exponentials along an axis that add up to 1.
 * @example
 * const p = softmax(constant([1, 1])); // [0.5, 0.5]
 */
export const softmax = (x: Tensor, axis = -1): Tensor => exp(logSoftmax(x, axis));

/** Gaussian error linear unit, with the exact error function (Hendrycks and Gimpel 2016). */
export const gelu = (x: Tensor): Tensor => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1));

/** x * sigmoid(x), also called swish. */
export const silu = (x: Tensor): Tensor => mul(x, sigmoid(x));

/** log(1 + exp(x)), exact for large inputs, and smooth to every order. */
export function softplus(x: Tensor): Tensor {
  // Beyond 40 the logarithm equals x in float64 too; 0 in its place keeps the untaken branch finite.
  const large = greater(x, 40);
  return where(large, x, log1p(exp(where(large, 0, x))));
}

/** x where positive, slope * x elsewhere; the gradient at 0 is the slope. */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => where(greater(x, 0), x, mul(x, slope));

/**
 * Zero mean and unit variance over axes (Ba et al. 2016); no scale or shift.
 * @param options `axis` (the last), and `epsilon`, added to the variance (1e-5)
 * @example
 * const y = layerNorm(constant([1, 2, 3])); // [-1.22, 0, 1.22]
 */
export function layerNorm(
  x: Tensor,
  { axis = -1, epsilon = 1e-5 }: { axis?: number | readonly number[]; epsilon?: number } = {},
): Tensor {
  const axes = normalAxes(x, axis, 'layerNorm');
  const perm = [...x.shape.keys()].filter((i) => !axes.includes(i)).concat(axes);
  const turned = transpose(x, perm);
  const rows = turned.shape.slice(0, x.rank - axes.length);
  const flat = reshape(turned, [...rows, sizeOf(turned.shape.slice(rows.length))]);
  return transpose(
    reshape(standardize(flat, epsilon), turned.shape),
    perm.map((_, i) => perm.indexOf(i)),
  );
}

/**
 * Negative log-likelihood of int32 class labels under logits: [..., classes] and [...] to [...].
 * @throws DTypeError unless the labels are int32, ShapeError when they do not have the shape of the logits less the last axis
 * @example
 * const loss = crossEntropy(constant([2, 0, 0]), constant(0, 'int32'));
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  if (showShape(labels.shape) !== showShape(logits.shape.slice(0, -1))) {
    throw new ShapeError(
      `crossEntropy: expected labels ${showShape(logits.shape.slice(0, -1))} for logits ${showShape(logits.shape)}, got ${showShape(labels.shape)}`,
    );
  }
  // Chosen, not multiplied: a class that is ruled out by a logit of minus infinity does no harm.
  const chosen = oneHot(labels, logits.shape.at(-1)!, 'bool');
  return neg(sum(where(chosen, logSoftmax(logits), 0), { axis: -1 }));
}

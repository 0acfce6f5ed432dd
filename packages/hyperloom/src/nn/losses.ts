import {
  ArgumentError,
  abs,
  add,
  clip,
  exp,
  log1p,
  logSoftmax,
  mean,
  mul,
  neg,
  ShapeError,
  sameShape,
  showShape,
  square,
  sub,
  type Tensor,
  crossEntropy as unlikelihood,
} from '../tensor/index.ts';
import { positive } from './options.ts';

/*
 * A loss sees one example and gives a scalar: the mean over whatever axes the example has. Its mean over a batch is
 * that of the vmapped loss.
 */

function difference(name: string, prediction: Tensor, target: Tensor): Tensor {
  if (!sameShape(prediction.shape, target.shape)) {
    throw new ShapeError(
      `${name}: expected a target of ${showShape(prediction.shape)}, got ${showShape(target.shape)}`,
    );
  }
  return sub(prediction, target);
}

/**
 * Mean squared error of one example: [...] and [...] to a scalar.
 * @throws ShapeError when the shapes differ
 * @example
 * const loss = nn.losses.mse(constant([1, 2]), constant([1, 4])); // 2
 */
export const mse = (prediction: Tensor, target: Tensor): Tensor => mean(square(difference('mse', prediction, target)));

/**
 * Mean absolute error of one example: [...] and [...] to a scalar.
 * @throws ShapeError when the shapes differ
 * @example
 * const loss = nn.losses.mae(constant([1, 2]), constant([1, 4])); // 1
 */
export const mae = (prediction: Tensor, target: Tensor): Tensor => mean(abs(difference('mae', prediction, target)));

/**
 * Mean of e^2 / 2 where |e| <= delta and delta (|e| - delta / 2) elsewhere (Huber 1964): [...] and [...] to a scalar.
 * @throws ShapeError when the shapes differ, ArgumentError for a delta that is not positive
 * @example
 * const loss = nn.losses.huber(constant([1, 2]), constant([1, 4])); // (0 + 1.5) / 2
 */
export function huber(prediction: Tensor, target: Tensor, { delta = 1 }: { readonly delta?: number } = {}): Tensor {
  positive('huber', 'delta', delta);
  const error = difference('huber', prediction, target);
  const bounded = clip(error, -delta, delta);
  return mean(mul(bounded, sub(error, mul(bounded, 0.5))));
}

/**
 * Negative log-likelihood of an int32 class under softmax(logits): [..., classes] and [...] to a scalar.
 * @param options `labelSmoothing` is the share of the likelihood spread evenly over the classes (Szegedy et al. 2016)
 * @throws ShapeError when the label does not have the shape of the logits less their last axis
 * @example
 * const loss = nn.losses.crossEntropy(constant([2, 0, 0]), constant(0, 'int32')); // 0.24
 */
export function crossEntropy(
  logits: Tensor,
  label: Tensor,
  { labelSmoothing = 0 }: { readonly labelSmoothing?: number } = {},
): Tensor {
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new ArgumentError(`crossEntropy: expected labelSmoothing from 0 to 1, got ${labelSmoothing}`);
  const chosen = mean(unlikelihood(logits, label));
  if (labelSmoothing === 0) return chosen;
  return add(mul(chosen, 1 - labelSmoothing), mul(mean(logSoftmax(logits)), -labelSmoothing));
}

/**
 * Mean negative log-likelihood of independent labels in [0, 1] under sigmoid(logits): [...] and [...] to a scalar.
 * @throws ShapeError when the shapes differ
 * @example
 * const loss = nn.losses.binaryCrossEntropy(constant([0, 2]), constant([1, 1])); // (0.693 + 0.127) / 2
 */
export function binaryCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  difference('binaryCrossEntropy', logits, labels);
  // log(1 + exp(x)) is x / 2 + |x| / 2 + log(1 + exp(-|x|)): exact for large x, and with its true gradient at 0.
  const size = abs(logits);
  return mean(add(add(mul(logits, sub(0.5, labels)), mul(size, 0.5)), log1p(exp(neg(size)))));
}

import { argmax, cast, equal, mean, type Tensor } from '../tensor/index.ts';

/**
 * 1 where the largest logit is that of the int32 label, 0 elsewhere, averaged over any leading axes:
 * [..., classes] and [...] to a scalar.
 * @example
 * const hit = nn.metrics.accuracy(constant([0.1, 2, -1]), constant(1, 'int32')); // 1
 */
export const accuracy = (logits: Tensor, label: Tensor): Tensor =>
  mean(cast(equal(argmax(logits), label), logits.dtype));

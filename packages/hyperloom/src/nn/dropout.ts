import { ArgumentError, mul, random, where } from '../tensor/index.ts';
import { defineModule, type Module, type NoWeights } from './module.ts';

/**
 * Sets elements to 0 with probability `rate` while training and scales the others by 1 / (1 - rate), so that means
 * stay; the identity otherwise (Srivastava et al. 2014). The mask comes from `context.key`: map over keys under `vmap`
 * for a mask of each example's own.
 * @throws ArgumentError for a rate outside [0, 1); when applied in training without a key
 * @example
 * const layer = nn.dropout({ rate: 0.5 });
 * const y = layer.apply({}, constant([1, 2, 3]), { training: true, key: random.key(0) });
 */
export function dropout({ rate = 0.5 }: { readonly rate?: number } = {}): Module<NoWeights> {
  if (!(rate >= 0 && rate < 1))
    throw new ArgumentError(`dropout: expected a rate of at least 0 and below 1, got ${rate}`);
  return defineModule<NoWeights>({
    name: 'dropout',
    spec: {},
    apply: (_, x, context) => {
      if (!context?.training || rate === 0) return x;
      if (!context.key) throw new ArgumentError('dropout: expected context.key when training, got none');
      return where(random.bernoulli(context.key, 1 - rate, x.shape), mul(x, 1 / (1 - rate)), 0);
    },
  });
}

import { init, type WeightSpec, weight } from '../../nn/index.ts';
import type { Conditioner } from '../conditioner.ts';
import { atLeastOne } from './checks.ts';

/**
 * One learned code: the hypernetwork reads nothing and generates one set of weights.
 * @throws ArgumentError when the size is no whole number of at least 1
 * @example
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: codes.learned({ size: 4 }), head: heads.dense() });
 */
export function learned({
  size,
  std = 1,
}: {
  readonly size: number;
  readonly std?: number;
}): Conditioner<undefined, { readonly code: WeightSpec }> {
  atLeastOne('codes.learned', 'size', size);
  return {
    name: 'learned',
    size,
    secondMoment: std ** 2,
    spec: { code: weight({ shape: [size], role: 'code', init: init.normal({ std }) }) },
    apply: ({ code }) => code,
  };
}

import { init, type WeightSpec, weight } from '../../nn/index.ts';
import { ArgumentError } from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';

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
}): Conditioner<undefined, { code: WeightSpec }> {
  if (!Number.isInteger(size) || size < 1)
    throw new ArgumentError(`codes.learned: expected a size of at least 1, got ${size}`);
  return {
    name: 'learned',
    size,
    secondMoment: std ** 2,
    spec: { code: weight({ shape: [size], role: 'code', init: init.normal({ std }) }) },
    apply: ({ code }) => code,
  };
}

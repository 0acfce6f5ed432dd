import type { NoWeights } from '../../nn/index.ts';
import type { Tensor } from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';
import { atLeastOne, positive, vector } from './checks.ts';

/**
 * A code given at each call: a vector of `size` elements.
 * @param secondMoment expected mean square of an element, from which heads find their scale; 1 by default
 * @throws ArgumentError for a size below 1 or a second moment that is not positive; when applied, ShapeError for a vector of another size
 * @example
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: codes.input({ size: 3 }), head: heads.dense() });
 */
export function input({
  size,
  secondMoment = 1,
}: {
  readonly size: number;
  readonly secondMoment?: number;
}): Conditioner<Tensor, NoWeights> {
  atLeastOne('codes.input', 'size', size);
  positive('codes.input', 'secondMoment', secondMoment);
  return {
    name: 'input',
    size,
    secondMoment,
    spec: {},
    apply: (_, source) => vector('codes.input', 'a code', source, size),
  };
}

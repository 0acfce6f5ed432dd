import type { NoWeights } from '../../nn/index.ts';
import { concat, cos, mul, sin, type Tensor } from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';
import { atLeastOne, vector } from './checks.ts';

/**
 * The constant-norm encoding of a vector given at each call (magnitude invariant parametrisation, Ortiz et al. 2023,
 * section 3.1): elements gamma in [0, 1] enter as [cos(pi gamma / 2), sin(pi gamma / 2)], so that the size of the
 * generated weights does not follow that of the vector. The code has `2 size` elements, of mean square exactly 0.5.
 * @param size elements of the vector that is given
 * @throws ArgumentError for a size below 1; when applied, ShapeError for a vector of another size
 * @example
 * const ray = codes.mip({ size: 2 }); // ray.size is 4
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: ray, head: heads.dense() });
 * const y = model.apply(model.init(random.key(0)), { code: constant([0.25, 0.75]), input: constant([1, 2]) });
 */
export function mip({ size }: { readonly size: number }): Conditioner<Tensor, NoWeights> {
  atLeastOne('codes.mip', 'size', size);
  return {
    name: 'mip',
    size: 2 * size,
    secondMoment: 0.5,
    spec: {},
    apply: (_, source) => {
      const angle = mul(vector('codes.mip', 'a vector', source, size), Math.PI / 2);
      return concat([cos(angle), sin(angle)]);
    },
  };
}

import type { NoWeights } from '../../nn/index.ts';
import { constant, ndarray } from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';

/**
 * No code: for heads that hold embeddings of their own, such as `heads.layerwise`.
 * @example
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: codes.none(), head: heads.layerwise({ embedding: 4 }) });
 */
export const none = (): Conditioner<undefined, NoWeights> => ({
  name: 'none',
  size: 0,
  secondMoment: 1,
  spec: {},
  apply: () => constant(ndarray(new Float32Array(0), [0])),
});

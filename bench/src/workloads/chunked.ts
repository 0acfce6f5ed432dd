import { codes, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import type { Workload as WorkloadName } from '../../peers/inputs.ts';
import { namedWeights } from './named.ts';
import type { Workload } from './workload.ts';

/** One learned code, and the weights of 784-width-width-10 in pieces of one vector (von Oswald et al. 2020). */
function over(name: WorkloadName, width: number, chunk: number): Workload {
  const model = hypernetwork(nn.mlp({ in: 784, hidden: [width, width], out: 10 }), {
    code: codes.learned({ size: 8 }),
    head: heads.chunked({ chunk, embedding: 8, hidden: [64], normalise: false }),
  });
  return {
    name,
    model,
    loss: nn.losses.crossEntropy,
    weights: ({ 'fixed.multipliers': _, ...inputs }) => namedWeights(inputs),
    example: ({ x, y }) => ({ input: { input: x }, target: y }),
  };
}

/** 89,610 weights in 45 pieces. */
export const chunked = over('chunked', 100, 2000);

/** 478,410 weights in 120 pieces. */
export const chunkedLarge = over('chunkedLarge', 400, 4000);

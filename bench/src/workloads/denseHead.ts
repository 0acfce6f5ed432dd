import { codes, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { mlpHead } from './mlpHead.ts';
import { tensorOf, type Workload } from './workload.ts';

export const model = hypernetwork(nn.mlp({ in: 784, hidden: [100, 100], out: 10 }), {
  code: codes.learned({ size: 8 }),
  head: heads.dense({ hidden: [32] }),
});

/** One learned code for the batch: 89,610 weights of a classifier from a dense head. */
export const denseHead: Workload = {
  name: 'denseHead',
  model,
  loss: nn.losses.crossEntropy,
  weights: (inputs) => ({ 'code.code': tensorOf(inputs, 'code'), ...mlpHead(inputs, model.generated) }),
  example: ({ x, y }) => ({ input: { input: x }, target: y }),
};

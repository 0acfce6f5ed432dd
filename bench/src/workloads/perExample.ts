import { heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { mlpHead } from './mlpHead.ts';
import type { Workload } from './workload.ts';

export const model = hypernetwork(nn.mlp({ in: 1, hidden: [40, 40], out: 1 }), {
  code: 16,
  head: heads.dense({ hidden: [64] }),
});

/** 64 tasks, each with ten points and its own generated network of 1,761 weights. */
export const perExample: Workload = {
  name: 'perExample',
  model,
  loss: nn.losses.mse,
  weights: (inputs) => mlpHead(inputs, model.generated),
  example: ({ codes, x, y }) => ({ input: { code: codes, input: x }, target: y }),
};

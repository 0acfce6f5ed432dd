import { codes, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { tensorOf, type Workload } from './workload.ts';

const model = hypernetwork(nn.mlp({ in: 1, hidden: [40, 40], out: 1 }), {
  code: codes.setEncoder({ in: 2, hidden: [64, 64, 64], size: 64 }),
  head: heads.dense({ hidden: [64] }),
});

/** 64 tasks: ten points of each make its code, which generates the network of its other ten. */
export const setEncoder: Workload = {
  name: 'setEncoder',
  model,
  loss: nn.losses.mse,
  weights: (inputs) =>
    Object.fromEntries(
      Object.keys(inputs)
        .filter((name) => !/^(data|fixed)\./.test(name))
        .map((name) => [name, tensorOf(inputs, name)]),
    ),
  example: ({ points, x, y }) => ({ input: { code: { points }, input: x }, target: y }),
};

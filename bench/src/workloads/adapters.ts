import { heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { adapted } from '../../peers/inputs.ts';
import { namedWeights } from './named.ts';
import type { Workload } from './workload.ts';

const { blocks, size, rank, code } = adapted;
const names = Array.from({ length: blocks }, (_, i) => `block${i}`);
const target = nn.sequential(Object.fromEntries(names.map((name) => [name, nn.transformerBlock({ size, heads: 4 })])));

const model = hypernetwork(target, {
  code,
  head: heads.lowRank({ rank }),
  base: 'frozen',
  generate: ['**.query.weight', '**.value.weight'],
});

/** LoRA by code: low-rank changes of query and value of a fixed transformer, other ones for each task of a batch. */
export const adapters: Workload = {
  name: 'adapters',
  model,
  loss: nn.losses.mse,
  trained: 'head.**',
  weights: namedWeights,
  example: ({ codes, x, y }) => ({ input: { code: codes, input: x }, target: y }),
};

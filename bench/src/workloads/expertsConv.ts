import { condConv2d } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { namedWeights } from './named.ts';
import type { Workload } from './workload.ts';

const model = nn.sequential({
  conv1: nn.conv2d({ in: 1, out: 16, kernel: 3, padding: 1 }),
  relu1: nn.relu,
  pool1: nn.maxPool({ window: 2 }),
  conv2: condConv2d({ in: 16, out: 16, kernel: 3, padding: 1, experts: 4 }),
  relu2: nn.relu,
  pool2: nn.maxPool({ window: 2 }),
  flatten: nn.flatten,
  fc: nn.linear({ in: 784, out: 10 }),
});

/** CondConv (Yang et al. 2019): the second convolution mixes four kernels for each image. */
export const expertsConv: Workload = {
  name: 'expertsConv',
  model,
  loss: nn.losses.crossEntropy,
  weights: namedWeights,
  example: ({ x, y }) => ({ input: x, target: y }),
};

import { heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { tensorOf, transposed, type Workload } from './workload.ts';

const target = nn.sequential({
  conv1: nn.conv2d({ in: 1, out: 16, kernel: 3, padding: 1 }),
  relu1: nn.relu,
  pool1: nn.maxPool({ window: 2 }),
  conv2: nn.conv2d({ in: 16, out: 16, kernel: 3, padding: 1 }),
  relu2: nn.relu,
  pool2: nn.maxPool({ window: 2 }),
  flatten: nn.flatten,
  fc: nn.linear({ in: 784, out: 10 }),
});

const model = hypernetwork(target, { code: 16, head: heads.dense(), generate: 'conv2.weight' });

/** A kernel for each image: the second convolution's, affine in the image's code. */
export const perExampleConv: Workload = {
  name: 'perExampleConv',
  model,
  loss: nn.losses.crossEntropy,
  weights: (inputs) => {
    const of = (name: string) => tensorOf(inputs, name);
    return {
      'head.out.conv2.weight.weight': transposed(of('head.weight'), 2304),
      'head.out.conv2.weight.bias': of('head.bias'),
      'target.conv1.weight': of('conv1.weight'),
      'target.conv1.bias': of('conv1.bias'),
      'target.conv2.bias': of('conv2.bias'),
      'target.fc.weight': transposed(of('fc.weight'), 10),
      'target.fc.bias': of('fc.bias'),
    };
  },
  example: ({ codes, x, y }) => ({ input: { code: codes, input: x }, target: y }),
};

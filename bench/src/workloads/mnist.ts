import { heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { tensorOf, transposed, type Workload } from './workload.ts';

const target = nn.sequential({
  conv1: nn.conv2d({ in: 1, out: 16, kernel: 7, padding: 3 }),
  relu1: nn.relu,
  pool1: nn.maxPool({ window: 2 }),
  conv2: nn.conv2d({ in: 16, out: 16, kernel: 7, padding: 3 }),
  relu2: nn.relu,
  pool2: nn.maxPool({ window: 2 }),
  flatten: nn.flatten,
  fc: nn.linear({ in: 784, out: 10 }),
});

export const model = hypernetwork(target, { head: heads.layerwise({ embedding: 4 }), generate: 'conv2.weight' });

const [generator] = Object.keys(model.spec.head);

/** The static hypernetwork of Ha et al. 2016, section 4.1: the second convolution's kernel is generated. */
export const mnist: Workload = {
  name: 'mnist',
  model,
  loss: nn.losses.crossEntropy,
  weights: (inputs) => {
    const of = (name: string) => tensorOf(inputs, name);
    return {
      [`head.${generator}.z`]: of('z'),
      [`head.${generator}.in.weight`]: transposed(of('head.win'), 64),
      [`head.${generator}.in.bias`]: of('head.bin'),
      [`head.${generator}.out.weight`]: transposed(of('head.wout'), 784),
      [`head.${generator}.out.bias`]: of('head.bout'),
      'target.conv1.weight': of('conv1.weight'),
      'target.conv1.bias': of('conv1.bias'),
      'target.conv2.bias': of('conv2.bias'),
      'target.fc.weight': transposed(of('fc.weight'), 10),
      'target.fc.bias': of('fc.bias'),
    };
  },
  example: ({ x, y }) => ({ input: { input: x }, target: y }),
};

import type { TargetSpec } from 'hyperloom/hyper';
import type { Inputs } from '../../peers/inputs.ts';
import { tensorOf, transposed } from './workload.ts';

/**
 * A dense head with one hidden layer: the peers have one last layer for all numbers of the target, in the order of
 * its spec, and matrices are [out, in]; ours has one for each weight of the target, and matrices are [in, out].
 */
export function mlpHead(inputs: Inputs, target: TargetSpec): Record<string, Float32Array> {
  const bias = tensorOf(inputs, 'head.layer0.bias');
  const hidden = bias.length;
  const lastWeight = tensorOf(inputs, 'head.layer1.weight');
  const lastBias = tensorOf(inputs, 'head.layer1.bias');
  const weights: Record<string, Float32Array> = {
    'head.hidden.0.weight': transposed(tensorOf(inputs, 'head.layer0.weight'), hidden),
    'head.hidden.0.bias': bias,
  };
  let start = 0;
  for (const [path, { shape }] of Object.entries(target)) {
    const [rows = 1, columns = 1] = shape;
    const size = rows * columns;
    // Number q of ours, at [i, o] of [in, out], is number o * in + i of the peers'.
    const row = (q: number) => start + (q % columns) * rows + Math.floor(q / columns);
    weights[`head.out.${path}.weight`] = Float32Array.from(
      { length: hidden * size },
      (_, i) => lastWeight[row(i % size) * hidden + Math.floor(i / size)]!,
    );
    weights[`head.out.${path}.bias`] = Float32Array.from({ length: size }, (_, q) => lastBias[row(q)]!);
    start += size;
  }
  return weights;
}

import * as nn from 'hyperloom/nn';
import type { Tensor } from 'hyperloom/tensor';
import type { Trainable } from 'hyperloom/train';
import type { Inputs, Workload as WorkloadName } from '../../peers/inputs.ts';
import { tensorOf, type Workload } from './workload.ts';

/** The manifest's trained tensors by path: they have the shapes of ours, and the names that ours have in the layer. */
export const characterWeights = (inputs: Inputs): Record<string, Float32Array> =>
  Object.fromEntries(
    Object.keys(inputs)
      .filter((name) => !name.startsWith('data.'))
      .map((name) => [name.startsWith('out.') ? name : `core.layer0.${name}`, tensorOf(inputs, name)]),
  );

/** A model of characters that scores the symbol after each of a sequence, all sequences from a state of zeros. */
export const characters = (name: WorkloadName, model: Trainable): Workload => ({
  name,
  model,
  loss: ({ y }: { readonly y: Tensor }, target: Tensor) => nn.losses.crossEntropy(y, target),
  weights: characterWeights,
  example: ({ x, y }) => ({ input: { x }, target: y }),
});

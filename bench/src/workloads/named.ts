import type { Inputs } from '../../peers/inputs.ts';
import { tensorOf } from './workload.ts';

/** The manifest's tensors by path, for workloads whose names and shapes are those of our parameters. */
export const namedWeights = (inputs: Inputs): Record<string, Float32Array> =>
  Object.fromEntries(
    Object.keys(inputs)
      .filter((name) => !name.startsWith('data.'))
      .map((name) => [name.replace(/^fixed\./, ''), tensorOf(inputs, name)]),
  );

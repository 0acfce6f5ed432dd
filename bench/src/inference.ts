import type { Engine } from 'hyperloom/engine';
import { compileFunction } from 'hyperloom/engine';
import * as nn from 'hyperloom/nn';
import { type Aval, constant, type NdArray, ndarray, type Tensor, tree, vmap } from 'hyperloom/tensor';
import type { Inputs } from '../peers/inputs.ts';
import { type Training, watchedEngine } from './training.ts';
import { namedWeights } from './workloads/named.ts';

const network = nn.mlp({ in: 784, hidden: [100, 100], out: 10 });

/** A generated network at work, with its weights as constants, as an exported file has them: a step is a batch. */
export async function startInference(engine: Engine, batch: number, inputs: Inputs): Promise<Training> {
  const watched = watchedEngine(engine);
  const weights = namedWeights(inputs);
  const constants = () =>
    tree.mapWithPath(({ shape }: Aval, path) => constant(ndarray(weights[path]!, shape)), network.spec) as never;
  const begin = performance.now();
  const apply = (x: Tensor) => vmap((row: Tensor) => network.apply(constants(), row))(x);
  const all = inputs['data.x']!.data as Float32Array<ArrayBuffer>;
  const size = 784 * batch;
  const batches = Array.from({ length: all.length / size }, (_, i) =>
    ndarray(all.slice(i * size, (i + 1) * size), [batch, 784]),
  );
  const call = await compileFunction(watched.engine, apply, batches[0]!);
  const compileMs = performance.now() - begin;
  let step = 0;
  return {
    program: watched.program(),
    parameters: nn.countParams(network.spec),
    compileMs,
    step: async () => {
      const { data } = (await call(batches[step++ % batches.length]!)) as NdArray;
      let total = 0;
      for (const value of data as Float32Array) total += value;
      return [total / data.length];
    },
    dispose: () => call.dispose(),
  };
}

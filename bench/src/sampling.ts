import type { Engine } from 'hyperloom/engine';
import { countParams } from 'hyperloom/nn';
import { openRun, sampler } from 'hyperloom/train';
import { type Inputs, samplingTemperature } from '../peers/inputs.ts';
import { startingWeights, type Training, watchedEngine } from './training.ts';
import { hyperLstm, hyperLstmModel } from './workloads/index.ts';

/**
 * The library's sampler, `piece` symbols in each call: a step gives the next of one sequence, and their mean in place of
 * a loss.
 */
export async function startSampling(engine: Engine, piece: number, inputs: Inputs): Promise<Training> {
  const watched = watchedEngine(engine);
  const params = startingWeights(hyperLstm, inputs);
  const run = openRun(hyperLstmModel, params, watched.engine);
  const { sample } = sampler(run, hyperLstmModel, { piece });
  const prompt = [inputs['data.x']!.data[0]!];
  const start = (length: number) => sample({ prompt, length, temperature: samplingTemperature });

  const begin = performance.now();
  for await (const _ of start(piece)) break;
  const compileMs = performance.now() - begin;
  const written = start(2 ** 30);
  return {
    program: watched.program(),
    parameters: countParams(hyperLstmModel.spec),
    compileMs,
    step: async () => {
      const symbols = (await written.next()).value as Int32Array;
      return [symbols.reduce((sum, symbol) => sum + symbol, 0) / symbols.length];
    },
    dispose: async () => {
      await written.return();
      await run.dispose();
    },
  };
}

import { ortEngine } from 'hyperloom/engine/ort';
import { expect, test } from 'vitest';
import { batchSizes, seededInputs } from '../peers/inputs.ts';
import { startSampling } from './sampling.ts';

test('the sampler writes the same symbols, one or ten in each call', async () => {
  const engine = ortEngine({ threads: 1, spinning: false });
  const inputs = seededInputs('sampling', batchSizes.sampling);
  const meanOf = async (piece: number, steps: number): Promise<number> => {
    const sampling = await startSampling(engine, piece, inputs);
    let sum = 0;
    for (let i = 0; i < steps; i++) sum += (await sampling.step())[0]!;
    await sampling.dispose();
    return sum / steps;
  };
  const byOne = await meanOf(1, 30);
  expect(await meanOf(10, 3)).toBeCloseTo(byOne, 9);
  // Not one symbol again and again: the mean would be whole.
  expect(byOne).not.toBeCloseTo(Math.round(byOne), 2);
  await engine.dispose();
});

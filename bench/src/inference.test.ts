import { ortEngine } from 'hyperloom/engine/ort';
import { expect, test } from 'vitest';
import { seededInputs } from '../peers/inputs.ts';
import { expectedLosses } from './expected.ts';
import { startInference } from './inference.ts';

test.each([1, 256])('a generated network at work on %i examples gives what PyTorch gives', async (batch) => {
  const engine = ortEngine({ threads: 1, spinning: false });
  const inference = await startInference(engine, batch, seededInputs('inference', batch));
  const means = [await inference.step(), await inference.step(), await inference.step()];
  expect(means[0]![0]).toBeCloseTo(expectedLosses[`inference.${batch}`]![0], 5);
  // Two batches take turns.
  expect(means[2]).toEqual(means[0]);
  expect(means[1]).not.toEqual(means[0]);
  await inference.dispose();
  await engine.dispose();
});

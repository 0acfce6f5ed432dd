import { batches } from 'hyperloom/data';
import { ortEngine } from 'hyperloom/engine/ort';
import { codes, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { adam } from 'hyperloom/optim';
import { ndarray } from 'hyperloom/tensor';
import type { Trainable } from 'hyperloom/train';
import { afterAll, expect, test } from 'vitest';
import type { Trial } from '../recipes/recipe.ts';
import { trialVariance } from './variance.ts';

const engine = ortEngine({ threads: 1, spinning: false });
afterAll(() => engine.dispose());

const model = hypernetwork(nn.mlp({ in: 2, hidden: [8], out: 1 }), {
  code: codes.embeddings({ count: 2, size: 4 }),
  head: heads.dense(),
});
const count = 40;
const examples = {
  input: {
    code: ndarray(Int32Array.from({ length: count }, (_, i) => i % 2)),
    input: ndarray(
      Float32Array.from({ length: 2 * count }, (_, i) => Math.sin(i)),
      [count, 2],
    ),
  },
  target: ndarray(
    Float32Array.from({ length: count }, (_, i) => Math.cos(i)),
    [count, 1],
  ),
};
const trial = (train: Trial['train']): Trial => ({
  name: 'main',
  title: 'a trial',
  model: model as unknown as Trainable,
  train,
  measure: () => Promise.resolve({}),
});

test('a trial is looked at by its first batch and its own loss, and nothing is trained', async () => {
  const options = {
    data: batches(examples, { size: 16 }),
    loss: nn.losses.mse,
    optimizer: adam(1e-3),
    steps: 10,
  };
  let trained = 0;
  const own = trial(async (session) => {
    const run = await session.train(model as unknown as Trainable, options as never);
    trained++;
    return run;
  });
  const report = await trialVariance(own, engine, { seed: 0, keys: 3, examples: 8 });
  expect(trained).toBe(0);
  expect(report.layers.map(({ path }) => path)).toEqual(['code', 'layer0', 'layer1']);
  for (const { gradient } of report.layers) expect(gradient.model).toBeGreaterThan(0);
});

test('errors of a trial come through', async () => {
  const odd = trial(() => Promise.reject(new Error('no data')));
  await expect(trialVariance(odd, engine, { seed: 0, keys: 1, examples: 8 })).rejects.toThrow('no data');
});

import { expect, test } from 'vitest';
import type { Engine } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import { ndarray } from '../tensor/index.ts';
import { packing } from './packing.ts';
import { compileStepper } from './stepper.ts';
import { supervised } from './supervised.ts';

/** How many steps a stepper takes of those that are asked for, over batches of one linear layer. */
async function taken(rows: number, asked: number, engine: Engine = ortEngine({ threads: 1, spinning: false })) {
  const model = nn.linear({ in: 4, out: 1 });
  const [input, target] = [4, 1].map((size) => ndarray(new Float32Array(rows * size), [rows, size]));
  const batch = { input, target };
  const data = { spec: batch, at: () => batch };
  const method = supervised({ data: data as never, loss: nn.losses.mse, optimizer: optim.sgd(0.1) });
  const stepper = await compileStepper(engine, method, { model, layout: packing(model.spec) }, { most: asked });
  const results = await stepper.advance(0, asked);
  await stepper.dispose();
  await engine.dispose();
  return results.length;
}

test('small steps are taken as many at a time as are asked for, in calls of 32, 8 and 1', async () => {
  expect([await taken(16, 100), await taken(16, 31), await taken(16, 7)]).toEqual([32, 8, 1]);
});

test('what the steps of a call read stays within 64 MB, and one step is always taken', async () => {
  expect([await taken(2 ** 18, 100), await taken(2 ** 19, 100)]).toEqual([8, 1]);
});

test('an engine whose calls cost nothing takes one step in each', async () => {
  expect(await taken(16, 100, referenceEngine())).toBe(1);
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batches, evalBatches } from '../data/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { heads, hypernetwork } from '../hyper/index.ts';
import { loadCheckpoint, type RestoredHypernetwork, saveCheckpoint } from '../io/index.ts';
import * as nn from '../nn/index.ts';
import { adam } from '../optim/index.ts';
import { type NdArray, ndarray, tree } from '../tensor/index.ts';
import { openCheckpoint, type TrainOptions, train } from './index.ts';

const engine = referenceEngine();
const wave = (shape: readonly number[], step: number): NdArray =>
  ndarray(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(step * i)),
    shape,
  );
const examples = { input: { code: wave([24, 2], 1.3), input: wave([24, 1], 2.1) }, target: wave([24, 1], 0.7) };
const pretrained = wave([1, 80], 0.9);
const target = nn.sequential({
  wide: nn.linear({ in: 1, out: 80, bias: false, init: nn.init.values(pretrained) }),
  norm: nn.batchNorm({ channels: 80 }),
  relu: nn.relu,
  out: nn.linear({ in: 80, out: 1 }),
});
const model = hypernetwork(target, { code: 2, head: heads.dense({ hidden: [4] }), generate: 'out.*' });

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-'));
  path = join(folder, 'run.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

const options: TrainOptions = {
  data: batches(examples, { size: 8 }),
  loss: nn.losses.mse,
  optimizer: adam(1e-2),
  steps: 9,
  engine,
};
const numbers = (params: unknown) => tree.leaves<NdArray>(params).map(({ data }) => [...data]);

test('a checkpoint opens as the run that saved it, and trains on', async () => {
  const saved = await train(model, { ...options, checkpoint: { path, every: 9, config: { recipe: 'none' } } });
  const opened = await openCheckpoint(path, engine);
  expect([opened.step, opened.model.name]).toEqual([9, model.name]);
  expect(numbers(opened.params)).toEqual(numbers(saved.params));
  const code = [0.3, -0.8];
  const input = { code, input: [0.4] };
  expect(await opened.apply(input)).toEqual(await saved.apply(input));
  expect(await opened.generate(code)).toEqual(await saved.generate(code));
  const metrics = { mse: nn.losses.mse };
  expect(await opened.evaluate(evalBatches(examples, 5), metrics)).toEqual(
    await saved.evaluate(evalBatches(examples, 5), metrics),
  );

  const plain = await opened.materialise(code);
  expect(numbers(plain.params)).toEqual(numbers((await saved.materialise(code)).params));
  expect(plain.module).toBe((opened.model as RestoredHypernetwork).target);

  const again = { ...options, initial: saved.params, steps: 5 };
  expect(numbers((await train(opened.model, again)).params)).toEqual(numbers((await train(model, again)).params));
});

test('the header stays small: large constants are tensors of the file', async () => {
  const { model: held } = await loadCheckpoint(path);
  expect(Object.values(held!.arrays).map(({ shape }) => shape)).toContainEqual([1, 80]);
  expect(JSON.stringify(held!.json)).not.toContain('$array":{"dtype":"float32","shape":[1,80]');
});

test('a network that was not generated has nothing to materialise', async () => {
  const run = await train(nn.linear({ in: 1, out: 1 }), {
    ...options,
    data: batches({ input: examples.input.input, target: examples.target }, { size: 8 }),
    steps: 1,
  });
  await expect(run.materialise()).rejects.toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: materialise: expected a hypernetwork, got linear]`,
  );
});

test('a file without a model is named', async () => {
  const other = join(folder, 'other.safetensors');
  await saveCheckpoint(other, { trees: { params: { w: ndarray([1]) } }, step: 0, config: null });
  const error = await openCheckpoint(other, engine).catch((cause: Error) => cause.message.replace(folder, ''));
  expect(error).toMatchInlineSnapshot(
    `"checkpoint "/other.safetensors": expected one that holds its model, got one that was saved without"`,
  );
});

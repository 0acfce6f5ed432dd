import { expect, test } from 'vitest';
import { batches } from '../data/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import { type NdArray, ndarray, tree } from '../tensor/index.ts';
import { type Run, train } from '../train/index.ts';
import { codes, heads, hypernetwork, remember } from './index.ts';

const model = hypernetwork(nn.mlp({ in: 1, hidden: [8], out: 1, activation: nn.tanh }), {
  code: codes.embeddings({ count: 4, size: 2 }),
  head: heads.dense({ hidden: [8] }),
});
const count = 64;
const x = ndarray(
  Float32Array.from({ length: count }, (_, i) => i / (count / 2) - 1),
  [count, 1],
);
const task = (index: number, f: (x: number) => number) =>
  batches(
    {
      input: { code: ndarray(new Int32Array(count).fill(index), [count]), input: x },
      target: ndarray(Float32Array.from(x.data, f), [count, 1]),
    },
    { size: 32 },
  );
const indices = (...list: number[]) => ndarray(Int32Array.from(list), [list.length]);

test('holds what was generated for old codes while a new one is learned', async () => {
  const engine = ortEngine({ threads: 1, spinning: false });
  const options = { loss: nn.losses.mse, optimizer: optim.adam(1e-2), steps: 400, engine };
  const first = await train(model, { ...options, data: task(0, Math.sin) });
  const memory = remember(model, { beta: 0.05 });
  const old = await first.call(memory.snapshot, indices(0));
  const next = { ...options, data: task(1, (v) => 2 * v * v - 1), initial: first.params };
  const held = await train(model, { ...next, regularizer: memory.regularizer(indices(0), old) });
  const free = await train(model, next);
  const moved = async (run: Run<typeof model>) => {
    const now = (await run.call(memory.snapshot, indices(0))) as Record<string, NdArray>;
    const before = tree.flatten<NdArray>(old);
    let total = 0;
    for (const [path, { data }] of Object.entries(now))
      for (const [i, v] of data.entries()) total += (v - before[path]!.data[i]!) ** 2;
    return total;
  };
  expect(await moved(held)).toBeLessThan((await moved(free)) / 20);
  // The new task is learned all the same.
  const steps = held.history.filter((event) => event.event === 'step');
  expect(steps.at(-1)!.loss).toBeLessThan(0.02);
  // Codes of tasks that are not trained keep their bits.
  const table = (run: Run<typeof model>) => [...tree.flatten<NdArray>(run.params)['code.table']!.data];
  expect(table(held).slice(0, 2)).toEqual(table(first).slice(0, 2));
  expect(table(held).slice(2, 4)).not.toEqual(table(first).slice(2, 4));
  await engine.dispose();
});

test('plain numbers take the type of the code that was trained on', async () => {
  const run = await train(model, {
    data: task(3, Math.sin),
    loss: nn.losses.mse,
    optimizer: optim.sgd(0),
    steps: 0,
    engine: referenceEngine(),
  });
  const [plain, array] = [await run.generate(1), await run.generate(ndarray(new Int32Array([1]), []))];
  expect(plain).toEqual(array);
  expect(await run.apply({ code: 1, input: [0.5] })).toEqual(
    await run.apply({ code: ndarray(new Int32Array([1]), []), input: [0.5] }),
  );
});

test('is beta over the number of tasks times the squared distance; a sample holds some of the tasks', async () => {
  const engine = referenceEngine();
  const start = await train(model, {
    data: task(3, Math.sin),
    loss: nn.losses.mse,
    optimizer: optim.sgd(0),
    steps: 0,
    engine,
  });
  const memory = remember(model, { beta: 3, lookahead: false });
  const now = (await start.call(memory.snapshot, indices(0, 1, 2))) as Record<string, NdArray>;
  // Each weight of task t is off by t + 1.
  const off = tree.map(
    ({ shape, data }: NdArray) =>
      ndarray(
        Float32Array.from(data, (v, i) => v - 1 - Math.floor(i / (data.length / 3))),
        shape,
      ),
    now,
  );
  const penalty = async (sample?: number): Promise<number> => {
    const one = remember(model, { beta: 3, lookahead: false, ...(sample && { sample }) });
    const run = await train(model, {
      data: task(3, Math.sin),
      loss: nn.losses.mse,
      optimizer: optim.sgd(0),
      steps: 1,
      engine,
      initial: start.params,
      regularizer: one.regularizer(indices(0, 1, 2), off),
    });
    return run.history.flatMap((e) => (e.event === 'step' ? [e.penalty!] : []))[0]!;
  };
  const size = nn.countParams(model.generated);
  expect(await penalty()).toBeCloseTo(((1 + 4 + 9) * size * 3) / 3, 2);
  const one = (await penalty(1)) / (3 * size);
  expect([1, 4, 9].some((v) => Math.abs(v - one) < 1e-4)).toBe(true);
  expect(await penalty(5)).toBeCloseTo(14 * size, 2);
});

test('is checked', () => {
  expect(() => remember(model, { beta: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: remember: expected a beta of 0 or above, got -1]`,
  );
  expect(() => remember(model, { beta: 1, sample: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: remember: expected a sample of at least 1, got 0]`,
  );
});

test('weights that are no snapshot of the codes are refused', async () => {
  const start = await train(model, {
    data: task(0, Math.sin),
    loss: nn.losses.mse,
    optimizer: optim.sgd(0),
    steps: 0,
    engine: referenceEngine(),
  });
  const memory = remember(model, { beta: 1 });
  const one = (await start.call(memory.snapshot, indices(0))) as Record<string, NdArray>;
  const held = (codes: unknown, weights: unknown) =>
    train(model, {
      data: task(1, Math.sin),
      loss: nn.losses.mse,
      optimizer: optim.sgd(0),
      steps: 1,
      engine: referenceEngine(),
      regularizer: memory.regularizer(codes, weights),
    });
  await expect(held(indices(0, 1), one)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: remember: expected the snapshot of these codes, layer0.weight [2, 1, 8], got [1, 1, 8]]`,
  );
  await expect(held(indices(0), { 'layer0.weight': one['layer0.weight'] })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: remember: expected the snapshot of these codes, layer0.bias [1, 8], got none]`,
  );
  await expect(held({}, one)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: remember: expected at least one code to hold, got none]`,
  );
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { batches, evalBatches } from '../data/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { codes, heads, hypernetwork } from '../hyper/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import { log, type NdArray, ndarray, sum, type Tensor, tree } from '../tensor/index.ts';
import { type TrainEvent, type TrainOptions, train } from './index.ts';

const engine = referenceEngine();
const count = 48;
const x = ndarray(
  Float32Array.from({ length: count }, (_, i) => i / (count / 2) - 1),
  [count, 1],
);
const y = ndarray(
  Float32Array.from(x.data, (v) => v * v),
  [count, 1],
);
const examples = { input: x, target: y };
const net = nn.mlp({ in: 1, hidden: [8], out: 1, activation: nn.tanh });

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'train-'));
});
afterAll(() => rm(folder, { recursive: true }));

const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  data: batches(examples, { size: 16, seed: 3 }),
  loss: nn.losses.mse,
  optimizer: optim.adam(1e-2),
  steps: 60,
  seed: 5,
  engine,
  ...more,
});
const bits = (params: unknown) => tree.leaves<NdArray>(params).flatMap(({ data }) => [...data]);
const evaluate = { data: evalBatches(examples, 20), metrics: { mse: nn.losses.mse }, every: 10 };

describe('train', () => {
  test('the loss falls, and events tell of it', async () => {
    const events: TrainEvent[] = [];
    const run = await train(net, options({ evaluate, logEvery: 20, onEvent: (event) => events.push(event) }));
    const evals = events.filter((event) => event.event === 'eval');
    expect(events.map(({ event }) => event).filter((event, i, all) => event !== all[i - 1])).toEqual(
      ['start', 'eval', 'step', 'eval', 'step', 'eval', 'step', 'eval', 'stop'].filter(
        (event, i, all) => event !== all[i - 1],
      ),
    );
    expect(evals.at(-1)!.metrics.mse!).toBeLessThan(evals[0]!.metrics.mse! / 2);
    expect(run.step).toBe(60);
    const direct = await run.evaluate(evaluate.data, evaluate.metrics);
    expect(direct.mse).toBeCloseTo(evals.at(-1)!.metrics.mse!, 6);
    await run.dispose();
  });

  test('the last batch of an evaluation does not count its padding', async () => {
    const run = await train(net, options({ steps: 1 }));
    const whole = await run.evaluate(evalBatches(examples, count), evaluate.metrics);
    const parts = await run.evaluate(evalBatches(examples, 7), evaluate.metrics);
    expect(parts.mse).toBeCloseTo(whole.mse!, 6);
  });

  test('a run stopped at any step and resumed ends with the same bits', async () => {
    const early = { metric: 'mse', mode: 'min', patience: 3 } as const;
    const whole = await train(net, options({ evaluate, early }));
    for (const stopAt of [1, 17, 40]) {
      const path = join(folder, `stop-${stopAt}.safetensors`);
      const stop = new AbortController();
      const first = await train(
        net,
        options({
          evaluate,
          early,
          checkpoint: { path, every: 1000 },
          signal: stop.signal,
          logEvery: 1,
          onEvent: (event) => event.event === 'step' && event.step === stopAt && stop.abort(),
        }),
      );
      // It ends the steps of the call that was under way.
      expect(first.reason).toBe('signal');
      expect(first.step - stopAt).toBeGreaterThanOrEqual(0);
      expect(first.step - stopAt).toBeLessThan(8);
      const rest = await train(net, options({ evaluate, early, checkpoint: { path, every: 1000 }, resume: true }));
      expect(bits(rest.params)).toEqual(bits(whole.params));
      expect([rest.reason, rest.step]).toEqual([whole.reason, whole.step]);
    }
  });

  test('how many steps a call takes changes no bit', async () => {
    const engine = ortEngine({ threads: 2 });
    const whole = await train(net, options({ engine, steps: 21 }));
    const path = join(folder, 'calls.safetensors');
    // Calls of one step; then of eight and, before each checkpoint, of one.
    await train(net, options({ engine, steps: 5, checkpoint: { path, every: 1 } }));
    const rest = await train(net, options({ engine, steps: 21, checkpoint: { path, every: 10 }, resume: true }));
    expect(bits(rest.params)).toEqual(bits(whole.params));
    expect(rest.history.filter(({ event }) => event === 'step').at(-1)).toMatchObject({ step: 21 });
    await engine.dispose();
  });

  test('early stopping ends the run and goes back to the best parameters', async () => {
    const early = { metric: 'mse', mode: 'min', patience: 2 } as const;
    // A rate that grows from step to step: good at first, then ever worse.
    const optimizer = optim.sgd(optim.exponential({ initial: 0.05, decay: 1.12 }));
    const run = await train(net, options({ optimizer, steps: 200, evaluate: { ...evaluate, every: 5 }, early }));
    expect(run.reason).toBe('early');
    const evals = run.history.filter((event) => event.event === 'eval').map(({ metrics }) => metrics.mse!);
    const now = await run.evaluate(evaluate.data, evaluate.metrics);
    expect(now.mse).toBeCloseTo(Math.min(...evals), 6);
  });

  test('a metric that is no finite number improves on nothing', async () => {
    for (const wrong of [Number.NaN, -1 / 0]) {
      const data = evalBatches({ input: x, target: ndarray(new Float32Array(count).fill(wrong), [count, 1]) }, count);
      const metrics = { off: (_: Tensor, target: Tensor) => sum(target) };
      const early = { metric: 'off', mode: 'min', patience: 3 } as const;
      const checkpoint = { path: join(folder, `metric${wrong}.safetensors`), every: 1 };
      const run = await train(net, options({ evaluate: { data, metrics, every: 2 }, early, checkpoint }));
      expect([run.reason, run.step]).toEqual(['early', 6]);
      expect(bits(run.params)).toEqual(bits((await train(net, options({ steps: 6 }))).params));
    }
  });

  test('a loss that is no number stops the run and says why', async () => {
    const bad = {
      ...examples,
      input: ndarray(x.data.map((v, i) => (i === 5 ? Number.NaN : v)) as Float32Array, [count, 1]),
    };
    await expect(
      train(net, options({ data: batches(bad, { size: count }) })),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[DivergenceError: training stopped at step 0: the loss is NaN; likely cause: the data hold NaN or infinity in batch.input; no checkpoint was saved]`,
    );
    await expect(
      train(net, options({ optimizer: optim.sgd(1e20), steps: 20 })),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[DivergenceError: training stopped at step 1: the loss is Infinity; likely cause: an overflow in the forward pass or the loss, after a loss of 0.4246 and a gradient norm of 1.600; lower the learning rate or clip the gradient; no checkpoint was saved]`,
    );
    const infinite = (output: Tensor) => sum(log(sum(output.shape[0] ? nn.relu.apply({}, output) : output)));
    await expect(
      train(
        nn.linear({ in: 1, out: 1 }),
        options({ loss: infinite, checkpoint: { path: join(folder, 'nan.safetensors'), every: 1 } }),
      ),
    ).rejects.toThrow(/training stopped at step \d+: .*likely cause: .*/);
  });

  test('a checkpoint of another seed or model, or a broken one, is refused on one line', async () => {
    const path = join(folder, 'own.safetensors');
    await train(net, options({ steps: 2, checkpoint: { path, every: 1 } }));
    const checkpoint = { path, every: 1 };
    await expect(train(net, options({ checkpoint, resume: true, seed: 6 }))).rejects.toThrow(
      /expected seed 5, with which the run began, got 6$/,
    );
    await expect(train(nn.mlp({ in: 1, hidden: [4], out: 1 }), options({ checkpoint, resume: true }))).rejects.toThrow(
      /expected "params\/layer0.weight" as float32 \[1, 4\], got float32 \[1, 8\]$/,
    );
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 9));
    await expect(train(net, options({ checkpoint, resume: true }))).rejects.toThrow(/safetensors|checkpoint/);
  });

  test('options that do not fit are refused', async () => {
    await expect(train(net, options({ steps: 1.5 }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: train: expected a whole number of at least 1 for steps, got 1.5]`,
    );
    await expect(train(net, options({ resume: true }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: train: expected checkpoint beside resume, got none]`,
    );
    await expect(
      train(net, options({ early: { metric: 'mse', mode: 'min', patience: 1 } })),
    ).rejects.toThrowErrorMatchingInlineSnapshot(`[ArgumentError: train: expected evaluate beside early, got none]`);
  });
});

describe('a run', () => {
  test('of a hypernetwork generates weights and applies the target with them', async () => {
    const model = hypernetwork(net, { code: codes.embeddings({ count: 2, size: 3 }), head: heads.dense() });
    const task = ndarray(
      Int32Array.from({ length: count }, (_, i) => i % 2),
      [count],
    );
    const run = await train(
      model,
      options({ data: batches({ input: { code: task, input: x }, target: y }, { size: 16 }), steps: 3 }),
    );
    const code = ndarray(new Int32Array([1]), []);
    const weights = await run.generate(code);
    expect(Object.entries(weights).map(([path, { shape }]) => `${path} ${shape}`)).toEqual([
      'layer0.weight 1,8',
      'layer0.bias 8',
      'layer1.weight 8,1',
      'layer1.bias 1',
    ]);
    const output = (await run.apply({ code, input: [0.5] })) as NdArray;
    const hidden = Array.from(weights['layer0.weight']!.data, (w, i) =>
      Math.tanh(w * 0.5 + weights['layer0.bias']!.data[i]!),
    );
    const expected = hidden.reduce(
      (total, h, i) => total + h * weights['layer1.weight']!.data[i]!,
      weights['layer1.bias']!.data[0]!,
    );
    expect(output.data[0]).toBeCloseTo(expected, 5);
    await run.dispose();
  });

  test('of a plain network has nothing to generate', async () => {
    const run = await train(net, options({ steps: 1 }));
    await expect(run.generate()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: generate: expected a hypernetwork, got mlp]`,
    );
  });

  test('dropout draws anew at each step, and the same in each run', async () => {
    const noisy = nn.sequential({ drop: nn.dropout({ rate: 0.5 }), fc: nn.linear({ in: 1, out: 1 }) });
    const [a, b] = [await train(noisy, options({ steps: 5 })), await train(noisy, options({ steps: 5 }))];
    expect(bits(a.params)).toEqual(bits(b.params));
    const other = await train(noisy, options({ steps: 5, seed: 6 }));
    expect(bits(other.params)).not.toEqual(bits(a.params));
  });
});

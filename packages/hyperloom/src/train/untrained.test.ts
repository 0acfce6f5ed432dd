import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { batches, evalBatches } from '../data/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { codes, heads, hypernetwork } from '../hyper/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import { mean, mul, type NdArray, ndarray, random, square, sub, sum, type Tensor, tree } from '../tensor/index.ts';
import { type TrainEvent, type TrainOptions, train } from './index.ts';

const engine = referenceEngine();
const count = 32;
const x = ndarray(
  Float32Array.from({ length: 2 * count }, (_, i) => 3 + Math.sin(i * 1.7) * (1 + (i % 2))),
  [count, 2],
);
const y = ndarray(
  Float32Array.from({ length: count }, (_, i) => x.data[2 * i]! - x.data[2 * i + 1]!),
  [count, 1],
);
const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  data: batches({ input: x, target: y }, { size: 16, seed: 3 }),
  loss: nn.losses.mse,
  optimizer: optim.adamw(1e-2),
  steps: 20,
  engine,
  ...more,
});
const flat = (params: unknown) => tree.flatten<NdArray>(params);
const numbers = (params: unknown, path: string) => [...flat(params)[path]!.data];

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'untrained-'));
});
afterAll(() => rm(folder, { recursive: true }));

const net = nn.sequential({
  norm: nn.batchNorm({ channels: 2, momentum: 0.3 }),
  fc: nn.linear({ in: 2, out: 1 }),
});

describe('running statistics', () => {
  test('move towards those of the data, and a resumed run ends with the same bits', async () => {
    const whole = await train(net, options({ steps: 40 }));
    const means = numbers(whole.params, 'norm.mean');
    const expected = [0, 1].map((c) => [...x.data].filter((_, i) => i % 2 === c).reduce((a, b) => a + b, 0) / count);
    for (const [c, m] of means.entries()) expect(m).toBeCloseTo(expected[c]!, 0);
    // Two epochs' worth of momentum over mean zero would not be there yet.
    expect(means[0]).toBeGreaterThan(2);

    const path = join(folder, 'statistics.safetensors');
    const stop = new AbortController();
    const interrupt = (event: TrainEvent) => {
      if (event.event === 'step' && event.step === 13) stop.abort();
    };
    const checkpoint = { path, every: 100 };
    await train(net, options({ steps: 40, checkpoint, logEvery: 1, signal: stop.signal, onEvent: interrupt }));
    const resumed = await train(net, options({ steps: 40, checkpoint, resume: true }));
    expect(flat(resumed.params)).toEqual(flat(whole.params));
    // Evaluation uses them: without, inputs around 3 would meet a layer that learned on inputs around 0.
    const evaluation = [evalBatches({ input: x, target: y }, 16), { mse: nn.losses.mse }] as const;
    const own = await whole.evaluate(...evaluation);
    const start = { ...whole.params, norm: { ...whole.params.norm, mean: ndarray([0, 0]), variance: ndarray([1, 1]) } };
    const without = await (await train(net, options({ steps: 0, initial: start }))).evaluate(...evaluation);
    expect(own.mse!).toBeLessThan(without.mse! / 2);
  });

  test('of a layer that is applied twice move twice', async () => {
    const norm = nn.batchNorm({ channels: 2, momentum: 0.1 });
    const model = (times: number) =>
      nn.defineModule({
        name: 'repeated',
        spec: { norm: norm.spec, fc: nn.linear({ in: 2, out: 1 }).spec },
        apply: ({ norm: own, fc }, input: Tensor, context?: nn.Context) => {
          for (let i = 0; i < times; i++) nn.applyChild('norm', norm, own, input, context);
          return nn.applyChild('fc', nn.linear({ in: 2, out: 1 }), fc, input, context);
        },
      });
    const means = async (times: number) =>
      numbers((await train(model(times), options({ steps: 1 }))).params, 'norm.mean');
    const [one, two] = [await means(1), await means(2)];
    for (const i of [0, 1]) expect(two[i]).toBeCloseTo(2 * one[i]!, 5);
  });

  test('of each code are its own', async () => {
    const index = ndarray(
      Int32Array.from({ length: count }, () => 1),
      [count],
    );
    const model = hypernetwork(net, {
      code: codes.embeddings({ count: 3, size: 2 }),
      head: heads.dense(),
      generate: 'fc.*',
      perCode: { count: 3, weights: ['norm.mean', 'norm.variance'] },
    });
    const data = batches({ input: { code: index, input: x }, target: y }, { size: 16 });
    const run = await train(model, { ...options(), data });
    const means = numbers(run.params, 'target.norm.mean');
    expect([...means.slice(0, 2), ...means.slice(4)]).toEqual([0, 0, 0, 0]);
    expect(Math.abs(means[2]!)).toBeGreaterThan(1);
    expect(flat(run.params)['target.norm.scale']!.shape).toEqual([2]);
  });
});

describe('what is trained', () => {
  test('patterns choose it, and everything else keeps its bits, under weight decay too', async () => {
    const first = await train(net, options({ steps: 0 }));
    const run = await train(net, options({ trained: 'fc.*', initial: first.params }));
    for (const [path, { data }] of Object.entries(flat(run.params))) {
      const same = path.startsWith('norm.');
      expect([path, [...data].every((v, i) => v === flat(first.params)[path]!.data[i])]).toEqual([path, same]);
    }
    // Statistics move where a pattern fits them: all weights are what the default trains.
    const all = await train(net, options({ trained: '**', initial: first.params }));
    const whole = await train(net, options({ initial: first.params }));
    expect(flat(all.params)).toEqual(flat(whole.params));
    expect(numbers(all.params, 'norm.mean')).not.toEqual(numbers(first.params, 'norm.mean'));
    const statistics = await train(net, options({ trained: ['fc.*', 'norm.mean'], initial: first.params }));
    expect(numbers(statistics.params, 'norm.mean')).not.toEqual(numbers(first.params, 'norm.mean'));
    expect(numbers(statistics.params, 'norm.variance')).toEqual(numbers(first.params, 'norm.variance'));
    await expect(train(net, options({ trained: 'conv.*' }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: train: expected a pattern of trained weights that fits one (norm.scale, norm.shift, fc.weight, fc.bias), got "conv.*"]`,
    );
  });

  test('a run goes on with the weights that it trained, not with others of the same size', async () => {
    const twins = nn.sequential({
      a: nn.linear({ in: 2, out: 2 }),
      b: nn.linear({ in: 2, out: 2 }),
      c: nn.linear({ in: 2, out: 1 }),
    });
    const checkpoint = { path: join(folder, 'twins.safetensors'), every: 100 };
    await train(twins, options({ trained: 'a.*', checkpoint }));
    await expect(train(twins, options({ trained: 'b.*', checkpoint, resume: true }))).rejects.toThrow(
      /: expected the trained weights of the run that it holds \(a.weight, a.bias\), got b.weight, b.bias$/,
    );
    expect((await train(twins, options({ trained: 'a.*', checkpoint, resume: true }))).step).toBe(20);
  });

  test('training goes on from given parameters', async () => {
    const first = await train(net, options({ steps: 30 }));
    const on = await train(net, options({ steps: 0, initial: first.params }));
    expect(flat(on.params)).toEqual(flat(first.params));
    await expect(
      train(net, options({ initial: { fc: { weight: ndarray([[1], [2]]) } } })),
    ).rejects.toThrowErrorMatchingInlineSnapshot(`[ArgumentError: train: expected initial norm.scale [2], got none]`);
  });

  test('a frozen base stays, and the network starts as that base', async () => {
    const base = await train(net, options({ steps: 10, seed: 4 }));
    const model = hypernetwork(net, {
      code: codes.learned({ size: 2 }),
      head: heads.dense(),
      generate: 'fc.*',
      base: { params: base.params },
    });
    const start = await train(model, {
      ...options({ steps: 0 }),
      data: batches({ input: { input: x }, target: y }, { size: 16 }),
    });
    const weights = await start.generate();
    expect([...weights['fc.weight']!.data]).toEqual(numbers(base.params, 'fc.weight'));
    // What is stored starts as the base too, running statistics included: the whole network is the pretrained one.
    const [now, before] = [await start.apply({ input: [1, 4] }), await base.apply([1, 4])] as [NdArray, NdArray];
    expect([...now.data]).toEqual([...before.data]);
    const run = await train(model, { ...options(), data: batches({ input: { input: x }, target: y }, { size: 16 }) });
    expect(numbers(run.params, 'base.fc.weight')).toEqual(numbers(base.params, 'fc.weight'));
    const moved = await run.generate();
    expect([...moved['fc.weight']!.data]).not.toEqual(numbers(base.params, 'fc.weight'));
  });
});

describe('a regulariser', () => {
  const line = nn.linear({ in: 2, out: 1 });
  test('is added to the loss and its gradient', async () => {
    const strong = {
      inputs: { anchor: ndarray([[2], [-3]]) },
      apply: (params: { weight: Tensor }, inputs: { anchor: Tensor }) =>
        mul(mean(square(sub(params.weight, inputs.anchor))), 1e4),
    };
    const events: TrainEvent[] = [];
    const run = await train(
      line,
      options({ steps: 400, optimizer: optim.adam(5e-2), regularizer: strong, onEvent: (e) => events.push(e) }),
    );
    const [a, b] = numbers(run.params, 'weight');
    expect(a).toBeCloseTo(2, 1);
    expect(b).toBeCloseTo(-3, 1);
    const steps = events.filter((e) => e.event === 'step');
    expect(steps[0]!.penalty).toBeGreaterThan(steps.at(-1)!.penalty!);
  });

  test('that is no number stops the run', async () => {
    const odd = { apply: ({ bias }: { bias: Tensor }) => mul(sum(bias), Number.NaN) };
    await expect(train(line, options({ regularizer: odd }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[DivergenceError: training stopped at step 0: the regulariser's penalty is NaN; likely cause: an overflow in the forward pass or the loss; lower the learning rate or clip the gradient; no checkpoint was saved]`,
    );
  });

  test('with lookahead is taken where the optimiser would go, as a constant', async () => {
    // Plain descent on the batch alone gives w1 = w0 - r g; the penalty's gradient is 2 c w1 at that place.
    const rate = 0.01;
    const c = 3;
    const params = { weight: ndarray([[0.5], [0.25]]), bias: ndarray([0.1]) };
    const penalty = (lookahead: boolean) => ({
      lookahead,
      apply: ({ weight }: { weight: Tensor }) => mul(sum(square(weight)), c),
    });
    const step = async (more: Partial<TrainOptions>) =>
      numbers(
        (await train(line, options({ steps: 1, optimizer: optim.sgd(rate), initial: params, ...more }))).params,
        'weight',
      );
    const plain = await step({});
    const ahead = await step({ regularizer: penalty(true) });
    const here = await step({ regularizer: penalty(false) });
    for (const i of [0, 1]) {
      expect(ahead[i]).toBeCloseTo(plain[i]! - rate * 2 * c * plain[i]!, 5);
      expect(here[i]).toBeCloseTo(plain[i]! - rate * 2 * c * params.weight.data[i]!, 5);
    }
  });
});

test('key of the first parameters does not depend on what is trained', async () => {
  const all = await train(net, options({ steps: 0 }));
  const some = await train(net, options({ steps: 0, trained: 'fc.*' }));
  expect(flat(some.params)).toEqual(flat(all.params));
  expect(random.keyArray(0).shape).toEqual([2]);
});

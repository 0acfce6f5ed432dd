import { describe, expect, test } from 'vitest';
import { batches, evalBatches } from '../../data/index.ts';
import { runOnce } from '../../engine/index.ts';
import { ortEngine } from '../../engine/ort/index.ts';
import { referenceEngine } from '../../engine/reference/index.ts';
import { exportNetwork } from '../../io/index.ts';
import * as nn from '../../nn/index.ts';
import * as optim from '../../optim/index.ts';
import { constant, type NdArray, ndarray, type Tensor, tree } from '../../tensor/index.ts';
import { train } from '../../train/index.ts';
import { dyConv2d, heads, hypernetwork, type Temperature } from '../index.ts';
import { cooling } from './temperature.ts';

const engine = referenceEngine();
const net = (temperature: Temperature) =>
  nn.sequential({
    conv: dyConv2d({ in: 1, out: 2, kernel: 3, experts: 3, temperature }),
    relu: nn.relu,
    pool: nn.globalAvgPool,
    fc: nn.linear({ in: 2, out: 1 }),
  }) as unknown as nn.AnyModule;
const count = 12;
const examples = {
  input: ndarray(
    Float32Array.from({ length: count * 25 }, (_, i) => Math.sin(i * i)),
    [count, 1, 5, 5],
  ),
  target: ndarray(
    Float32Array.from({ length: count }, (_, i) => Math.cos(i)),
    [count, 1],
  ),
};

/** The state of the temperature after some training steps. */
async function after(steps: number, temperature: Temperature) {
  const run = await train(net(temperature) as never, {
    data: batches(examples, { size: 4 }),
    loss: nn.losses.mse,
    optimizer: optim.adamw(1e-2, { weightDecay: 0.1 }),
    steps,
    engine,
  });
  const weights = tree.flatten<NdArray>(run.params);
  return { run, now: weights['conv.head.temperature']!.data[0]!, step: weights['conv.head.step']!.data[0]! };
}

describe('a temperature that moves', () => {
  test.each([
    [
      { from: 34, to: 1, by: 3, every: 2 },
      [
        [0, 34],
        [1, 34],
        [2, 31],
        [3, 31],
        [4, 28],
        [25, 1],
        [40, 1],
      ],
    ],
    [
      { from: 5, to: 2, steps: 6 },
      [
        [0, 5],
        [1, 4.5],
        [2, 4],
        [6, 2],
        [9, 2],
      ],
    ],
    [
      { from: 1, to: 2, steps: 4 },
      [
        [1, 1.25],
        [5, 2],
      ],
    ],
    [
      { from: 4, to: 1, by: 2, every: 1 },
      [
        [1, 2],
        [2, 1],
      ],
    ],
    // In float32, 41 * (1 / 41) is below 1; and steps may be fractions of 1.
    [
      { from: 1, to: 0.25, by: 0.5, every: 41 },
      [
        [40, 1],
        [41, 0.5],
      ],
    ],
  ] as const)('%j, step by step', async (temperature, expected) => {
    for (const [steps, value] of expected) {
      const { now, step } = await after(steps, temperature);
      expect([step, now]).toEqual([steps, expect.closeTo(value, 5)]);
    }
  });

  test('evaluation and exported files have the present one', async () => {
    const temperature = { from: 30, to: 0.2, steps: 10 };
    const { run } = await after(5, temperature);
    const moved = await run.evaluate(evalBatches(examples, 4), { mse: nn.losses.mse });
    const still = (value: number) =>
      tree.mapWithPath(
        (w: NdArray, path) => (path === 'conv.head.temperature' ? ndarray(value) : w),
        run.params as unknown,
      );
    const at = async (value: number) => {
      const own = await train(net(temperature) as never, {
        data: batches(examples, { size: 4 }),
        loss: nn.losses.mse,
        optimizer: optim.sgd(0),
        steps: 0,
        engine,
        initial: still(value) as never,
      });
      return (await own.evaluate(evalBatches(examples, 4), { mse: nn.losses.mse })).mse;
    };
    expect(await at(15.1)).toBeCloseTo(moved.mse!, 6);
    expect(Math.abs((await at(0.2))! - moved.mse!)).toBeGreaterThan(1e-6);
    const file = (params: unknown) =>
      exportNetwork(net(temperature) as never, params, { dtype: 'float32', shape: [1, 5, 5] });
    expect(file(run.params)).not.toEqual(file(still(30)));
  });

  test('divides the logits, and is told to move in training alone', async () => {
    const heard: string[] = [];
    const cooled = (training: boolean) => (now: Tensor, logits: Tensor) => {
      const context = { training, update: (path: string) => heard.push(path) };
      return cooling({ from: 4, to: 1, steps: 3 }, { temperature: now, step: constant(1) }, context)(logits);
    };
    for (const training of [false, true]) {
      const cool = (await runOnce(engine, cooled(training), ndarray(4), ndarray([2, -8]))) as unknown as NdArray;
      expect([...cool.data]).toEqual([0.5, -2]);
      expect(heard).toEqual(training ? ['temperature', 'step'] : []);
    }
  });

  test('a layer without a schedule has no weight for it', () => {
    expect(tree.paths(net(3).spec).filter((path) => path.includes('temperature'))).toEqual([]);
  });
});

test('a lower temperature parts the coefficients', async () => {
  const fast = ortEngine({ threads: 1, spinning: false });
  const spread = async (temperature: number) => {
    const head = heads.experts({ count: 3, gate: 'softmax', temperature });
    const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: 4, head });
    const alpha = (key: Tensor) =>
      head.coefficients(model.init(key).head, nn.init.ones(key, nn.weight({ shape: [4] })), model.generated).target!;
    const { data } = (await runOnce(fast, alpha as never, ndarray(new Uint32Array([0, 1]), [2]) as never)) as NdArray;
    return Math.max(...data) - Math.min(...data);
  };
  expect(await spread(0.5)).toBeGreaterThan(2 * (await spread(5)));
  await fast.dispose();
});

test('errors say what was expected', () => {
  const make = (temperature: unknown) => () =>
    heads.experts({ count: 2, gate: 'softmax', temperature: temperature as Temperature });
  expect(make({ from: 0, to: 1, steps: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.experts: expected a positive temperature, got 0]`,
  );
  expect(make({ from: 3, to: -1, steps: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.experts: expected a positive temperature, got -1]`,
  );
  expect(make({ from: 3, to: 1, steps: 2.5 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.experts: expected steps to be a whole number of training steps, got 2.5]`,
  );
  expect(make({ from: 3, to: 1, by: 1, every: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.experts: expected a positive every, got 0]`,
  );
  expect(make({ from: 3, to: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: heads.experts: expected a temperature with steps, or with by and every, got neither]`,
  );
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Batches, type EvalBatches, evalTextStreams } from '../data/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import {
  add,
  cast,
  constant,
  gather,
  mul,
  type NdArray,
  ndarray,
  ShapeError,
  square,
  stack,
  sub,
  type Tensor,
  tree,
  where,
} from '../tensor/index.ts';
import { type Carry, type Example, openCheckpoint, type TrainEvent, type TrainOptions, train } from './index.ts';

const engine = referenceEngine();
const decay = 0.5;
const rows = 3;
const length = 2;

type Input<T> = { readonly x: T; readonly fresh: T };
type State<T> = { readonly sum: T; readonly steps: T };

/** s_t = scale x_t + decay s_(t-1) over a window [length], beside a count of the windows read. */
const leaky = {
  name: 'leaky',
  spec: { scale: nn.weight({ shape: [], role: 'scale', init: nn.init.ones }) },
  init: () => ({ scale: constant(1) }),
  apply: (
    { scale }: { readonly scale: Tensor },
    { x, state }: { readonly x: Tensor; readonly state: State<Tensor> },
  ) => {
    if (x.rank !== 1) throw new ShapeError(`leaky: expected a window, got ${x.shape}`);
    const sums: Tensor[] = [];
    let { sum } = state;
    for (let t = 0; t < x.shape[0]!; t++) {
      sum = add(mul(scale, gather(x, constant(t, 'int32'))), mul(sum, decay));
      sums.push(sum);
    }
    return { y: stack(sums), steps: add(state.steps, constant(1, 'int32')), last: sum };
  },
};
type Output = ReturnType<typeof leaky.apply>;

const carry: Carry = {
  state: { sum: { dtype: 'float32', shape: [] }, steps: { dtype: 'int32', shape: [] } },
  write: ({ x, fresh }: Input<Tensor>, { sum, steps }: State<Tensor>) => ({
    x,
    state: { sum: where(fresh, 0, sum), steps: where(fresh, constant(0, 'int32'), steps) },
  }),
  // In another order than the state: places are found by name.
  read: ({ steps, last }: Output) => ({ steps, sum: last }),
};

const valueAt = (row: number, time: number): number => Math.sin(1 + 7 * row + time) * (row + 1);

/** Rows read their own endless sequence; each begins anew after `period` steps. */
const windows = (period = Number.POSITIVE_INFINITY): Batches<Example<Input<NdArray>, NdArray>> => ({
  size: rows,
  perEpoch: 1,
  spec: {
    input: { x: { dtype: 'float32', shape: [rows, length] }, fresh: { dtype: 'bool', shape: [rows] } },
    target: { dtype: 'float32', shape: [rows] },
  } as never,
  at: (step) =>
    ({
      input: {
        x: ndarray(
          Float32Array.from({ length: rows * length }, (_, i) =>
            valueAt(Math.floor(i / length), step * length + (i % length)),
          ),
          [rows, length],
        ),
        fresh: ndarray(
          Array.from({ length: rows }, () => step % period === 0),
          [rows],
          'bool',
        ),
      },
      target: ndarray([1, 10, 100]),
    }) as never,
});

/** The sum of a row after a step that started from `before`. */
const after = (row: number, step: number, before: number, scale = 1): number =>
  Array.from({ length }, (_, i) => valueAt(row, step * length + i)).reduce((s, x) => scale * x + decay * s, before);

/** The last sum times the row's own weight: rows that were mixed up would show. */
const weighted = ({ last }: Output, target: Tensor): Tensor => mul(last, target);

const options = (more: Partial<TrainOptions> = {}): TrainOptions => ({
  data: windows() as never,
  loss: weighted,
  optimizer: optim.sgd(0),
  steps: 6,
  engine,
  logEvery: 1,
  carry,
  ...more,
});
const steps = (history: readonly TrainEvent[]) => history.flatMap((event) => (event.event === 'step' ? [event] : []));
const evals = (history: readonly TrainEvent[]) =>
  history.flatMap((event) => (event.event === 'eval' ? [event.metrics.mean!] : []));
const bits = (params: unknown) => tree.leaves<NdArray>(params).flatMap(({ data }) => [...data]);

const count = 4;
/** The first windows of {@link windows} in order; as one window, or as several. */
const inParts = (parts: number): EvalBatches<Example> => {
  const time = (count * length) / parts;
  return {
    size: rows,
    total: rows * parts,
    spec: {
      input: { x: { dtype: 'float32', shape: [rows, time] }, fresh: { dtype: 'bool', shape: [rows] } },
      target: { dtype: 'float32', shape: [rows, time] },
    },
    *[Symbol.iterator]() {
      for (let part = 0; part < parts; part++) {
        const x = Float32Array.from({ length: rows * time }, (_, i) =>
          valueAt(Math.floor(i / time), part * time + (i % time)),
        );
        const batch = {
          input: { x: ndarray(x, [rows, time]), fresh: ndarray([false, false, false], [rows], 'bool') },
          target: ndarray(x, [rows, time]),
        };
        yield { batch, count: rows };
      }
    },
  } as EvalBatches<Example>;
};
const metrics = {
  mean: ({ y }: Output) => {
    const [time] = y.shape as [number];
    return mul(
      Array.from({ length: time }, (_, t) => square(gather(y, constant(t, 'int32')))).reduce((a, b) => add(a, b)),
      1 / time,
    );
  },
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carry-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a carried state', () => {
  test.each([
    ['from step to step', Number.POSITIVE_INFINITY],
    ['until write lets it begin anew', 2],
  ])('goes %s, each row its own', async (_, period) => {
    const run = await train(leaky, options({ data: windows(period) as never }));
    const sums = [0, 0, 0];
    steps(run.history).forEach(({ loss }, step) => {
      for (const row of sums.keys()) sums[row] = after(row, step, step % period === 0 ? 0 : sums[row]!);
      expect(loss).toBeCloseTo((sums[0]! + 10 * sums[1]! + 100 * sums[2]!) / 3, 4);
    });
    expect(steps(run.history)).toHaveLength(6);
  });

  test('is an input: no gradient flows into the step before', async () => {
    const run = await train(leaky, options());
    steps(run.history).forEach(({ gradientNorm }, step) => {
      const own = [1, 10, 100].map((weight, row) => weight * after(row, step, 0));
      expect(gradientNorm).toBeCloseTo(Math.abs(own.reduce((a, b) => a + b)) / 3, 4);
    });
  });

  test.each([
    ['the reference', () => referenceEngine()],
    ['ONNX Runtime', () => ortEngine({ threads: 1, spinning: false })],
  ])('is saved: a run stopped and resumed ends with the same bits on %s', async (name, make) => {
    const own = make();
    const error = ({ y }: Output, target: Tensor) => square(sub(gather(y, constant(length - 1, 'int32')), target));
    const watched = {
      evaluate: { data: inParts(4), metrics, every: 3 },
      early: { metric: 'mean', mode: 'min', patience: 20 } as const,
    };
    const learning = options({ engine: own, loss: error, optimizer: optim.adam(0.05), steps: 20, ...watched });
    const whole = await train(leaky, learning);
    for (const stopAt of [1, 8]) {
      const checkpoint = { path: join(folder, `${name}-${stopAt}`), every: 100 };
      const stop = new AbortController();
      const signal = stop.signal;
      const onEvent = (event: { readonly event: string; readonly step?: number }) =>
        event.event === 'step' && event.step === stopAt && stop.abort();
      await train(leaky, { ...learning, checkpoint, signal, onEvent });
      const rest = await train(leaky, { ...learning, checkpoint, resume: true });
      expect(steps(rest.history)).toHaveLength(20 - stopAt);
      expect(steps(rest.history).map(({ loss }) => loss)).toEqual(
        steps(whole.history)
          .slice(stopAt)
          .map(({ loss }) => loss),
      );
      expect(bits(rest.params)).toEqual(bits(whole.params));
      expect(evals(rest.history)).toEqual(evals(whole.history).slice(Math.floor(stopAt / 3)));
    }
    // Early stopping gives the parameters of the best evaluation; a run ends without a state, so none goes with them.
    const best = Math.min(...evals(whole.history));
    expect(best).toBeLessThan(evals(whole.history)[0]!);
    expect((await whole.evaluate(inParts(4), metrics, { carry })).mean).toBe(best);
    await own.dispose();
  });

  test('is of the rows of the batch: a checkpoint without it, or of other rows, is refused', async () => {
    const path = join(folder, 'rows');
    const checkpoint = { path, every: 1 };
    await train(leaky, options({ checkpoint, steps: 2 }));
    const spec = {
      input: { x: { dtype: 'float32', shape: [2, length] }, fresh: { dtype: 'bool', shape: [2] } },
      target: { dtype: 'float32', shape: [2] },
    };
    await expect(
      train(leaky, options({ checkpoint, resume: true, data: { ...windows(), spec } as never })),
    ).rejects.toThrow(/expected "carried\/sum" as float32 \[2\], got float32 \[3\]$/);
    const forgetful = {
      ...leaky,
      apply: (params: never, { x }: { readonly x: Tensor }) => leaky.apply(params, { x, state: zero }),
    };
    await expect(train(forgetful, plain({ checkpoint, resume: true }))).rejects.toThrow(
      /expected no "carried\/\w+", which is there, and 1 more$/,
    );
    await train(forgetful, plain({ checkpoint: { path: `${path}-plain`, every: 1 }, steps: 2 }));
    await expect(
      train(leaky, options({ checkpoint: { path: `${path}-plain`, every: 1 }, resume: true })),
    ).rejects.toThrow(/expected "carried\/sum", which is missing, and 1 more$/);
  });

  test('that is not what read gives is refused on one line', async () => {
    const refused = (read: (output: Output) => unknown) => train(leaky, options({ carry: { ...carry, read } }));
    await expect(refused(({ y, steps }) => ({ sum: y, steps }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: carry: expected read to give the state (sum float32 [], steps int32 []), got sum float32 [2], steps int32 []]`,
    );
    await expect(refused(({ last }) => ({ sum: last }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: carry: expected read to give the state (sum float32 [], steps int32 []), got sum float32 []]`,
    );
    await expect(refused(({ last, steps, y }) => ({ sum: last, steps, y }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: carry: expected read to give the state (sum float32 [], steps int32 []), got sum float32 [], steps int32 [], y float32 [2]]`,
    );
  });

  test('without types and shapes is refused', async () => {
    const refused = (state: unknown) => train(leaky, options({ carry: { ...carry, state } }));
    await expect(refused({ sum: 4 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: carry: expected dtype and shape for state.sum, got number]`,
    );
    await expect(refused(4)).rejects.toThrow(/expected dtype and shape for the state, got number$/);
  });

  test('that overflows is named when the loss is no number', async () => {
    const growing = { ...carry, read: ({ last, steps }: Output) => ({ sum: mul(add(last, 1), 1e30), steps }) };
    await expect(train(leaky, options({ carry: growing }))).rejects.toThrowErrorMatchingInlineSnapshot(
      `[DivergenceError: training stopped at step 2: the loss is Infinity; likely cause: the carried state.sum overflowed: what the model reads back must stay bounded; no checkpoint was saved]`,
    );
  });
});

const zero = { sum: constant(0), steps: constant(0, 'int32') };
const plain = (more: Partial<TrainOptions>): TrainOptions => {
  const { carry: _, ...rest } = options(more);
  return rest;
};
describe('an evaluation with a carried state', () => {
  test('reads several batches as one long sequence, each time from zeros', async () => {
    const run = await train(leaky, options({ steps: 1 }));
    let expected = 0;
    for (let row = 0; row < rows; row++)
      for (let time = 0, sum = 0; time < count * length; time++) {
        sum = valueAt(row, time) + decay * sum;
        expected += sum ** 2 / (rows * count * length);
      }
    for (const parts of [1, 2, 4, 4])
      expect((await run.evaluate(inParts(parts), metrics, { carry })).mean).toBeCloseTo(expected, 4);
  });

  test('over the windows of a text gives the exact mean over its characters', async () => {
    const text = Int32Array.from({ length: 31 }, (_, i) => (7 * i * i) % 11);
    const numbers: Carry = {
      ...carry,
      write: ({ x, fresh }: Input<Tensor>, state: State<Tensor>) =>
        carry.write({ x: cast(x, 'float32'), fresh } as never, state as never),
    };
    const run = await train(leaky, options({ steps: 1 }));
    let expected = 0;
    // Seven windows of four: 28 characters of which each is read once.
    for (let time = 0, sum = 0; time < 28; time++) {
      sum = text[time]! + decay * sum;
      expected += sum ** 2 / 28;
    }
    const data = evalTextStreams(text, { streams: 1, length: 4 });
    expect([data.characters, data.left]).toEqual([28, 2]);
    expect((await run.evaluate(data, metrics, { carry: numbers })).mean).toBeCloseTo(expected, 3);
    // Of three rows the last two have fewer windows: what they would read after their end does not count.
    let apart = 0;
    for (const [from, to] of [
      [0, 12],
      [12, 20],
      [20, 28],
    ] as const)
      for (let time = from, sum = 0; time < to; time++) {
        sum = text[time]! + decay * sum;
        apart += sum ** 2 / 28;
      }
    const rowed = evalTextStreams(text, { streams: 3, length: 4 });
    expect((await run.evaluate(rowed, metrics, { carry: numbers })).mean).toBeCloseTo(apart, 3);
  });

  test('is the one that training makes on the way, and does not touch its state', async () => {
    const evaluate = { data: inParts(4), metrics, every: 2 };
    const learning = { optimizer: optim.adam(0.01) };
    const [without, run] = [
      await train(leaky, options(learning)),
      await train(leaky, options({ ...learning, evaluate })),
    ];
    expect(bits(run.params)).toEqual(bits(without.params));
    const told = run.history.filter((event) => event.event === 'eval');
    expect(told).toHaveLength(3);
    expect((await run.evaluate(inParts(4), metrics, { carry })).mean).toBe(told.at(-1)!.metrics.mean);
  });
});

test('a checkpoint holds the model as it reads the state', async () => {
  const path = join(folder, 'whole');
  await train(leaky, options({ checkpoint: { path, every: 10 } }));
  const run = await openCheckpoint(path, engine);
  const { y } = (await run.apply({ x: [2, 4], state: { sum: 8, steps: 3 } })) as { readonly y: NdArray };
  expect([...y.data]).toEqual([6, 7]);
});

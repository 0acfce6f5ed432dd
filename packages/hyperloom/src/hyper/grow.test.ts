import { describe, expect, test } from 'vitest';
import { batches, evalBatches } from '../data/index.ts';
import { runOnce } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import { adam } from '../optim/index.ts';
import { type NdArray, ndarray, random, type Tensor, tree, vmap } from '../tensor/index.ts';
import { train } from '../train/index.ts';
import { codes, grow, heads, hypernetwork } from './index.ts';

const flat = (params: unknown) => tree.flatten<NdArray>(params);
const engine = referenceEngine();
const filled = (value: number, shape: readonly number[], dtype: 'float32' | 'int32' = 'float32') => {
  const size = shape.reduce((n, d) => n * d, 1);
  return ndarray(dtype === 'int32' ? new Int32Array(size).fill(value) : new Float32Array(size).fill(value), shape);
};

describe('grow', () => {
  const of = (count: number) =>
    hypernetwork(nn.sequential({ fc: nn.linear({ in: 2, out: 3 }), norm: nn.groupNorm({ channels: 3, groups: 1 }) }), {
      code: codes.embeddings({ count, size: 4 }),
      head: heads.dense({ hidden: [5] }),
      generate: 'fc.*',
      perCode: { count, weights: 'norm.scale' },
    });

  test('keeps every old number, and puts fresh rows behind those of the table and of weights for each code', async () => {
    const drawn = await runOnce(engine, of(3).init as never, random.keyArray(1));
    const trained = tree.map((w: NdArray) => ({ ...w, data: w.data.map((x) => x + 0.5) as Float32Array }), drawn);
    const before = structuredClone(trained);
    const fresh = await runOnce(engine, of(5).init as never, random.keyArray(2));
    const params = flat(grow(trained, fresh));
    const grown = ['code.table', 'target.norm.scale'];
    expect(Object.keys(params)).toEqual(Object.keys(flat(trained)));
    for (const [path, { shape, data }] of Object.entries(params)) {
      const old = flat(trained)[path]!;
      const isGrown = grown.includes(path);
      expect([path, shape[0]]).toEqual([path, isGrown ? 5 : old.shape[0]]);
      expect([...data.slice(0, old.data.length)]).toEqual([...old.data]);
      expect([...data.slice(old.data.length)]).toEqual([
        ...flat(fresh)[path]!.data.slice(isGrown ? old.data.length : data.length),
      ]);
      expect(data).not.toBe(old.data);
    }
    expect(trained).toEqual(before);
  });

  test('what does not fit is named', () => {
    const params = { code: { table: filled(1, [2, 3]) }, scale: filled(1, []) };
    const against = (fresh: unknown) => () => grow(params, fresh);
    const table = (shape: number[], dtype?: 'int32') => ({ ...params, code: { table: filled(0, shape, dtype) } });
    expect(against(table([3, 4]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: grow: expected code.table [2, 3] or more rows, got [3, 4]]`,
    );
    expect(against(table([1, 3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: grow: expected code.table [2, 3] or more rows, got [1, 3]]`,
    );
    expect(against(table([3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: grow: expected code.table [2, 3] or more rows, got [3]]`,
    );
    expect(against(table([3, 3], 'int32'))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: grow: expected code.table to be float32, got int32]`,
    );
    expect(against({ ...params, scale: filled(0, [2]) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: grow: expected scale [], got [2]]`,
    );
    expect(against({ code: params.code })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: grow: expected a larger model that has scale, got none]`,
    );
    expect(against({ ...params, head: filled(0, [1]) })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: grow: expected trained weights with head, got none]`,
    );
  });
});

test('task 11 is learnt by its code alone, and tasks 1 to 10 give the same bits as before', async () => {
  const ort = ortEngine({ threads: 1, spinning: false });
  const model = (count: number) =>
    hypernetwork(nn.mlp({ in: 1, hidden: [16], out: 1, activation: nn.tanh }), {
      code: codes.embeddings({ count, size: 2 }),
      head: heads.dense(),
    });
  const xs = Array.from({ length: 16 }, (_, i) => i / 8 - 1);
  /** Task t: a sine of its own height. */
  const examples = (tasks: readonly number[]) => {
    const pairs = tasks.flatMap((t) => xs.map((x) => ({ t, x })));
    return {
      input: {
        code: ndarray(Int32Array.from(pairs, ({ t }) => t)),
        input: ndarray(
          Float32Array.from(pairs, ({ x }) => x),
          [pairs.length, 1],
        ),
      },
      target: ndarray(
        Float32Array.from(pairs, ({ t, x }) => (t / 5 - 1) * Math.sin(2 * x)),
        [pairs.length, 1],
      ),
    };
  };
  const ten = Array.from({ length: 10 }, (_, t) => t);
  const settings = { loss: nn.losses.mse, optimizer: adam(1e-2), engine: ort };
  const first = await train(model(10), { ...settings, data: batches(examples(ten), { size: 80 }), steps: 300 });

  const larger = model(11);
  const fresh = await runOnce(ort, larger.init as never, random.keyArray(9));
  const initial = grow(first.params, fresh);
  const start = await train(larger, { ...settings, data: batches(examples([10]), { size: 16 }), steps: 0, initial });
  const second = await train(larger, {
    ...settings,
    data: batches(examples([10]), { size: 16 }),
    steps: 200,
    initial,
    trained: 'code.**',
  });

  const { input } = examples(ten);
  const outputs = (params: never, code: Tensor, x: Tensor) =>
    vmap((c: Tensor, one: Tensor) => larger.apply(params, { code: c, input: one }))(code, x);
  const before = (await first.call(
    (params: never, code: Tensor, x: Tensor) =>
      vmap((c: Tensor, one: Tensor) => first.model.apply(params, { code: c, input: one }))(code, x),
    input.code,
    input.input,
  )) as NdArray;
  const after = (await second.call(outputs, input.code, input.input)) as NdArray;
  expect([...after.data]).toEqual([...before.data]);

  const loss = (run: typeof start) => run.evaluate(evalBatches(examples([10]), 16), { mse: nn.losses.mse });
  const [untrained, learnt] = [await loss(start), await loss(second)];
  // A line of zeros would have 0.59.
  expect(untrained.mse!).toBeGreaterThan(0.59);
  expect(learnt.mse!).toBeLessThan(0.1);
  const changed = Object.keys(flat(initial)).filter((path) => {
    const now = flat(second.params)[path]!;
    return !now.data.every((x, i) => x === flat(initial)[path]!.data[i]);
  });
  expect(changed).toEqual(['code.table']);
  await Promise.all([first, start, second].map((run) => run.dispose()));
  await ort.dispose();
});

import { describe, expect, test } from 'vitest';
import { runOnce } from '../engine/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { codes, heads, hypernetwork } from '../hyper/index.ts';
import { exportGenerator, exportNetwork } from '../io/index.ts';
import * as nn from '../nn/index.ts';
import { type Aval, ndarray, random, type Tensor } from '../tensor/index.ts';
import { codeAs, exportRun, openRun, type Trainable } from './index.ts';

const engine = referenceEngine();
const f32 = (...shape: number[]): Aval => ({ dtype: 'float32', shape });
const target = nn.linear({ in: 2, out: 1 });
const runOf = async (model: Trainable) =>
  openRun(model, await runOnce(engine, (key: Tensor) => model.init(key) as Tensor, random.keyArray(0)), engine);
const coded = hypernetwork(target, { code: 3, head: heads.dense() });
const task = hypernetwork(target, { code: codes.embeddings({ count: 2, size: 3 }), head: heads.dense() });
const types = { code: f32(3), input: f32(2) };

describe('exportRun', () => {
  test('writes what io writes for each form', async () => {
    const run = await runOf(coded);
    const { params } = await run.materialise([1, 2, 3]);
    expect(await exportRun(run, { form: 'baked', code: [1, 2, 3], input: types })).toEqual(
      exportNetwork(target, params, f32(2)),
    );
    expect(await exportRun(run, { form: 'generator', input: types })).toEqual(
      exportGenerator(coded, run.params, f32(3)),
    );
    expect(await exportRun(run, { form: 'dynamic', input: types })).toEqual(exportNetwork(coded, run.params, types));
    const plain = await runOf(target);
    expect(await exportRun(plain, { form: 'baked', input: f32(2) })).toEqual(
      exportNetwork(target, plain.params, f32(2)),
    );
  });

  test('a task code is a whole number', async () => {
    const run = await runOf(task);
    const input = { code: { dtype: 'int32', shape: [] }, input: f32(2) };
    expect((await exportRun(run, { form: 'baked', code: 1, input })).length).toBeGreaterThan(100);
  });

  test('says what does not fit', async () => {
    const run = await runOf(coded);
    const plain = await runOf(target);
    const message = async (from: typeof run, options: object) =>
      exportRun(from as never, { input: types, ...options } as never).then(
        () => 'nothing was thrown',
        (error: Error) => error.message,
      );
    expect([
      await message(run, { form: 'whole' }),
      await message(run, { form: 'baked' }),
      await message(run, { form: 'baked', code: [1, 2] }),
      await message(run, { form: 'baked', code: { x: [1] } }),
      await message(run, { form: 'generator', code: [1, 2, 3] }),
      await message(run, { form: 'dynamic', input: undefined }),
      await message(plain as never, { form: 'dynamic', input: f32(2) }),
      await message(plain as never, { form: 'baked', code: [1], input: f32(2) }),
    ]).toMatchInlineSnapshot(`
      [
        "export: expected a form (baked, generator, dynamic), got "whole"",
        "code: expected float32 [3], got none",
        "code: expected float32 [3], got float32 [2]",
        "code: expected float32 [3], got x.0 something else",
        "export: expected no code for generator, which reads it when it runs",
        "export: expected the types of an input of hypernetwork(linear), got none",
        "export: expected a hypernetwork for dynamic, got linear",
        "export: expected no code for linear, which reads none",
      ]
    `);
    expect(() => codeAs(undefined, [1])).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: code: expected none, for the model reads none]`,
    );
    expect(() => codeAs({ dtype: 'int32', shape: [] }, 1.5)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: code: expected int32 [], got 1.5]`,
    );
    expect(codeAs({ x: f32(1) }, { x: ndarray([1]) })).toEqual({ x: ndarray([1]) });
  });
});

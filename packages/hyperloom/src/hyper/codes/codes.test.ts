import { describe, expect, test } from 'vitest';
import { compileFunction } from '../../engine/index.ts';
import { ortEngine } from '../../engine/ort/index.ts';
import { evaluate } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import { constant, type NdArray, ndarray, random, type Tensor, trace, zerosArray } from '../../tensor/index.ts';
import { type AnyConditioner, heads, hypernetwork } from '../index.ts';
import * as codes from './index.ts';

const run = (f: () => unknown): NdArray[] => evaluate(trace(f).program, []);
const numbers = (f: () => unknown): number[][] => run(f).map(({ data }) => [...data]);
const fresh = (code: AnyConditioner) => nn.initTree(code.spec, random.key(3)) as never;
const apply = (code: AnyConditioner, source: unknown) => code.apply(fresh(code), source as never);

describe('embeddings', () => {
  test('the rows of a larger table begin with those of a smaller one', async () => {
    const table = (count: number) => (key: Tensor) => nn.initTree(codes.embeddings({ count, size: 7 }).spec, key).table;
    const key = random.keyArray(5);
    const engine = ortEngine({ threads: 1, spinning: false });
    for (const compile of [
      (count: number) => async () => evaluate(trace(table(count), key).program, [key])[0]!,
      (count: number) => async () => (await compileFunction(engine, table(count), key))(key),
    ]) {
      const [ten, eleven, more] = await Promise.all([10, 11, 40].map((count) => compile(count)()));
      expect([...eleven!.data.slice(0, 70)]).toEqual([...ten!.data]);
      expect([...more!.data.slice(0, 77)]).toEqual([...eleven!.data]);
      expect(new Set(more!.data).size).toBe(280);
    }
    await engine.dispose();
  });

  test('even ones are of one norm, row for row those of a larger table', () => {
    const table = (count: number) => {
      const [drawn] = numbers(
        () => nn.initTree(codes.embeddings({ count, size: 5, std: 0.3, even: true }).spec, random.key(2)).table,
      );
      return Array.from({ length: count }, (_, row) => drawn!.slice(5 * row, 5 * row + 5));
    };
    for (const row of table(7)) expect(row.reduce((total, v) => total + v * v, 0) / 5).toBeCloseTo(0.09, 6);
    expect(table(7).slice(0, 3)).toEqual(table(3));
  });

  test('names stand for positions', () => {
    const users = codes.embeddings({ names: ['ann', 'bob', 'cyd'], size: 2 });
    expect(users.count).toBe(3);
    expect(users.spec.table.shape).toEqual([3, 2]);
    expect(users.indexOf('cyd')).toBe(2);
    const [row, table] = numbers(() => [
      apply(users, constant(users.indexOf('bob'), 'int32')),
      nn.initTree(users.spec, random.key(3)).table,
    ]);
    expect(row).toEqual(table!.slice(2, 4));
  });

  test('a position past the end is refused when it is read', async () => {
    const code = codes.embeddings({ count: 3, size: 2 });
    const f = (table: Tensor, index: Tensor) => code.apply({ table }, index);
    const args = [zerosArray('float32', [3, 2]), ndarray(new Int32Array([3]), [])] as const;
    expect(() => evaluate(trace(f, ...args).program, args)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: gather: expected indices from 0 to 2, got 3]`,
    );
    const engine = ortEngine({ threads: 1, spinning: false });
    const compiled = await compileFunction(engine, f, ...args);
    await expect(compiled(...args)).rejects.toThrow(/out of data bounds/);
    await engine.dispose();
  });

  test('errors', () => {
    expect(() => codes.embeddings({ count: 0, size: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.embeddings: expected a count of at least 1, got 0]`,
    );
    expect(() => codes.embeddings({ names: [], size: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.embeddings: expected a count of at least 1, got 0]`,
    );
    expect(() => codes.embeddings({ names: ['a', 'b', 'a'], size: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.embeddings: expected names that differ, got "a" twice]`,
    );
    expect(() => codes.embeddings({ count: 2, size: 2.5 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.embeddings: expected a size of at least 1, got 2.5]`,
    );
    expect(() =>
      codes.embeddings({ names: ['ann', 'bob'], size: 2 }).indexOf('eve'),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.embeddings: expected one of the names ann, bob, got "eve"]`,
    );
    const many = Array.from({ length: 12 }, (_, i) => `user${i}`);
    expect(() => codes.embeddings({ names: many, size: 2 }).indexOf('eve')).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.embeddings: expected one of the names user0, user1, user2, user3, user4, user5, user6, user7 and 4 more, got "eve"]`,
    );
    const code = codes.embeddings({ count: 2, size: 2 });
    expect(() => code.indexOf('ann')).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.embeddings: expected a table with names, got "ann"]`,
    );
    expect(() => apply(code, undefined)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: codes.embeddings: expected an int32 scalar, got nothing]`,
    );
    expect(() => apply(code, constant([1, 0], 'int32'))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: codes.embeddings: expected an int32 scalar, got [2]]`,
    );
    expect(() => apply(code, constant(1))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: codes.embeddings: expected an int32 scalar, got float32]`,
    );
  });
});

describe('encoder', () => {
  test('is its module, which sees the context under its own key', () => {
    const module = nn.sequential({ fc: nn.linear({ in: 3, out: 16 }), drop: nn.dropout({ rate: 0.5 }) });
    const model = hypernetwork(nn.linear({ in: 2, out: 1 }), {
      code: codes.encoder(module, { size: 16 }),
      head: heads.dense(),
    });
    expect(model.spec.code).toBe(module.spec);
    const params = () => model.init(random.key(0));
    const source = constant([1, 2, 3]);
    const context = (seed: number) => ({ training: true, key: random.key(seed) });
    const own = (seed: number) => nn.childContext(context(seed), 'code');
    const y = (at?: nn.Context) => model.apply(params(), { code: source, input: constant([1, 2]) }, at);
    const [still, plain, dropped, same, other, zeros] = numbers(() => [
      y(),
      y({ training: false }),
      y(context(1)),
      y(context(1)),
      y(context(2)),
      module.apply(params().code, source, own(1)),
    ]);
    expect(plain).toEqual(still);
    expect(same).toEqual(dropped);
    expect(dropped).not.toEqual(still);
    expect(other).not.toEqual(dropped);
    expect(zeros!.filter((x) => x === 0).length).toBeGreaterThan(2);
  });

  test('normalised codes have exactly the declared mean square, and zeros stay zeros', () => {
    const code = codes.encoder(nn.identity, { size: 2, normalize: true, secondMoment: 8 });
    const [x, zero] = numbers(() => [apply(code, constant([30, -40])), apply(code, constant([0, 0]))]);
    expect(x![0]).toBeCloseTo(30 * (4 / 50), 6);
    expect((x![0]! ** 2 + x![1]! ** 2) / 2).toBeCloseTo(8, 6);
    expect(zero).toEqual([0, 0]);
  });

  test('errors', () => {
    const module = nn.linear({ in: 3, out: 4 });
    expect(() => codes.encoder(module, { size: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.encoder: expected a size of at least 1, got 0]`,
    );
    expect(() => codes.encoder(module, { size: 4, secondMoment: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.encoder: expected a positive secondMoment, got -1]`,
    );
    const model = hypernetwork(nn.linear({ in: 2, out: 1 }), {
      code: codes.encoder(module, { size: 5 }),
      head: heads.dense(),
    });
    const y = (shape: number[]) => () =>
      model.generate(model.init(random.key(0)), constant(zerosArray('float32', shape)));
    expect(y([3])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: codes.encoder "code": expected linear to give [5], got [4]]`,
    );
    expect(y([2])).toThrowErrorMatchingInlineSnapshot(`[ShapeError: linear "code": expected [..., 3], got [2]]`);
  });
});

describe('fourier', () => {
  const v = [0.3, -1.2];

  test('gaussian: [cos, sin] of 2 pi B v, with B of the given standard deviation, not trained', () => {
    const code = codes.fourier({ size: 2, frequencies: 3, scale: 4 });
    expect([code.size, code.spec.frequencies!.trained]).toEqual([6, false]);
    const [got, b] = numbers(() => [apply(code, constant(v)), (fresh(code) as { frequencies: Tensor }).frequencies]);
    for (let j = 0; j < 3; j++) {
      const angle = 2 * Math.PI * (v[0]! * b![j]! + v[1]! * b![3 + j]!);
      expect(got![j]).toBeCloseTo(Math.cos(angle), 5);
      expect(got![3 + j]).toBeCloseTo(Math.sin(angle), 5);
    }
    const wide = codes.fourier({ size: 4, frequencies: 500, scale: 4 });
    const drawn = numbers(() => (fresh(wide) as { frequencies: Tensor }).frequencies)[0]!;
    const variance = drawn.reduce((total, x) => total + x * x, 0) / drawn.length;
    expect(variance / 16).toBeGreaterThan(0.9);
    expect(variance / 16).toBeLessThan(1.1);
  });

  test('log: each element at scale^(j / frequencies) cycles, without weights', () => {
    const code = codes.fourier({ size: 2, frequencies: 3, spacing: 'log' });
    expect(code.size).toBe(12);
    expect(nn.countParams(code.spec)).toBe(0);
    const [got] = numbers(() => apply(code, constant(v)));
    [1, 2, 4].forEach((cycles, j) => {
      for (const i of [0, 1]) {
        expect(got![3 * i + j]).toBeCloseTo(Math.cos(2 * Math.PI * cycles * v[i]!), 5);
        expect(got![6 + 3 * i + j]).toBeCloseTo(Math.sin(2 * Math.PI * cycles * v[i]!), 5);
      }
    });
  });

  test('errors', () => {
    const make = (options: object) => () => codes.fourier({ size: 2, frequencies: 3, ...options });
    expect(make({ size: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.fourier: expected a size of at least 1, got 0]`,
    );
    expect(make({ frequencies: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.fourier: expected a number of frequencies of at least 1, got 0]`,
    );
    expect(make({ scale: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.fourier: expected a positive scale, got 0]`,
    );
    expect(make({ spacing: 'linear' })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.fourier: expected spacing gaussian or log, got linear]`,
    );
    expect(() => apply(make({})(), constant([1]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: codes.fourier: expected a vector [2], got [1]]`,
    );
  });
});

describe('mip', () => {
  test('turns [0, 1] into a quarter of a circle', () => {
    const [got] = numbers(() => apply(codes.mip({ size: 3 }), constant([0, 0.5, 1])));
    [1, Math.SQRT1_2, 0, 0, Math.SQRT1_2, 1].forEach((x, i) => {
      expect(got![i]).toBeCloseTo(x, 6);
    });
  });

  test('errors', () => {
    expect(() => codes.mip({ size: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.mip: expected a size of at least 1, got 0]`,
    );
    expect(() => apply(codes.mip({ size: 2 }), constant([1]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: codes.mip: expected a vector [2], got [1]]`,
    );
  });
});

describe('concat and product', () => {
  const a = codes.input({ size: 2, secondMoment: 4 });
  const b = codes.input({ size: 2 });

  test('join or multiply what their parts give', () => {
    const source = { a: constant([1, 2]), b: constant([3, 5]) };
    const joined = codes.concat({ a, c: codes.none(), b });
    expect(numbers(() => [apply(joined, source), apply(codes.product({ a, b }), source)])).toEqual([
      [1, 2, 3, 5],
      [3, 10],
    ]);
    expect([joined.size, joined.secondMoment]).toEqual([4, 2.5]);
    expect(codes.concat({ a, mip: codes.mip({ size: 3 }) }).secondMoment).toBeCloseTo((2 * 4 + 6 * 0.5) / 8);
    expect(codes.product({ a, b: codes.mip({ size: 1 }) }).secondMoment).toBe(2);
  });

  test('what a part reads is typed, and parts that read nothing need no entry', () => {
    const target = nn.linear({ in: 2, out: 1 });
    const code = codes.concat({ user: codes.embeddings({ count: 3, size: 2 }), self: codes.learned({ size: 1 }) });
    const model = hypernetwork(target, { code, head: heads.dense() });
    const input = constant([1, 2]);
    const silent = hypernetwork(target, {
      code: codes.product({ self: codes.learned({ size: 1 }) }),
      head: heads.dense(),
    });
    const outputs = numbers(() => [
      model.apply(model.init(random.key(0)), { code: { user: constant(1, 'int32') }, input }),
      silent.apply(silent.init(random.key(0)), { input }),
    ]);
    expect(outputs.flat().every(Number.isFinite)).toBe(true);
    // @ts-expect-error a user must be given
    expect(() => model.generate(model.init(random.key(0)), {})).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: codes.embeddings "code.user": expected an int32 scalar, got nothing]`,
    );
  });

  test('every part draws its own numbers in training', () => {
    const noisy = codes.encoder(nn.dropout({ rate: 0.5 }), { size: 64 });
    const code = codes.concat({ a: noisy, b: noisy });
    const ones = constant(new Array<number>(64).fill(1));
    const [got] = numbers(() =>
      code.apply({ a: {}, b: {} }, { a: ones, b: ones }, { training: true, key: random.key(0) }),
    );
    expect(got!.slice(0, 64)).not.toEqual(got!.slice(64));
  });

  test('errors', () => {
    expect(() => codes.concat({})).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.concat: expected at least one part, got none]`,
    );
    expect(() => codes.concat({ none: codes.none() })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.concat: expected a part of at least 1 element, got none]`,
    );
    expect(() => codes.concat({ 'a.b': a })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.concat: expected names that are not numbers and hold no dots, got "a.b"]`,
    );
    expect(() => codes.product({ 0: a })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.product: expected names that are not numbers and hold no dots, got "0"]`,
    );
    expect(() => codes.input({ size: 2, secondMoment: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.input: expected a positive secondMoment, got 0]`,
    );
    expect(() => codes.product({ a, b: codes.input({ size: 3 }) })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.product: expected parts of one size, got a 2, b 3]`,
    );
    const code = codes.product({ a, b });
    expect(() => apply(code, { a: constant([1, 2]), c: constant([1, 2]) })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: codes.product: expected sources for a, b, got "c"]`,
    );
    expect(() => apply(code, { a: constant([1, 2]), b: constant([1]) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: codes.input "b": expected a code [2], got [1]]`,
    );
    expect(() => apply(code, undefined)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: codes.input "a": expected a code [2], got nothing]`,
    );
  });
});

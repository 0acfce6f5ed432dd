import { describe, expect, test } from 'vitest';
import { compileFunction } from '../../engine/index.ts';
import { ortEngine } from '../../engine/ort/index.ts';
import { evaluate } from '../../engine/reference/index.ts';
import { initTree } from '../../nn/index.ts';
import {
  add,
  constant,
  gather,
  grad,
  mean,
  type NdArray,
  ndarray,
  random,
  square,
  stack,
  sum,
  type Tensor,
  trace,
  tree,
  vmap,
} from '../../tensor/index.ts';
import { setEncoder } from './index.ts';

const run = (f: () => unknown): number[][] => evaluate(trace(f).program, []).map(({ data }) => [...data]);
const closeTo = (a: readonly number[], b: readonly number[], digits = 10) => {
  expect(a.length).toBe(b.length);
  for (const [i, x] of a.entries()) expect(x).toBeCloseTo(b[i]!, digits);
};

const pools = [
  { name: 'mean', code: setEncoder({ in: 2, hidden: [16, 12], size: 5 }) },
  { name: 'sum', code: setEncoder({ in: 2, hidden: [16], size: 5, after: [9], pool: 'sum', count: 4 }) },
];
const rows = [
  [1, 2],
  [-0.5, 3],
  [0.25, -1],
  [4, 0.5],
];
const set = (points: readonly (readonly number[])[], mask?: readonly (number | boolean)[], dtype?: 'bool') => ({
  points: ndarray(points),
  ...(mask && { mask: ndarray(mask, [mask.length], dtype) }),
});

describe.each(pools)('$name pooling', ({ code }) => {
  // Biases away from 0, so that masked points would be seen if anything of them were pooled.
  const params = () => tree.map((w: Tensor) => add(w, 0.1), initTree(code.spec, random.key(0))) as never;
  const apply = (source: { readonly points: NdArray; readonly mask?: NdArray }) =>
    run(() => code.apply(params(), tree.map((a: NdArray) => constant(a), source) as never))[0]!;

  test('the order of points does not matter', () => {
    const reference = apply(set(rows, [1, 1, 0, 1]));
    closeTo(apply(set([rows[3]!, rows[2]!, rows[0]!, rows[1]!], [1, 0, 1, 1])), reference);
  });

  test('masked points have no influence, down to the bit, whatever they hold', async () => {
    const engine = ortEngine({ threads: 1, spinning: false });
    const f = (points: Tensor, mask: Tensor) => {
      const loss = (p: never) => sum(square(code.apply(p, { points, mask })));
      return [code.apply(params(), { points, mask }), ...tree.leaves<Tensor>(grad(loss)(params()))];
    };
    const specs = [
      { dtype: 'float32', shape: [4, 2] },
      { dtype: 'bool', shape: [4] },
    ] as const;
    const compiled = await compileFunction(engine, f, ...specs);
    const mask = ndarray([true, true, false, false]);
    const [kept, ...others] = await Promise.all(
      [
        [0, 0],
        [1e6, -3],
        [Number.NaN, Number.POSITIVE_INFINITY],
      ].map((odd) => compiled(ndarray([rows[0]!, rows[1]!, odd, [odd[1]!, odd[0]!]]), mask)),
    );
    for (const other of others) expect(other).toEqual(kept);
    expect(kept!.every(({ data }) => data.every((x) => Number.isFinite(x)))).toBe(true);
    await engine.dispose();
  });

  test('a masked set is the set without the masked points, and a mask of ones is none', () => {
    closeTo(apply(set(rows, [1, 0, 1, 0])), apply(set([rows[0]!, rows[2]!])));
    closeTo(apply(set(rows, [1, 1, 1, 1])), apply(set(rows)));
  });

  test('a mask may be bools or numbers', () => {
    const asBool = apply(set(rows, [true, false, true, true], 'bool'));
    expect(apply(set(rows, [1, 0, 1, 1]))).toEqual(asBool);
    // What is not 0 counts once.
    expect(apply(set(rows, [0.5, 0, 2, -1]))).toEqual(asBool);
  });

  test('an empty set has a code: that of nothing pooled', () => {
    const empty = apply(set(rows, [0, 0, 0, 0]));
    expect(empty.every(Number.isFinite)).toBe(true);
    expect(apply(set([[9, 9]], [0]))).toEqual(empty);
    expect(run(() => code.apply(params(), { points: constant(ndarray(new Float32Array(0), [0, 2])) }))[0]).toEqual(
      empty,
    );
  });

  test('sets of different sizes share a batch through their masks', () => {
    const masks = [
      [1, 1, 1, 1],
      [1, 0, 0, 0],
      [0, 0, 0, 0],
    ];
    const points = constant(ndarray(rows));
    const [batch] = run(() => vmap((mask: Tensor) => code.apply(params(), { points, mask }))(constant(ndarray(masks))));
    for (const [i, mask] of masks.entries()) closeTo(batch!.slice(5 * i, 5 * i + 5), apply(set(rows, mask)));
  });
});

test('a mean does not tell the number of points, a sum does', () => {
  const twice = (code: (typeof pools)[number]['code']) =>
    run(() => {
      const points = constant(ndarray(rows));
      const both = gather(points, constant([0, 1, 2, 3, 0, 1, 2, 3], 'int32'));
      const params = initTree(code.spec, random.key(0));
      return [code.apply(params, { points }), code.apply(params, { points: both })];
    });
  const [mean1, mean2] = twice(pools[0]!.code);
  closeTo(mean1!, mean2!);
  const [sum1, sum2] = twice(pools[1]!.code);
  for (const [i, x] of sum1!.entries()) expect(sum2![i]).toBeCloseTo(2 * x, 10);
});

test('the second moment at init is between 0.56 and 1.78 for any number of points', () => {
  const measured = [1, 4, 32].flatMap((n) =>
    [[64], [32, 32]].map((hidden) => {
      const code = setEncoder({ in: 2, hidden, size: 8 });
      const of = (key: Tensor) => {
        const [a, b] = random.split(key) as [Tensor, Tensor];
        return mean(square(code.apply(initTree(code.spec, a), { points: random.normal(b, [n, 2]) })));
      };
      return run(() => mean(vmap(of)(stack(random.split(random.key(1), 150)))))[0]![0]!;
    }),
  );
  // A tenth more for 150 keys.
  expect(Math.min(...measured)).toBeGreaterThan(0.5);
  expect(Math.max(...measured)).toBeLessThan(1.95);
  // One point against many: the pooled part is as far below 1 as a single one is above.
  expect(measured[0]! / measured[4]!).toBeGreaterThan(2);
});

test('errors', () => {
  const make = (options: object) => () => setEncoder({ in: 2, hidden: [4], size: 3, ...options });
  expect(make({ hidden: [] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: codes.setEncoder: expected at least one hidden layer, got none]`,
  );
  expect(make({ hidden: [0] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: codes.setEncoder: expected a width of at least 1, got 0]`,
  );
  expect(make({ in: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: codes.setEncoder: expected a number of inputs of at least 1, got 0]`,
  );
  expect(make({ size: 1.5 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: codes.setEncoder: expected a size of at least 1, got 1.5]`,
  );
  expect(make({ pool: 'max' })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: codes.setEncoder: expected pool mean or sum, got max]`,
  );
  expect(make({ pool: 'sum' })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: codes.setEncoder: expected a positive count with pool 'sum', got none]`,
  );
  expect(make({ pointMoment: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: codes.setEncoder: expected a positive pointMoment, got 0]`,
  );
  const code = setEncoder({ in: 2, hidden: [4], size: 3 });
  const apply = (source: unknown) => () => code.apply(initTree(code.spec, random.key(0)), source as never);
  expect(apply(undefined)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: codes.setEncoder: expected points [n, 2], got nothing]`,
  );
  expect(apply({ points: constant([1, 2]) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: codes.setEncoder: expected points [n, 2], got [2]]`,
  );
  expect(apply({ points: constant(ndarray([[1, 2, 3]])) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: codes.setEncoder: expected points [n, 2], got [1, 3]]`,
  );
  expect(apply({ points: constant(ndarray([[1, 2]])), mask: constant([1, 1]) })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: codes.setEncoder: expected a mask [1], got [2]]`,
  );
});

import { expect, it } from 'vitest';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { f64, i32, numbers, run1 } from '../testing.ts';
import { vmap } from '../vmap.ts';
import { mul } from './arithmetic.ts';
import { gather, iota, oneHot, scatterAdd } from './gather.ts';
import { sum } from './reduce.ts';

const m = f64([
  [1, 2, 3],
  [4, 5, 6],
]);

it('takes rows of any axis by indices of any shape', () => {
  expect(run1((x, i) => gather(x, i), m, i32([1, 0, 1]))).toEqual([4, 5, 6, 1, 2, 3, 4, 5, 6]);
  expect(run1((x, i) => gather(x, i, -1), m, i32([2, 0]))).toEqual([3, 1, 6, 4]);
  expect(run1((x, i) => gather(x, i, 1), m, i32(1))).toEqual([2, 5]);
  expect(run1((x, i) => gather(x, i), m, i32([], [0]))).toEqual([]);
  const x = placeholder({ dtype: 'float32', shape: [2, 3, 4] });
  expect(gather(x, placeholder({ dtype: 'int32', shape: [5, 6] }), 1).shape).toEqual([2, 5, 6, 4]);
});

it('scatters what gather takes, adding up equal indices', () => {
  expect(run1((b, i, u) => scatterAdd(b, i, u), f64([1, 1, 1]), i32([2, 0, 2]), f64([10, 20, 30]))).toEqual([
    21, 1, 41,
  ]);
  expect(
    run1(
      (b, i, u) => scatterAdd(b, i, u, 1),
      m,
      i32([0, 0]),
      f64([
        [1, 2],
        [3, 4],
      ]),
    ),
  ).toEqual([4, 2, 3, 11, 5, 6]);
  const slope = (x: Tensor, i: Tensor) => grad((y: Tensor) => sum(gather(y, i)))(x);
  expect(run1(slope, f64([7, 7, 7]), i32([2, 0, 2]))).toEqual([1, 0, 2]);
  const both = (u: Tensor, i: Tensor) =>
    grad((v: Tensor) => {
      const s = scatterAdd(v, i, v);
      return sum(mul(s, s));
    })(u);
  // s = [u0 + u1, u1 + u0]: each derivative is 4 (u0 + u1).
  expect(run1(both, f64([1, 2]), i32([1, 0]))).toEqual([12, 12]);
});

it.each([[[0, 0]], [[0, null]], [[null, 0]]])('is vectorised over %j as a loop would be', (axes) => {
  for (const axis of [0, 1]) {
    const table = numbers(axes[0] === null ? [3, 4] : [2, 3, 4]);
    const rows =
      axes[1] === null
        ? i32([
            [2, 0],
            [1, 1],
          ])
        : i32([
            [
              [2, 0],
              [1, 1],
            ],
            [
              [0, 0],
              [1, 2],
            ],
          ]);
    const whole = run1((x, i) => vmap((a: Tensor, b: Tensor) => gather(a, b, axis), { in: axes })(x, i), table, rows);
    const part = (a: typeof table, mapped: boolean, n: number) => ({
      ...a,
      ...(mapped && {
        shape: a.shape.slice(1),
        data: a.data.slice(n * (a.data.length / 2), (n + 1) * (a.data.length / 2)),
      }),
    });
    const looped = [0, 1].flatMap((n) =>
      run1((x, i) => gather(x, i, axis), part(table, axes[0] === 0, n), part(rows, axes[1] === 0, n)),
    );
    expect(whole).toEqual(looped);
  }
});

it('counts and marks', () => {
  expect(run1(() => iota(3))).toEqual([0, 1, 2]);
  expect(run1(() => iota(0, 'float32'))).toEqual([]);
  expect(run1((i) => oneHot(i, 3), i32([2, 0, 5]))).toEqual([0, 0, 1, 1, 0, 0, 0, 0, 0]);
  expect(oneHot(placeholder({ dtype: 'int32', shape: [] }), 3, 'bool').dtype).toBe('bool');
});

it('refuses what does not fit', () => {
  const x = placeholder({ dtype: 'float32', shape: [2, 3] });
  const rows = placeholder({ dtype: 'int32', shape: [4] });
  const updates = placeholder({ dtype: 'float32', shape: [4, 3] });
  expect(() => gather(x, x)).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: gather: expected int32 indices, got float32]`,
  );
  expect(() => gather(x, rows, 2)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: gather: expected an axis from -2 to 1 for shape [2, 3], got 2]`,
  );
  expect(() => scatterAdd(x, x, updates)).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: scatterAdd: expected int32 indices, got float32]`,
  );
  expect(() => scatterAdd(x, rows, x)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: scatterAdd: expected updates [4, 3], got [2, 3]]`,
  );
  expect(() =>
    scatterAdd(x, rows, placeholder({ dtype: 'float64', shape: [4, 3] })),
  ).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: scatterAdd: expected one element type, got float32 and float64; use cast]`,
  );
  expect(() => oneHot(x, 3)).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: oneHot: expected int32 indices, got float32]`,
  );
  expect(() => iota(-1)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: iota: expected a whole size, not negative, got -1]`,
  );
  expect(() => iota(2, 'bool')).toThrowErrorMatchingInlineSnapshot(`[DTypeError: iota: expected numbers, got bool]`);
  expect(() => run1((v, i) => gather(v, i), m, i32([2]))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: gather: expected indices from 0 to 1, got 2]`,
  );
});

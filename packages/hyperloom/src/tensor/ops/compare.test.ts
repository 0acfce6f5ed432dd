import { expect, it } from 'vitest';
import { ndarray } from '../array.ts';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { f64, i32, run, run1 } from '../testing.ts';
import { mul } from './arithmetic.ts';
import * as compare from './compare.ts';
import { sum } from './reduce.ts';

const slope = (f: (x: Tensor) => Tensor) => (x: Tensor) => grad((y: Tensor) => sum(f(y)))(x);

it('compares', () => {
  const [a, b] = [f64([1, 2, 3]), f64([2, 2, 2])];
  expect(run1(compare.equal, a, b)).toEqual([0, 1, 0]);
  expect(run1(compare.notEqual, a, b)).toEqual([1, 0, 1]);
  expect(run1(compare.less, a, b)).toEqual([1, 0, 0]);
  expect(run1(compare.lessEqual, a, b)).toEqual([1, 1, 0]);
  expect(run1(compare.greater, a, b)).toEqual([0, 0, 1]);
  expect(run1(compare.greaterEqual, a, b)).toEqual([0, 1, 1]);
});

it('reasons with bools', () => {
  const a = ndarray([true, true, false, false]);
  const b = ndarray([true, false, true, false]);
  expect(run1(compare.and, a, b)).toEqual([1, 0, 0, 0]);
  expect(run1(compare.or, a, b)).toEqual([1, 1, 1, 0]);
  expect(run1(compare.not, b)).toEqual([0, 1, 0, 1]);
});

it('chooses, and keeps the gradient of the untaken branch away', () => {
  const x = f64([-1, 2]);
  expect(run1((v) => compare.where(compare.less(v, 0), 5, v), x)).toEqual([5, 2]);
  expect(
    run1(
      slope((v) => compare.where(compare.less(v, 0), 5, mul(v, 3))),
      x,
    ),
  ).toEqual([0, 3]);
});

it('shares the gradient of a tie', () => {
  const both = (f: typeof compare.maximum) =>
    run(
      (a, b) => {
        const { p, q } = grad((at: { p: Tensor; q: Tensor }) => sum(f(at.p, at.q)))({ p: a as Tensor, q: b as Tensor });
        return [p, q];
      },
      f64([1, 2, 3]),
      f64([2, 2, 2]),
    );
  expect(both(compare.maximum)).toEqual([
    [0, 0.5, 1],
    [1, 0.5, 0],
  ]);
  expect(both(compare.minimum)).toEqual([
    [1, 0.5, 0],
    [0, 0.5, 1],
  ]);
});

it('hands NaN on', () => {
  const [x, y] = [f64([Number.NaN, 1]), f64([1, Number.NaN])];
  expect(run1(compare.maximum, x, y)).toEqual([Number.NaN, Number.NaN]);
  expect(run1(compare.minimum, x, y)).toEqual([Number.NaN, Number.NaN]);
  expect(run1(compare.relu, x)).toEqual([Number.NaN, 1]);
  expect(run1((v) => compare.clip(v, -1, 0), x)).toEqual([Number.NaN, 0]);
});

it('bends at zero as documented', () => {
  const x = f64([-2, 0, 2]);
  expect(run1(compare.relu, x)).toEqual([0, 0, 2]);
  expect(run1(slope(compare.relu), x)).toEqual([0, 0, 1]);
  expect(run1(slope(compare.abs), x)).toEqual([-1, 0, 1]);
  expect(
    run1(
      slope((v) => compare.clip(v, -2, 1)),
      x,
    ),
  ).toEqual([1, 1, 0]);
  expect(run1(compare.sign, i32([-3, 0, 3]))).toEqual([-1, 0, 1]);
});

it('refuses what does not fit', () => {
  const x = placeholder({ dtype: 'float32', shape: [2] });
  expect(() => compare.where(x, x, x)).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: where: expected a bool condition, got float32]`,
  );
  expect(() => compare.not(x)).toThrowErrorMatchingInlineSnapshot(`[DTypeError: not: expected bools, got float32]`);
  expect(() => compare.and(x, x)).toThrowErrorMatchingInlineSnapshot(`[DTypeError: and: expected bools, got float32]`);
  expect(() => compare.clip(x, 1, 0)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: clip: expected low at most high, got 1 and 0]`,
  );
  expect(() => compare.less(x, placeholder({ dtype: 'int32', shape: [2] }))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: less: expected one element type, got float32 and int32; use cast]`,
  );
});

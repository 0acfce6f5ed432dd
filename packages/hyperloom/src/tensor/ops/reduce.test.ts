import { expect, it } from 'vitest';
import { ndarray } from '../array.ts';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { distance, f64, i32, run1 } from '../testing.ts';
import { mul } from './arithmetic.ts';
import { argmax, argsort, centre, cumsum, max, mean, min, sum, variance } from './reduce.ts';

const m = f64([
  [1, 5, 3],
  [4, 2, 6],
]);

it('reduces one axis, several, or all', () => {
  expect(run1((x) => sum(x, { axis: 0 }), m)).toEqual([5, 7, 9]);
  expect(run1((x) => sum(x, { axis: -1 }), m)).toEqual([9, 12]);
  expect(run1((x) => sum(x), m)).toEqual([21]);
  expect(run1((x) => sum(x, { axis: [] }), m)).toEqual([1, 5, 3, 4, 2, 6]);
  expect(run1((x) => max(x, { axis: 1 }), m)).toEqual([5, 6]);
  expect(run1((x) => min(x, { axis: [0, 1] }), m)).toEqual([1]);
  expect(run1((x) => mean(x, { axis: 1 }), m)).toEqual([3, 4]);
  expect(
    distance(
      run1((x) => variance(x, { axis: 1 }), m),
      [8 / 3, 8 / 3],
    ),
  ).toBeLessThan(1e-14);
  expect(run1((x) => centre(x, { axis: 0 }), m)).toEqual([-1.5, 1.5, -1.5, 1.5, -1.5, 1.5]);
  expect(run1((x) => sum(x), f64(7))).toEqual([7]);
});

it('keeps the axes when asked', () => {
  const x = placeholder({ dtype: 'float32', shape: [2, 3, 4] });
  expect(sum(x, { axis: [0, 2], keepDims: true }).shape).toEqual([1, 3, 1]);
  expect(sum(x, { axis: [2, 0] }).shape).toEqual([3]);
  expect(variance(x, { axis: -1, keepDims: true }).shape).toEqual([2, 3, 1]);
});

it('sums nothing to 0 and wraps integers', () => {
  expect(run1((x) => sum(x, { axis: 0 }), f64([], [0, 2]))).toEqual([0, 0]);
  expect(run1((x) => sum(x), i32([2147483647, 1]))).toEqual([-2147483648]);
});

it('shares the gradient between equal maxima', () => {
  const slope = (x: Tensor) => grad((y: Tensor) => sum(max(y, { axis: 1 })))(x);
  expect(
    run1(
      slope,
      f64([
        [2, 2, 1],
        [0, 1, 3],
      ]),
    ),
  ).toEqual([0.5, 0.5, 0, 0, 0, 1]);
});

it('finds the first largest', () => {
  expect(run1((x) => argmax(x, 0), m)).toEqual([1, 0, 1]);
  expect(
    run1(
      (x) => argmax(x),
      f64([
        [1, 3, 3],
        [2, 2, 2],
      ]),
    ),
  ).toEqual([1, 0]);
  expect(argmax(placeholder({ dtype: 'float32', shape: [2, 3] }), 0).dtype).toBe('int32');
});

it('hands NaN on from extremes', () => {
  expect(run1((x) => max(x), f64([1, Number.NaN, 3]))).toEqual([Number.NaN]);
  expect(run1((x) => min(x), f64([Number.NaN, 1, 3]))).toEqual([Number.NaN]);
});

it('runs sums four ways, each with the gradient of its transpose', () => {
  const x = f64([1, 2, 3]);
  expect(run1((v) => cumsum(v), x)).toEqual([1, 3, 6]);
  expect(run1((v) => cumsum(v, 0, { exclusive: true }), x)).toEqual([0, 1, 3]);
  expect(run1((v) => cumsum(v, 0, { reverse: true }), x)).toEqual([6, 5, 3]);
  expect(run1((v) => cumsum(v, 0, { reverse: true, exclusive: true }), x)).toEqual([5, 3, 0]);
  expect(run1((v) => cumsum(v, 0), m)).toEqual([1, 5, 3, 5, 7, 9]);
  const slope = (v: Tensor, w: Tensor) => grad((u: Tensor) => sum(mul(cumsum(u, 0, { exclusive: true }), w)))(v);
  expect(run1(slope, x, f64([1, 10, 100]))).toEqual([110, 100, 0]);
});

it('sorts stably', () => {
  expect(run1(argsort, f64([3, 1, 3, -1]))).toEqual([3, 1, 0, 2]);
  expect(
    run1(
      argsort,
      i32([
        [2, 1],
        [1, 1],
      ]),
    ),
  ).toEqual([1, 0, 0, 1]);
  expect(run1(argsort, f64([], [2, 0]))).toEqual([]);
});

it('refuses what does not fit', () => {
  const x = placeholder({ dtype: 'float32', shape: [2, 0] });
  const bools = placeholder(ndarray([true, false]));
  const whole = placeholder({ dtype: 'int32', shape: [3] });
  expect(() => sum(x, { axis: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: sum: expected an axis from -2 to 1 for shape [2, 0], got 2]`,
  );
  expect(() => sum(x, { axis: [0, -2] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: sum: expected distinct axes, got [0, 0]]`,
  );
  expect(() => max(x)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: reduceMax: expected at least one element along the axis, got none]`,
  );
  expect(() => argmax(x)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: argmax: expected at least one element along the axis, got none]`,
  );
  expect(() => argmax(bools)).toThrowErrorMatchingInlineSnapshot(`[DTypeError: argmax: expected numbers, got bool]`);
  expect(() => sum(bools)).toThrowErrorMatchingInlineSnapshot(`[DTypeError: sum: expected numbers, got bool]`);
  expect(() => cumsum(bools)).toThrowErrorMatchingInlineSnapshot(`[DTypeError: cumsum: expected numbers, got bool]`);
  expect(() => mean(whole)).toThrowErrorMatchingInlineSnapshot(`[DTypeError: mean: expected floats, got int32]`);
  expect(() => argsort(placeholder({ dtype: 'float32', shape: [] }))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: argsort: expected at least one axis, got a scalar]`,
  );
});

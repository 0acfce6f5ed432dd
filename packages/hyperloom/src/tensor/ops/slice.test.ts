import fc from 'fast-check';
import { expect, it } from 'vitest';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { f64, i32, numbers, run1 } from '../testing.ts';
import { mul } from './arithmetic.ts';
import { sum } from './reduce.ts';
import { flip, pad, slice } from './slice.ts';

const aval = (...shape: number[]) => placeholder({ dtype: 'float32', shape });
const m = f64([
  [1, 2, 3],
  [4, 5, 6],
]);

it('takes ranges, from the back too, and steps that do not divide', () => {
  expect(run1((x) => slice(x, [[1, 2]]), m)).toEqual([4, 5, 6]);
  expect(
    run1(
      (x) =>
        slice(x, [
          [0, 2],
          [-2, 3],
        ]),
      m,
    ),
  ).toEqual([2, 3, 5, 6]);
  expect(
    run1(
      (x) =>
        slice(x, [
          [0, 2],
          [0, -1],
        ]),
      m,
    ),
  ).toEqual([1, 2, 4, 5]);
  expect(run1((x) => slice(x, [[0, 8, 3]]), f64([0, 1, 2, 3, 4, 5, 6, 7]))).toEqual([0, 3, 6]);
  expect(run1((x) => slice(x, [[1, 1]]), m)).toEqual([]);
});

it('is nothing where everything is taken', () => {
  const x = aval(2, 3);
  expect(slice(x, [[0, 2]])).toBe(x);
  expect(
    pad(x, [
      [0, 0],
      [0, 0],
    ]),
  ).toBe(x);
});

it('gives each element taken its gradient and the others none', () => {
  fc.assert(
    fc.property(fc.nat(5), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 }), (start, length, step) => {
      const end = Math.min(start + length, 9);
      const data = numbers([2, 9]);
      const slope = (x: Tensor) =>
        grad((y: Tensor) => {
          const part = slice(y, [
            [0, 2, 2],
            [start, end, step],
          ]);
          return sum(mul(part, part));
        })(x);
      const expected = Array.from(data.data, (v, i) => (i >= start && i < end && (i - start) % step === 0 ? 2 * v : 0));
      expect(run1(slope, data)).toEqual(expected);
    }),
    { numRuns: 40 },
  );
});

it('pads with a value, and its gradient is what is inside', () => {
  expect(run1((x) => pad(x, [[1, 2]], 9), f64([1, 2]))).toEqual([9, 1, 2, 9, 9]);
  expect(
    run1(
      (x) =>
        pad(x, [
          [0, 1],
          [1, 0],
        ]),
      i32([[1, 2]]),
    ),
  ).toEqual([0, 1, 2, 0, 0, 0]);
  expect(run1((x) => pad(x, [[1, 1]], Number.NEGATIVE_INFINITY), f64([], [0]))).toEqual([-Infinity, -Infinity]);
  const slope = (x: Tensor, w: Tensor) => grad((y: Tensor) => sum(mul(pad(y, [[1, 1]], 9), w)))(x);
  expect(run1(slope, f64([1, 2]), f64([3, 4, 5, 6]))).toEqual([4, 5]);
});

it('flips one axis or all', () => {
  expect(run1((x) => flip(x), m)).toEqual([6, 5, 4, 3, 2, 1]);
  expect(run1((x) => flip(x, -1), m)).toEqual([3, 2, 1, 6, 5, 4]);
  expect(run1((x) => flip(x), f64([], [0]))).toEqual([]);
  const slope = (x: Tensor, w: Tensor) => grad((y: Tensor) => sum(mul(flip(y), w)))(x);
  expect(run1(slope, f64([1, 2]), f64([3, 4]))).toEqual([4, 3]);
});

it('refuses what leaves the tensor', () => {
  expect(() => slice(aval(3), [[0, 4]])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: slice: expected ranges inside [3], got [0] to [4] by [1]]`,
  );
  expect(() => slice(aval(3), [[2, 1]])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: slice: expected ranges inside [3], got [2] to [1] by [1]]`,
  );
  expect(() => slice(aval(3), [[0, 3, 0]])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: slice: expected ranges inside [3], got [0] to [3] by [0]]`,
  );
  expect(() =>
    slice(aval(3), [
      [0, 1],
      [0, 1],
    ]),
  ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: slice: expected at most 1 ranges for [3], got 2]`);
  expect(() => pad(aval(3), [])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: pad: expected whole amounts before and after each of 1 axes, got [] and []]`,
  );
  expect(() => pad(aval(3), [[-1, 0]])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: pad: expected whole amounts before and after each of 1 axes, got [-1] and [0]]`,
  );
  expect(() => flip(aval(3), 1)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: flip: expected an axis from -1 to 0 for shape [3], got 1]`,
  );
});

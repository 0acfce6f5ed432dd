import { expect, it } from 'vitest';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { f64, run, run1 } from '../testing.ts';
import { mul } from './arithmetic.ts';
import { concat, split, stack } from './join.ts';
import { sum } from './reduce.ts';

const aval = (...shape: number[]) => placeholder({ dtype: 'float32', shape });

it('joins along any axis, empty parts too', () => {
  const [a, b] = [
    f64([
      [1, 2],
      [3, 4],
    ]),
    f64([[5], [6]]),
  ];
  expect(run1((x, y) => concat([x, y], 1), a, b)).toEqual([1, 2, 5, 3, 4, 6]);
  expect(run1((x, y) => concat([x, y], -1), a, b)).toEqual([1, 2, 5, 3, 4, 6]);
  expect(run1((x, y) => concat([y, x]), a, f64([], [0, 2]))).toEqual([1, 2, 3, 4]);
});

it('stacks along a new axis', () => {
  const [a, b] = [f64([1, 2]), f64([3, 4])];
  expect(run1((x, y) => stack([x, y]), a, b)).toEqual([1, 2, 3, 4]);
  expect(run1((x, y) => stack([x, y], -1), a, b)).toEqual([1, 3, 2, 4]);
  expect(stack([aval(), aval()]).shape).toEqual([2]);
  expect(stack([aval(2, 3)], 1).shape).toEqual([2, 1, 3]);
});

it('splits, and gives zeros where a part is unused', () => {
  const m = f64([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(run((x) => split(x, [1, 2], 1), m)).toEqual([
    [1, 4],
    [2, 3, 5, 6],
  ]);
  expect(run((x) => split(x, [2, 0]), m)).toEqual([[1, 2, 3, 4, 5, 6], []]);
  const slope = (x: Tensor) => grad((y: Tensor) => sum(mul(split(y, [1, 2], 1)[0] as Tensor, 5)))(x);
  expect(run1(slope, m)).toEqual([5, 0, 0, 5, 0, 0]);
});

it('refuses what does not fit', () => {
  expect(() => concat([])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: concat: expected at least one tensor, got none]`,
  );
  expect(() => concat([aval(2, 2), aval(2)], 1)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: concat: expected shapes equal but for axis 1, got [2, 2] and [2]]`,
  );
  expect(() => concat([aval(2, 2), aval(3, 3)], 1)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: concat: expected shapes equal but for axis 1, got [2, 2] and [3, 3]]`,
  );
  expect(() => concat([aval(2), placeholder({ dtype: 'int32', shape: [2] })])).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: concat: expected one element type, got float32 and int32; use cast]`,
  );
  expect(() => stack([aval(2), aval(3)])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: stack: expected tensors of one shape, got [2] and [3]]`,
  );
  expect(() => stack([])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: stack: expected at least one tensor, got none]`,
  );
  expect(() => split(aval(3), [1, 1])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: split: expected sizes that add up to 3, got [1, 1]]`,
  );
  expect(() => split(aval(3), [5, -2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: split: expected sizes that add up to 3, got [5, -2]]`,
  );
});

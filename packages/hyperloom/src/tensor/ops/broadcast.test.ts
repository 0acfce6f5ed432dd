import { expect, it } from 'vitest';
import { ndarray } from '../array.ts';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { f64, numbers, run1 } from '../testing.ts';
import { mul } from './arithmetic.ts';
import { broadcastTo, reshape, sumTo } from './broadcast.ts';
import { sum } from './reduce.ts';

const x = placeholder({ dtype: 'float32', shape: [2, 3] });

it('reshapes, with one size left open', () => {
  expect(reshape(x, [3, -1]).shape).toEqual([3, 2]);
  expect(reshape(x, [-1]).shape).toEqual([6]);
  expect(
    run1(
      (v) => reshape(v, [4]),
      f64([
        [1, 2],
        [3, 4],
      ]),
    ),
  ).toEqual([1, 2, 3, 4]);
  expect(reshape(placeholder({ dtype: 'float32', shape: [1] }), []).shape).toEqual([]);
});

it('makes one reshape of two, and none of a detour', () => {
  const twice = reshape(reshape(x, [6]), [3, 2]);
  expect(twice.node.inputs[0]).toBe(x);
  expect(reshape(reshape(x, [6]), [2, 3])).toBe(x);
  expect(reshape(x, [2, 3])).toBe(x);
  const weights = numbers([3, 2]);
  const slope = run1(
    (v, w) => grad((y: Tensor) => sum(mul(reshape(reshape(y, [6]), [3, 2]), w)))(v),
    numbers([2, 3]),
    weights,
  );
  expect(slope).toEqual(Array.from(weights.data));
});

it('broadcasts new and single axes, and sums them back', () => {
  expect(run1((v) => broadcastTo(v, [2, 2, 2]), f64([[1], [2]]))).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
  expect(
    run1(
      (v) => sumTo(v, [2, 1]),
      f64([
        [1, 2],
        [3, 4],
      ]),
    ),
  ).toEqual([3, 7]);
  expect(
    run1(
      (v) => sumTo(v, []),
      f64([
        [1, 2],
        [3, 4],
      ]),
    ),
  ).toEqual([10]);
  expect(run1((v) => broadcastTo(v, [0, 2]), f64([1, 2]))).toEqual([]);
  expect(run1((v) => grad((y: Tensor) => sum(broadcastTo(y, [5, 2])))(v), f64([1, 2]))).toEqual([5, 5]);
});

it('refuses shapes that do not fit', () => {
  expect(() => reshape(x, [4])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: reshape: expected a shape of 6 elements for [2, 3], got [4]]`,
  );
  expect(() => reshape(x, [4, -1])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: reshape: expected a shape that 6 elements of [2, 3] fill, got [4, -1]]`,
  );
  expect(() => reshape(x, [-1, -1])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: reshape: expected a shape that 6 elements of [2, 3] fill, got [-1, -1]]`,
  );
  expect(() => reshape(x, [-2, -3])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: reshape: expected a shape of 6 elements for [2, 3], got [-2, -3]]`,
  );
  expect(() => reshape(x, [0, -1])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: reshape: expected a shape that 6 elements of [2, 3] fill, got [0, -1]]`,
  );
  expect(() => broadcastTo(x, [3, 3])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: broadcastTo: expected a shape that [2, 3] stretches to, got [3, 3]]`,
  );
  expect(() => broadcastTo(x, [3])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: broadcastTo: expected a shape that [2, 3] stretches to, got [3]]`,
  );
  expect(() => sum(reshape(placeholder(ndarray([true])), []))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: sum: expected numbers, got bool]`,
  );
});

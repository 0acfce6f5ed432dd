import { expect, it } from 'vitest';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { f64, numbers, run1 } from '../testing.ts';
import { mul } from './arithmetic.ts';
import { sum } from './reduce.ts';
import { moveAxis, transpose, transposeMatrix } from './transpose.ts';

const aval = (...shape: number[]) => placeholder({ dtype: 'float64', shape });

it('reverses the axes, or orders them as told', () => {
  const m = f64([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(run1((x) => transpose(x), m)).toEqual([1, 4, 2, 5, 3, 6]);
  expect(transpose(aval(2, 3, 4), [1, 2, 0]).shape).toEqual([3, 4, 2]);
  expect(transposeMatrix(aval(2, 3, 4)).shape).toEqual([2, 4, 3]);
  expect(moveAxis(aval(2, 3, 4), 0, -1).shape).toEqual([3, 4, 2]);
  expect(moveAxis(aval(2, 3, 4), -1, 0).shape).toEqual([4, 2, 3]);
  expect(
    run1(
      (x) => transpose(x, [2, 0, 1]),
      f64([
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      ]),
    ),
  ).toEqual([1, 3, 5, 2, 4, 6]);
});

it('makes one transpose of two, and none of a detour', () => {
  const x = aval(2, 3, 4);
  const twice = transpose(transpose(x, [1, 2, 0]), [2, 1, 0]);
  expect(twice.node.inputs[0]).toBe(x);
  expect(twice.shape).toEqual([2, 4, 3]);
  expect(transpose(transpose(x, [1, 2, 0]), [2, 0, 1])).toBe(x);
  const composed = (v: Tensor) => transpose(transpose(v, [1, 2, 0]), [2, 1, 0]);
  const data = numbers([2, 3, 4]);
  expect(run1(composed, data)).toEqual(run1((v) => transpose(v, [0, 2, 1]), data));
});

it('is a reshape where only axes of size 1 move, with the same values and gradients', () => {
  const y = transpose(aval(2, 1, 3), [1, 0, 2]);
  expect(y.node.op.name).toBe('reshape');
  expect(y.shape).toEqual([1, 2, 3]);
  const weights = numbers([3, 1, 2], 5);
  const slope = run1(
    (v, w) => grad((u: Tensor) => sum(mul(transpose(u, [1, 2, 0]), w)))(v),
    numbers([2, 3, 1]),
    weights,
  );
  const at = (i: number, j: number) => weights.data[j * 2 + i];
  expect(slope).toEqual([at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1), at(1, 2)]);
});

it('refuses what is no permutation', () => {
  const x = aval(2, 3);
  expect(() => transpose(x, [0])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: transpose: expected a permutation of 2 axes, got [0]]`,
  );
  expect(() => transpose(x, [0, 0])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: transpose: expected a permutation of 2 axes, got [0, 0]]`,
  );
  expect(() => transpose(aval(2), [-1])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: transpose: expected a permutation of 1 axes, got [-1]]`,
  );
  expect(() => moveAxis(x, 2, 0)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: moveAxis: expected an axis from -2 to 1 for shape [2, 3], got 2]`,
  );
});

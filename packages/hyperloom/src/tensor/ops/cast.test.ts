import { expect, it } from 'vitest';
import { ndarray } from '../array.ts';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { f64, i32, run1 } from '../testing.ts';
import { mul } from './arithmetic.ts';
import { cast, identity, shiftRight, stopGradient } from './cast.ts';
import { sum } from './reduce.ts';

it('truncates towards zero, wraps, and tests against 0', () => {
  expect(run1((x) => cast(x, 'int32'), f64([-1.7, 1.7]))).toEqual([-1, 1]);
  expect(run1((x) => cast(x, 'uint32'), i32([-1]))).toEqual([4294967295]);
  expect(run1((x) => cast(x, 'bool'), f64([0, 0.5, -2]))).toEqual([0, 1, 1]);
  expect(run1((x) => cast(x, 'float64'), ndarray([true, false]))).toEqual([1, 0]);
});

it('is nothing between equal types', () => {
  const x = placeholder({ dtype: 'int32', shape: [2] });
  expect(cast(x, 'int32')).toBe(x);
});

it('lets gradients through between floats and stops them at integers', () => {
  const through = (dtype: 'float32' | 'int32') => (x: Tensor) =>
    grad((y: Tensor) => sum(mul(cast(cast(y, dtype), 'float64'), 3)))(x);
  expect(run1(through('float32'), f64([1.5]))).toEqual([3]);
  expect(run1(through('int32'), f64([1.5]))).toEqual([0]);
});

it('names and stops', () => {
  expect(run1((x) => grad((y: Tensor) => mul(identity(y), stopGradient(y)))(x), f64(3))).toEqual([3]);
});

it('shifts words', () => {
  expect(run1((x) => shiftRight(x, 8), ndarray(new Uint32Array([0xffffffff, 255])))).toEqual([0xffffff, 0]);
  const word = placeholder({ dtype: 'uint32', shape: [] });
  expect(() => shiftRight(word, 32)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: shiftRight: expected whole bits from 0 to 31, got 32]`,
  );
  expect(() => shiftRight(cast(word, 'int32'), 1)).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: shiftRight: expected uint32, got int32]`,
  );
});

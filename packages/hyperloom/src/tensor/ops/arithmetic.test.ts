import { expect, it } from 'vitest';
import { ndarray } from '../array.ts';
import { named } from '../scope.ts';
import { constant, placeholder } from '../tensor.ts';
import { f64, i32, run1 } from '../testing.ts';
import { add, div, mul, neg, square, sub } from './arithmetic.ts';

it('broadcasts by the rules of NumPy', () => {
  const column = f64([[1], [2]]);
  const row = f64([10, 20, 30]);
  expect(run1(add, column, row)).toEqual([11, 21, 31, 12, 22, 32]);
  expect(run1(sub, row, column)).toEqual([9, 19, 29, 8, 18, 28]);
  expect(run1(mul, f64(3), row)).toEqual([30, 60, 90]);
  expect(run1(add, f64([], [0, 3]), row)).toEqual([]);
});

it('takes numbers on either side, in the type of the tensor', () => {
  expect(run1((x) => sub(1, x), f64([3]))).toEqual([-2]);
  expect(run1((x) => div(1, x), f64([4]))).toEqual([0.25]);
  expect(add(placeholder({ dtype: 'float64', shape: [2] }), 0.1).dtype).toBe('float64');
  expect(square(placeholder({ dtype: 'int32', shape: [2] })).dtype).toBe('int32');
});

it('wraps integers', () => {
  expect(run1(add, i32([2147483647]), i32([1]))).toEqual([-2147483648]);
  expect(run1(mul, i32([65537]), i32([65537]))).toEqual([131073]);
  const u32 = (x: number) => ndarray(new Uint32Array([x]));
  expect(run1(add, u32(4294967295), u32(2))).toEqual([1]);
  expect(run1(mul, u32(4294967295), u32(4294967295))).toEqual([1]);
  expect(run1(sub, u32(0), u32(1))).toEqual([4294967295]);
  expect(run1(neg, u32(1))).toEqual([4294967295]);
});

it('divides integers towards zero', () => {
  expect(run1(div, i32([7, -7, 7]), i32([2, 2, -2]))).toEqual([3, -3, -3]);
});

it('names the operation and the layer in its errors', () => {
  const x = placeholder({ dtype: 'float32', shape: [2, 3] });
  expect(() => add(x, placeholder({ dtype: 'float32', shape: [2] }))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: add: expected shapes that broadcast, got [2, 3] and [2]]`,
  );
  expect(() => named('head.out', () => mul(x, constant([1, 2])))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: mul "head.out": expected shapes that broadcast, got [2, 3] and [2]]`,
  );
  expect(() => add(x, placeholder({ dtype: 'int32', shape: [] }))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: add: expected one element type, got float32 and int32; use cast]`,
  );
  expect(() => mul(placeholder({ dtype: 'int32', shape: [] }), 0.5)).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: mul: expected a whole number to combine with int32, got 0.5]`,
  );
  expect(() => neg(placeholder({ dtype: 'bool', shape: [] }))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: neg: expected numbers, got bool]`,
  );
});

import { expect, it } from 'vitest';
import { ndarray, zerosArray } from './array.ts';
import { byteSize, isFloat } from './dtype.ts';

it('takes its shape from the nesting', () => {
  expect(
    ndarray([
      [1, 2],
      [3, 4],
    ]),
  ).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
  expect(ndarray(5, undefined, 'int32')).toEqual({ dtype: 'int32', shape: [], data: Int32Array.of(5) });
  expect(ndarray([])).toEqual({ dtype: 'float32', shape: [0], data: new Float32Array(0) });
  expect(ndarray([1, 2, 3, 4], [2, 2]).shape).toEqual([2, 2]);
});

it('takes its type from what it is given', () => {
  expect(ndarray([true, false])).toEqual({ dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) });
  expect(ndarray([2, 0], undefined, 'bool').data).toEqual(Uint8Array.of(1, 0));
  expect(ndarray([true, 2]).dtype).toBe('float32');
  expect(ndarray(Int32Array.of(1)).dtype).toBe('int32');
  expect(ndarray(Uint32Array.of(1)).dtype).toBe('uint32');
  expect(ndarray(Float64Array.of(1)).dtype).toBe('float64');
  expect(ndarray(Uint8Array.of(1)).dtype).toBe('bool');
});

it('does not copy a typed array', () => {
  const data = Float32Array.of(1, 2);
  expect(ndarray(data).data).toBe(data);
});

it('makes zeros, and knows its types', () => {
  expect(zerosArray('uint32', [2, 0]).data).toEqual(new Uint32Array(0));
  expect(zerosArray('bool', []).data).toEqual(new Uint8Array(1));
  expect([byteSize('float64'), byteSize('bool')]).toEqual([8, 1]);
  expect([isFloat('float64'), isFloat('uint32')]).toEqual([true, false]);
});

it('refuses what does not fit', () => {
  expect(() => ndarray([[1, 2], [3]])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: ndarray: expected rows of 2 elements at depth 1, got 1]`,
  );
  expect(() => ndarray([[1], 2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: ndarray: expected numbers at depth 2, got one at depth 1]`,
  );
  expect(() => ndarray([1, [2]])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: ndarray: expected rows of no elements at depth 1, got 1]`,
  );
  expect(() => ndarray([1, 2, 3], [2, 2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: ndarray: expected 4 elements for shape [2, 2], got 3]`,
  );
  expect(() => ndarray([1, 2, 3, 4], [-2, -2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: ndarray: expected a shape of whole sizes, none negative, got [-2, -2]]`,
  );
  expect(() => ndarray(Float32Array.of(1), [1], 'int32')).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: ndarray: expected storage for int32, got Float32Array]`,
  );
});

it('says how large an array is that memory has no room for', () => {
  expect(() => zerosArray('float32', [2 ** 27, 2 ** 27])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: array: expected one that memory has room for, got 18014398509481984 elements of float32]`,
  );
});

import { describe, expect, it } from 'vitest';
import { ndarray } from '../tensor/index.ts';
import { classIndices, countOf, rows, scaledBytes } from './examples.ts';
import type { ByteArray } from './idx.ts';

const bytes: ByteArray = { dtype: 'uint8', shape: [3, 2], data: Uint8Array.of(0, 51, 102, 153, 204, 255) };

describe('scaledBytes', () => {
  it('shares the bytes', () => {
    expect(scaledBytes(bytes).data).toBe(bytes.data);
  });
  it('refuses a std of 0', () => {
    expect(() => scaledBytes(bytes, { std: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: scaledBytes: expected std above 0, got 0]`,
    );
  });
});

describe('classIndices', () => {
  it('gives int32 of the same shape', () => {
    const labels: ByteArray = { dtype: 'uint8', shape: [3], data: Uint8Array.of(7, 0, 9) };
    expect(classIndices(labels, 10)).toEqual(ndarray(Int32Array.of(7, 0, 9)));
    expect(() => classIndices(labels, 9)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: classIndices: expected labels below 9, got 9 at 2]`,
    );
  });
});

describe('rows', () => {
  const all = { x: scaledBytes(bytes), y: [ndarray([1, 2, 3])] };
  it('takes a range of every array, without a copy', () => {
    const part = rows(all, 1, 3);
    expect(part).toEqual({
      x: { ...all.x, shape: [2, 2], data: Uint8Array.of(102, 153, 204, 255) },
      y: [ndarray([2, 3])],
    });
    expect(part.x.data.buffer).toBe(bytes.data.buffer);
    expect(rows(all, 2, 2).y[0]?.shape).toEqual([0]);
  });
  it('refuses a range that is not there', () => {
    expect(() => rows(all, 1, 4)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: rows: expected a range within 0 to 3, got 1 to 4]`,
    );
    expect(() => rows(all, 2, 1)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: rows: expected a range within 0 to 3, got 2 to 1]`,
    );
  });
});

describe('countOf', () => {
  it('refuses arrays that do not share their first axis', () => {
    expect(() => countOf({ x: ndarray([1, 2]), y: ndarray([[1, 2]]) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: examples "y": expected 2 rows, got [1, 2]]`,
    );
    expect(() => countOf({})).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: examples: expected arrays of shape [count, ...], got none]`,
    );
    expect(() => countOf(ndarray(1))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: examples: expected arrays of shape [count, ...], got none]`,
    );
  });
});

import { describe, expect, test } from 'vitest';
import { ndarray } from '../../tensor/index.ts';
import { nearestCodes } from '../index.ts';

describe('nearest codes', () => {
  const table = ndarray([
    [1, 0],
    [10, 1],
    [0, 2],
    [0.9, 0.3],
  ]);
  const names = ['a', 'b', 'c', 'd'];

  test('cosine looks at directions, distance at places', () => {
    const of = (by: 'cosine' | 'distance') =>
      nearestCodes(table, { by, names }).map(({ neighbours }) => neighbours[0]!.name);
    expect(of('cosine')).toEqual(['b', 'a', 'd', 'b']);
    expect(of('distance')).toEqual(['d', 'a', 'd', 'a']);
    const [first] = nearestCodes(table, { count: 3, names });
    expect(first!.neighbours.map(({ name }) => name)).toEqual(['b', 'd', 'c']);
    expect(first!.neighbours[2]).toEqual({ row: 2, name: 'c', cosine: 0, distance: Math.sqrt(5) });
  });

  test('rows have numbers as names, and a row of zeros is near nothing', () => {
    const [zero, one] = nearestCodes(
      ndarray([
        [0, 0],
        [1, 1],
      ]),
    );
    expect(zero).toEqual({ name: '0', neighbours: [{ row: 1, name: '1', cosine: 0, distance: Math.SQRT2 }] });
    expect(one!.neighbours).toHaveLength(1);
  });

  test('misuse is one line', () => {
    expect(() => nearestCodes(ndarray([1, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: nearestCodes: expected a table [rows, size], got [2]]`,
    );
    expect(() => nearestCodes(table, { count: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: nearestCodes: expected a count of at least 1, got -1]`,
    );
    expect(() => nearestCodes(table, { names: ['a'] })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: nearestCodes: expected 4 names, got 1]`,
    );
  });
});

import { describe, expect, test } from 'vitest';
import { type NdArray, ndarray } from '../../tensor/index.ts';
import { projectCodes } from '../index.ts';

describe('projection', () => {
  test('finds the directions that points were laid along', () => {
    // 3 along u, 1 along v, turned into five dimensions, away from the origin.
    const [u, v] = [
      [0.6, 0, 0.8, 0, 0],
      [0, 0.8, 0, 0, -0.6],
    ];
    const places = [
      [3, 0],
      [-3, 0],
      [0, 1],
      [0, -1],
    ] as const;
    const rows = places.map(([a, b]) => u!.map((x, k) => 7 + a * x + b * v![k]!));
    const { points, explained } = projectCodes(ndarray(rows, undefined, 'float64'));
    points.forEach(([a, b], i) => {
      expect(a).toBeCloseTo(places[i]![0], 10);
      expect(b).toBeCloseTo(places[i]![1], 10);
    });
    expect(explained[0]).toBeCloseTo(0.9, 10);
    expect(explained[1]).toBeCloseTo(0.1, 10);
  });

  test('keeps distances between points that lie in a plane, whatever their number', () => {
    const table: NdArray = ndarray(
      Float64Array.from({ length: 60 }, (_, i) => Math.sin(12.9898 * i) + (i % 2)),
      [30, 2],
      'float64',
    );
    const { points } = projectCodes(table);
    const far = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!);
    for (let i = 1; i < 30; i++)
      expect(far(points[i]!, points[0]!)).toBeCloseTo(far(table.data.slice(2 * i), table.data.slice(0, 2)), 10);
  });

  test('codes of one number lie on a line, and equal ones in a point', () => {
    expect(projectCodes(ndarray([[1], [3]]))).toEqual({
      points: [
        [-1, 0],
        [1, 0],
      ],
      explained: [1, 0],
    });
    expect(
      projectCodes(
        ndarray([
          [2, 2],
          [2, 2],
        ]),
      ),
    ).toEqual({
      points: [
        [0, 0],
        [0, 0],
      ],
      explained: [0, 0],
    });
  });
});

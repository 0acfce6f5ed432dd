import { describe, expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { type NdArray, ndarray, trace } from '../tensor/index.ts';
import { chebyshev, epo, evenRays, hypervolume, linear } from './pareto.ts';

const value = (f: (...args: never[]) => unknown, ...args: NdArray[]): number =>
  evaluate(trace(f, ...args).program, args)[0]!.data[0]!;
const vector = (...v: number[]) => ndarray(Float32Array.from(v), [v.length]);
const matrix = (...rows: number[][]) => ndarray(Float32Array.from(rows.flat()), [rows.length, rows[0]!.length]);

test('linear and Chebyshev', () => {
  const [l, r] = [vector(1, 2, 3), vector(0.5, 0.3, 0.2)];
  expect(value(linear, l, r)).toBeCloseTo(1.7, 6);
  expect(value(chebyshev, l, r)).toBeCloseTo(0.6, 6);
});

describe('exact Pareto optimal search', () => {
  /** The share of the first loss: both losses are read off by giving one of them a large number. */
  const share = (l: readonly [number, number], r: readonly [number, number], g: number[][]): number => {
    // loss = 2 (t l1 + (1 - t) l2)
    const loss = value(epo, vector(...l), vector(...r), matrix(...g));
    return (loss / 2 - l[1]) / (l[0] - l[1]);
  };

  /** The same linear program by trying shares: maximise the gain of alpha within the constraints. */
  function search(l: readonly [number, number], r: readonly [number, number], g: number[][]): number {
    const dot = (a: number[], b: number[]) => a.reduce((total, v, i) => total + v * b[i]!, 0);
    const c = g.map((a) => g.map((b) => dot(a, b)));
    const rl = l.map((v, i) => v * r[i]!);
    const sum = rl[0]! + rl[1]!;
    const hat = rl.map((v) => v / sum);
    const mu = hat.reduce((total, v) => total + v * Math.log(2 * v), 0);
    const a = hat.map((v, i) => r[i]! * (Math.log(2 * v) - mu));
    const ca = c.map((row) => dot(row, a));
    const balancing = mu > 1e-4;
    const rise = ca.some((v) => v > 0);
    const bounds = ca.map((v, i) => {
      if (!balancing || !rise) return 0;
      if (rl[i] === Math.max(...rl)) return 0;
      return v > 0 ? Number.NEGATIVE_INFINITY : v;
    });
    let best = { t: Number.NaN, gain: Number.NEGATIVE_INFINITY };
    for (let i = 0; i <= 100_000; i++) {
      const t = i / 100_000;
      const alpha = [t, 1 - t];
      const moved = c.map((row) => dot(row, alpha));
      if (moved.some((v, k) => v < bounds[k]! - 1e-9)) continue;
      const gain = balancing ? dot(alpha, ca) : moved[0]! + moved[1]!;
      if (gain > best.gain) best = { t, gain };
    }
    return best.t;
  }

  test('solves the linear program of the paper', () => {
    const cases: [readonly [number, number], readonly [number, number], number[][]][] = [
      [
        [1, 2],
        [0.5, 0.5],
        [
          [1, 0],
          [0, 1],
        ],
      ],
      [
        [2, 1],
        [0.5, 0.5],
        [
          [1, 0.2],
          [0.3, 1],
        ],
      ],
      [
        [0.9, 0.2],
        [0.3, 0.7],
        [
          [1, -0.4],
          [-0.6, 0.5],
        ],
      ],
      [
        [0.3, 0.8],
        [0.8, 0.2],
        [
          [0.7, 0.4],
          [-0.9, 0.1],
        ],
      ],
      [
        [0.5, 0.25],
        [1 / 3, 2 / 3],
        [
          [1, 0.3],
          [-0.2, 0.6],
        ],
      ],
      [
        [0.4, 0.41],
        [0.5, 0.5],
        [
          [1, -0.9],
          [-1, 1.1],
        ],
      ],
    ];
    for (const one of cases) expect(share(...one)).toBeCloseTo(search(...one), 3);
  });

  test('weights the loss that lies above the ray', () => {
    expect(
      share(
        [1, 2],
        [0.5, 0.5],
        [
          [1, 0],
          [0, 1],
        ],
      ),
    ).toBeCloseTo(0, 6);
    expect(
      share(
        [2, 1],
        [0.5, 0.5],
        [
          [1, 0],
          [0, 1],
        ],
      ),
    ).toBeCloseTo(1, 6);
  });

  test('takes two losses', () => {
    expect(() =>
      value(epo, vector(1, 2, 3), vector(1, 1, 1), matrix([1], [1], [1])),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: pareto.epo: expected two losses and gradients [2, n], got [3] and [3, 1]]`,
    );
  });
});

test('hypervolume counts each area once, and nothing beyond the reference', () => {
  expect(hypervolume([[0.25, 0.5]], [1, 1])).toBeCloseTo(0.375, 12);
  expect(
    hypervolume(
      [
        [0.5, 0],
        [0, 0.5],
        [0.6, 0.6],
        [2, 0],
      ],
      [1, 1],
    ),
  ).toBeCloseTo(0.75, 12);
  expect(hypervolume([], [1, 1])).toBe(0);
  expect(() => hypervolume([[1]], [1, 1])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: pareto.hypervolume: expected points and a reference of two numbers]`,
  );
});

test('rays are even by angle and sum to 1', () => {
  const rays = evenRays(3, 0);
  expect(rays[0]).toEqual([1, expect.closeTo(0, 12)]);
  expect(rays[1]![0]).toBeCloseTo(0.5, 12);
});

import { describe, expect, it } from 'vitest';
import type { NdArray } from './array.ts';
import * as random from './random.ts';
import { constant, placeholder, type Tensor } from './tensor.ts';
import { f64, i32, run, run1 } from './testing.ts';
import { vmap } from './vmap.ts';

const draw = (f: (key: Tensor) => Tensor, seed = 0): number[] => run1(() => f(random.key(seed)));

const moments = (xs: readonly number[]) => {
  const mean = xs.reduce((t, x) => t + x, 0) / xs.length;
  return { mean, deviation: Math.sqrt(xs.reduce((t, x) => t + (x - mean) ** 2, 0) / xs.length) };
};

/** The largest distance between the distribution of a sample and one that is given (Kolmogorov and Smirnov). */
const distanceTo = (distribution: (x: number) => number, xs: readonly number[]): number =>
  [...xs]
    .sort((a, b) => a - b)
    .reduce((worst, x, i) => Math.max(worst, Math.abs(distribution(x) - (i + 0.5) / xs.length)), 0);

/** Above it a sample of n lies with probability 1 in 1,000. */
const critical = (n: number) => 1.95 / Math.sqrt(n);

/** Abramowitz and Stegun 7.1.26, to 1.5e-7: independent of the library's own error function. */
function normalDistribution(x: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const erf = 1 - tail * Math.exp((-x * x) / 2);
  return (1 + Math.sign(x) * erf) / 2;
}

describe('keys', () => {
  it('hold the two words of a seed', () => {
    expect(draw((key) => key, 5)).toEqual([0, 5]);
    expect(draw((key) => key, 2 ** 32 + 5)).toEqual([1, 5]);
    expect(draw((key) => key, 2 ** 53 - 1)).toEqual([2 ** 21 - 1, 2 ** 32 - 1]);
  });

  it('give the same bits each time, and none that another use of them gives', () => {
    const words = (f: (key: Tensor) => readonly Tensor[]) =>
      run(() => f(random.key(1))).map((key) => (key as number[]).join());
    const all = words((key) => [
      key,
      ...random.split(key, 3),
      random.foldIn(key, 0),
      random.foldIn(key, 1),
      random.foldIn(key, 2 ** 32 - 1),
      random.bits(key, [2]),
      random.bits(random.foldIn(key, 0), [2]),
      ...random.split(random.split(key)[0] as Tensor),
    ]);
    expect(new Set(all).size).toBe(all.length);
    expect(words((key) => random.split(key, 2))).toEqual(words((key) => random.split(key, 3)).slice(0, 2));
    expect(words((key) => [random.foldIn(key, 7)])).toEqual(words((key) => [random.foldIn(key, constant(7, 'int32'))]));
  });

  it('give draws that do not follow each other', () => {
    const [a, b, c] = run(() => {
      const key = random.key(3);
      return [
        random.normal(key, [2000]),
        random.normal(random.foldIn(key, 1), [2000]),
        random.normal(random.split(key)[0] as Tensor, [2000]),
      ];
    }) as [number[], number[], number[]];
    const correlation = (x: number[], y: number[]) => x.reduce((t, v, i) => t + v * (y[i] as number), 0) / x.length;
    for (const r of [correlation(a, b), correlation(a, c), correlation(b, c), correlation(a.slice(1), a.slice(0, -1))])
      expect(Math.abs(r)).toBeLessThan(0.08);
  });

  it('give the same bits under vmap as one by one', () => {
    const keys: NdArray = { dtype: 'uint32', shape: [3, 2], data: Uint32Array.of(0, 1, 0, 2, 5, 6) };
    const single = (i: number): NdArray => ({ dtype: 'uint32', shape: [2], data: keys.data.slice(2 * i, 2 * i + 2) });
    const uses: ((key: Tensor) => Tensor)[] = [
      (key) => random.bits(key, [5]),
      (key) => random.normal(random.split(key)[1] as Tensor, [2, 2]),
      (key) => random.foldIn(key, 9),
      (key) => random.permutation(key, 6),
      (key) => random.orthogonal(key, [2, 2]),
    ];
    for (const use of uses) {
      const looped = [0, 1, 2].flatMap((i) => run1(use, single(i)));
      expect(run1(vmap(use), keys)).toEqual(looped);
    }
    const folded = (n: Tensor) => random.foldIn(random.key(4), n);
    expect(run1(vmap(folded), i32([0, 3]))).toEqual([...run1(folded, i32(0)), ...run1(folded, i32(3))]);
  });
});

describe('distributions', () => {
  const n = 4000;

  it('uniform', () => {
    const xs = draw((key) => random.uniform(key, [n], { low: -1, high: 3 }));
    expect(Math.min(...xs)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...xs)).toBeLessThan(3);
    expect(distanceTo((x) => (x + 1) / 4, xs)).toBeLessThan(critical(n));
    expect(draw((key) => random.uniform(key))).toHaveLength(1);
    expect(draw((key) => random.uniform(key, [3, 0]))).toEqual([]);
  });

  it('normal', () => {
    const xs = draw((key) => random.normal(key, [n]));
    expect(moments(xs).mean).toBeCloseTo(0, 1);
    expect(moments(xs).deviation).toBeCloseTo(1, 1);
    expect(distanceTo(normalDistribution, xs)).toBeLessThan(critical(n));
    expect(draw((key) => random.normal(key, [0]))).toEqual([]);
  });

  it('truncated normal', () => {
    const xs = draw((key) => random.truncatedNormal(key, [n]));
    expect(xs.every((x) => x >= -2 && x <= 2)).toBe(true);
    expect(Math.abs(moments(xs).deviation - 0.8796)).toBeLessThan(0.03);
    const [low, high] = [normalDistribution(-2), normalDistribution(2)];
    expect(distanceTo((x) => (normalDistribution(x) - low) / (high - low), xs)).toBeLessThan(critical(n));
  });

  it('Bernoulli, with one probability or many', () => {
    expect(moments(draw((key) => random.bernoulli(key, 0.3, [n]))).mean).toBeCloseTo(0.3, 1);
    expect(draw((key) => random.bernoulli(key, 0, [50])).every((x) => x === 0)).toBe(true);
    expect(draw((key) => random.bernoulli(key, 1, [50])).every((x) => x === 1)).toBe(true);
    const many = draw((key) => random.bernoulli(key, constant(new Array(n).fill(0.5)), undefined));
    expect(moments(many).mean).toBeCloseTo(0.5, 1);
    expect(run1((p) => random.bernoulli(random.key(0), p), f64([0, 1, 0, 1]))).toEqual([0, 1, 0, 1]);
  });

  it('categorical, by the softmax of the logits', () => {
    const odds = [0.1, 0.2, 0.7, 0];
    const logits = f64(
      Float64Array.from({ length: n * 4 }, (_, i) => Math.log(odds[i % 4] as number)),
      [n, 4],
    );
    const classes = run1((x) => random.categorical(random.key(2), x), logits);
    odds.forEach((p, k) => {
      expect(Math.abs(classes.filter((c) => c === k).length / n - p)).toBeLessThan(0.03);
    });
  });

  it('permutation', () => {
    const order = draw((key) => random.permutation(key, 100));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(order).not.toEqual(draw((key) => random.permutation(key, 100), 1));
    const first = Array.from({ length: 300 }, (_, i) => draw((key) => random.permutation(key, 3), i).join(''));
    for (const each of ['012', '021', '102', '120', '201', '210'])
      expect(Math.abs(first.filter((x) => x === each).length - 50)).toBeLessThan(25);
  });
});

it.each([
  [64, 64],
  [16, 48],
  [48, 16],
  [1, 5],
])('orthogonal [%i, %i] has orthonormal rows or columns', (rows, columns) => {
  const q = draw((key) => random.orthogonal(key, [rows, columns]));
  const size = Math.min(rows, columns);
  const at = (i: number, k: number) => (rows <= columns ? q[i * columns + k] : q[k * columns + i]) as number;
  let worst = 0;
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) {
      let dot = 0;
      for (let k = 0; k < Math.max(rows, columns); k++) dot += at(i, k) * at(j, k);
      worst = Math.max(worst, Math.abs(dot - Number(i === j)));
    }
  expect(worst).toBeLessThan(1e-5);
});

it('refuses what does not fit', () => {
  const key = random.key(0);
  const word = (dtype: 'float32' | 'int32', ...shape: number[]) => placeholder({ dtype, shape });
  expect(() => random.key(-1)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: random.key: expected a whole number from 0 to 2^53 - 1, got -1]`,
  );
  expect(() => random.key(0.5)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: random.key: expected a whole number from 0 to 2^53 - 1, got 0.5]`,
  );
  expect(() => random.split(key, 0)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: random.split: expected a whole number of keys of at least 1, got 0]`,
  );
  expect(() => random.foldIn(key, -1)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: random.foldIn: expected a whole number from 0 to 2^32 - 1, got -1]`,
  );
  expect(() => random.foldIn(key, word('float32'))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: random.foldIn: expected int32 or uint32, got float32]`,
  );
  expect(() => random.foldIn(key, word('int32', 3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: random.foldIn: expected a scalar, got [3]]`,
  );
  expect(() => random.normal(word('float32', 3), [2])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: random: expected a key (uint32 [2]), got float32 [3]]`,
  );
  expect(() => random.orthogonal(key, [3])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: random.orthogonal: expected [rows, columns], got [3]]`,
  );
});

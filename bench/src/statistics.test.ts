import { expect, test } from 'vitest';
import { quantile, ratios, summarize } from './statistics.ts';

test('quantiles are interpolated between measurements, in any order', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(summarize([5, 1, 4, 2, 3])).toEqual({ median: 3, min: 1, low: 2, high: 4, count: 5 });
  expect(summarize([]).median).toBeNaN();
});

test('ratios are of the medians of each round, less the rounds that a side sat out', () => {
  expect(ratios([[1, 1, 9], [4], [6]], [[2], [2], []])).toEqual([0.5, 2]);
});

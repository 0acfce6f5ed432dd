import { expect, test } from 'vitest';
import * as nn from '../../nn/index.ts';
import { ndarray } from '../../tensor/index.ts';
import { heads, hypernetwork, inspect, statistics } from '../index.ts';

test('statistics leave out what is not a number, and count it', () => {
  const { min, max, mean, std, zeros, nonFinite } = statistics(ndarray([0, 4, Number.NaN, Number.POSITIVE_INFINITY]));
  expect([min, max, mean, std, zeros, nonFinite]).toEqual([0, 4, 2, 2, 0.25, 2]);
  // Far from 0, where the difference of two large sums would be off.
  expect(statistics(ndarray(new Float64Array([1e9, 1e9 + 2]))).std).toBe(1);
});

test('inspection warns of weights that are no numbers, and of dead ones', () => {
  const model = hypernetwork(nn.mlp({ in: 1, hidden: [2], out: 1 }), { code: 1, head: heads.dense() });
  const weights = {
    layer0: { weight: ndarray([[Number.NaN, 1]]), bias: ndarray([0, 0]) },
    layer1: { weight: ndarray([[0], [0]]), bias: ndarray([1]) },
  };
  const { warnings, weights: rows } = inspect(model, weights, weights);
  expect(warnings).toEqual([
    'layer0.weight: 1 of 2 elements are NaN or infinite.',
    'layer1.weight: all elements are 0.',
  ]);
  expect(rows[1]!.now).toEqual({ min: 0, max: 0, mean: 0, variance: 0, std: 0, zeros: 1, nonFinite: 0 });
});

import { expect, it } from 'vitest';
import { grad } from '../grad.ts';
import type { Tensor } from '../tensor.ts';
import { f64, run1 } from '../testing.ts';
import { vmap } from '../vmap.ts';
import { mul, sub } from './arithmetic.ts';
import { batchMean } from './batchMean.ts';
import { sum } from './reduce.ts';

const m = f64([
  [1, 2],
  [3, 6],
]);

it('is the mean over the batch of its name, and the value itself outside of it', () => {
  expect(run1((x) => vmap((row: Tensor) => batchMean(row), { name: 'batch' })(x), m)).toEqual([2, 4, 2, 4]);
  expect(run1((x) => vmap((row: Tensor) => batchMean(row, 'other'), { name: 'batch' })(x), m)).toEqual([1, 2, 3, 6]);
  expect(run1((x) => vmap((row: Tensor) => batchMean(row))(x), m)).toEqual([1, 2, 3, 6]);
  expect(run1((x) => batchMean(x), m)).toEqual([1, 2, 3, 6]);
});

it('finds the batch of its name among nested ones, the innermost first', () => {
  const rows = (name: string) => (x: Tensor) =>
    vmap((row: Tensor) => vmap((e: Tensor) => batchMean(e, name), { name: 'inner' })(row), { name: 'outer' })(x);
  expect(run1(rows('inner'), m)).toEqual([1.5, 1.5, 4.5, 4.5]);
  expect(run1(rows('outer'), m)).toEqual([2, 4, 2, 4]);
  const same = (x: Tensor) =>
    vmap((row: Tensor) => vmap((e: Tensor) => batchMean(e), { name: 'batch' })(row), { name: 'batch' })(x);
  expect(run1(same, m)).toEqual([1.5, 1.5, 4.5, 4.5]);
});

it('spreads gradients over the batch', () => {
  const loss = (x: Tensor) => sum(vmap((row: Tensor) => mul(row, sub(row, batchMean(row))), { name: 'batch' })(x));
  // d/dx of sum x (x - mean x) is 2 (x - mean x).
  expect(run1((x) => grad(loss)(x), m)).toEqual([-2, -4, 2, 4]);
});

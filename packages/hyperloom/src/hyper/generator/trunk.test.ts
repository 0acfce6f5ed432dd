import { expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import { iota, mean, random, square, type Tensor, trace, vmap } from '../../tensor/index.ts';
import { trunk, trunkSpec } from './trunk.ts';

test.each([
  ['one unit', 4, [1]],
  ['an odd width over one element', 1, [3]],
  ['odd widths behind one another', 3, [5, 3, 1]],
  ['even widths', 4, [8, 6]],
] as const)('features keep the second moment of the code: %s', (_, size, hidden) => {
  const { layers } = trunkSpec('test', { size, secondMoment: 1 }, hidden);
  const one = (key: Tensor) =>
    mean(square(trunk(nn.initTree(layers, key), random.normal(random.foldIn(key, 1), [size]))));
  const draws = (key: Tensor) => mean(vmap((i: Tensor) => one(random.foldIn(key, i)))(iota(1000)));
  const [result] = evaluate(trace(draws, { dtype: 'uint32', shape: [2] }).program, [random.keyArray(0)]);
  expect(Math.abs(result!.data[0]! - 1)).toBeLessThan(0.25);
});

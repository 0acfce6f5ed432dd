import { ndarray } from 'hyperloom/tensor';
import { expect, test } from 'vitest';
import { gateChanges } from './gateChanges.ts';

test('the change of each gate is the length of the difference over the mean length', () => {
  // Two units: gate i stays, f turns by a right angle, o doubles, g vanishes.
  const scales = ndarray([
    [1, 1, 3, 0, 1, 0, 3, 4],
    [1, 1, 0, 3, 2, 0, 0, 0],
  ]);
  const strips = gateChanges(scales);
  expect(strips.map(({ name }) => name.at(-1))).toEqual(['i', 'f', 'o', 'g']);
  const [i, f, o, g] = strips.map(({ values }) => values);
  expect(i).toEqual([0]);
  expect(f![0]).toBeCloseTo(Math.SQRT2, 6);
  expect(o![0]).toBeCloseTo(1 / 1.5, 6);
  expect(g![0]).toBeCloseTo(5 / 2.5, 6);
});

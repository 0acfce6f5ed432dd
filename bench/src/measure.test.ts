import { expect, test } from 'vitest';
import type { Measured } from './interleave.ts';
import { lossFailures } from './measure.ts';

const side = (name: string, losses: readonly number[]): Measured => ({
  name,
  version: '1',
  rounds: [],
  losses,
  peakMB: 0,
});

test('losses that agree over the steps that both took pass', () => {
  const all = [side('hyperloom', [2, 1.5, 1]), side('slow', [2.00002, 1.5005])];
  expect(lossFailures('mnist', all, [2, 1])).toEqual([]);
});

test('losses that differ, or that are no numbers, fail', () => {
  const all = [
    side('hyperloom', [2, 1.5, 1]),
    side('far', [2, 1.6, 1]),
    side('broken', [2, Number.NaN, 1]),
    side('other', [2.1, 1.5, 1]),
  ];
  expect(lossFailures('mnist', all, [2, 1.01])).toMatchInlineSnapshot(`
    [
      "mnist: expected losses within 0.001 of the stored losses, got a difference of 0.00990",
      "mnist: expected losses within 0.001 of far, got a difference of 0.0625",
      "mnist: expected losses within 0.001 of broken, got a difference of NaN",
      "mnist: expected losses within 0.00002 of other at the start, got a difference of 0.0476",
      "mnist: expected losses within 0.001 of other, got a difference of 0.0476",
    ]
  `);
});

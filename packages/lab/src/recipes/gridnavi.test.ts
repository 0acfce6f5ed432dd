import { expect, test } from 'vitest';
import { gridnavi } from './gridnavi.ts';
import { figuresOf } from './testing.ts';

test('in short: what the first episode found out serves the second, and without a memory nothing is found out', async () => {
  const settings = { belief: 16, hidden: 8 };
  const { main, concatenation, memoryless } = await figuresOf(gridnavi, { steps: 30, settings });
  expect(main!.episode2).toBeGreaterThan(main!.episode1! + 1);
  expect(concatenation!.episode2).toBeGreaterThan(memoryless!.episode2! + 1);
  expect(memoryless!.episode2).toBeCloseTo(memoryless!.episode1!, 3);
}, 120_000);

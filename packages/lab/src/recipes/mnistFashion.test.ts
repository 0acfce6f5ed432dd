import { rm } from 'node:fs/promises';
import * as nn from 'hyperloom/nn';
import { expect, test } from 'vitest';
import { mnistFashion } from './mnistFashion.ts';
import { leNet, leNetHypers } from './tasks/twoSets.ts';
import { digitFolder, figuresOf } from './testing.ts';

const sizes = { channels: 1, height: 28, width: 28, classes: 10, tasks: 2 };

test('mnist-fashion has the numbers of weights of the tutorial', () => {
  expect(nn.countParams(leNet(sizes).spec)).toBe(21_840);
  const { dense, chunked } = leNetHypers(sizes, { code: 8, hidden: 100 });
  expect(nn.countParams(dense.spec)).toBe(2_216_856);
  expect(nn.countParams(chunked.spec)).toBeLessThan(21_840);
});

test('mnist-fashion in short: digits, and the same digits under other names, which only a code tells apart', async () => {
  const [first, second] = [await digitFolder(), await digitFolder((digit) => 9 - digit)];
  try {
    const settings = { first, second, hidden: 32, batch: 32, learningRate: 0.0005 };
    const figures = await figuresOf(mnistFashion, { steps: 80, settings });
    expect(figures.main!['first.accuracy']).toBeGreaterThan(0.85);
    expect(figures.main!['second.accuracy']).toBeGreaterThan(0.85);
    expect(figures.main!.exchanged).toBeLessThan(0.1);
    expect(figures.separate!.accuracy).toBeGreaterThan(0.8);
    expect(figures.blind!.accuracy).toBeLessThan(0.55);
  } finally {
    for (const folder of [first, second]) await rm(folder, { recursive: true });
  }
});

test('two sets of one name are told apart', async () => {
  const settings = Object.fromEntries(
    Object.entries(mnistFashion.options).map(([key, option]) => [key, option.default]),
  );
  const { trials } = await mnistFashion.prepare({ ...settings, second: 'mnist', control: false }, { seed: 0 });
  expect(trials[0].codes!.map(({ name }) => name)).toEqual(['MNIST (first)', 'MNIST (second)']);
});

test('mnist-fashion says which setting is wrong', async () => {
  const settings = Object.fromEntries(
    Object.entries(mnistFashion.options).map(([key, option]) => [key, option.default]),
  );
  await expect(
    mnistFashion.prepare({ ...settings, second: 'mnits' }, { seed: 0 }),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --set second: expected mnist, fashion or a folder of images, got "mnits", which is not there; did you mean mnist?]`,
  );
});

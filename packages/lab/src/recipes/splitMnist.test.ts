import { rm } from 'node:fs/promises';
import * as nn from 'hyperloom/nn';
import { expect, test } from 'vitest';
import { splitMnist, splitModels } from './splitMnist.ts';
import { digitFolder, figuresOf } from './testing.ts';

test('split-mnist has the numbers of weights of the paper', () => {
  const { model, target } = splitModels(784, 5);
  expect(nn.countParams(target.spec)).toBe(478_410);
  expect(nn.countParams(model.spec)).toBe(465_672);
});

test('split-mnist in short: held networks stay, others are forgotten', async () => {
  const data = await digitFolder();
  try {
    const figures = await figuresOf(splitMnist, { steps: 20, seed: 1, settings: { data } });
    expect(figures.main!.accuracy).toBeGreaterThan(0.94);
    expect(figures.main!.forgotten).toBeLessThan(0.02);
    expect(figures.forgetting!.forgotten).toBeGreaterThan(0.04);
    expect(figures.forgetting!.accuracy).toBeLessThan(0.93);
    expect(figures.joint!.accuracy).toBeGreaterThan(0.95);
  } finally {
    await rm(data, { recursive: true });
  }
});

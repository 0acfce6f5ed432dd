import { expect, test } from 'vitest';
import { continualToy } from './continualToy.ts';
import { figuresOf } from './testing.ts';

test('continual-toy in short: held networks stay, and without holding they are forgotten', async () => {
  const figures = await figuresOf(continualToy, { steps: 2200 });
  expect(figures.main!.mse).toBeLessThan(0.3);
  expect(figures.main!['mse.task3']).toBeLessThan(0.1);
  expect(figures.forgetting!.mse).toBeGreaterThan(1);
  expect(figures.forgetting!['mse.task3']).toBeLessThan(0.1);
  expect(figures.joint!.mse).toBeLessThan(0.1);
});

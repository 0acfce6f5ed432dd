import { expect, test } from 'vitest';
import { continualToy } from './continualToy.ts';
import { figuresOf } from './testing.ts';

test('continual-toy in short: held networks stay, and without holding they are forgotten', async () => {
  // Tasks are a fifth as long as in the recipe; what was learned is held harder in return.
  const figures = await figuresOf(continualToy, { steps: 800, settings: { beta: 0.05 } });
  expect(figures.main!.mse).toBeLessThan(0.1);
  expect(figures.main!['mse.task3']).toBeLessThan(0.1);
  expect(figures.forgetting!.mse).toBeGreaterThan(1);
  expect(figures.forgetting!['mse.task3']).toBeLessThan(0.1);
  expect(figures.joint!.mse).toBeLessThan(0.1);
});

import { expect, test } from 'vitest';
import { paretoToy } from './paretoToy.ts';
import { figuresOf } from './testing.ts';

test('pareto-toy in short: Chebyshev and EPO cover the front, linear scalarisation does not', async () => {
  const figures = await figuresOf(paretoToy, { steps: 600 });
  expect(figures.main!.hypervolume).toBeGreaterThan(0.3);
  expect(figures.epo!.hypervolume).toBeGreaterThan(0.3);
  expect(figures.direct!.hypervolume).toBeGreaterThan(0.3);
  expect(figures.linear!.hypervolume).toBeLessThan(0.25);
  // Nothing lies below the true front.
  for (const { hypervolume } of Object.values(figures)) expect(hypervolume).toBeLessThan(0.342);
});

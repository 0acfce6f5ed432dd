import { ortEngine } from 'hyperloom/engine/ort';
import { pendulum } from 'hyperloom/rl';
import { expect, test } from 'vitest';
import { pendulumFamily, trained } from './pendulumFamily.ts';
import type { TrialResult } from './recipe.ts';
import { heldOutBodies } from './tasks/bodies.ts';
import { plainSession } from './testing.ts';

test('in short: a policy generated from the body learns, its share of the experts is told, and pictures are made', async () => {
  const settings = { control: true, matched: false, hidden: 16, bodies: 1, lives: 8 };
  const { trials, among, pictures } = await pendulumFamily.prepare(settings, { seed: 0, steps: 12 });
  const engine = ortEngine({ threads: 1, spinning: false });
  const session = plainSession(0, engine);
  const results: TrialResult[] = [];
  for (const trial of trials.filter(({ name }) => ['main', 'film', 'experts'].includes(name))) {
    const run = await trial.train(session);
    results.push({ trial, run, metrics: await trial.measure(run, session), seconds: 0 });
  }
  // Who does nothing gets some -1,300.
  expect(results[0]!.metrics.interpolation).toBeGreaterThan(-1_000);
  const shares = among!(results);
  expect(shares.experts).toEqual({ 'share.interpolation': 1, 'share.extrapolation': 1 });
  expect(shares.main!['share.interpolation']).toBeGreaterThan(0.2);
  const made = await pictures!(results);
  expect(made.map(({ name }) => name)).toEqual(['returns-main.svg', 'light.gif', 'heavy.gif']);
  for (const { run } of results) await run.dispose();
  await engine.dispose();
}, 60_000);

test('bodies of the test are the same each time, inside of the ranges of training or outside', () => {
  const outer = { gravity: [5, 15], mass: [0.5, 1.5], length: [0.5, 1.5], torque: [1, 3] } as const;
  const { inside, outside } = heldOutBodies(trained, pendulum(), 20);
  expect(heldOutBodies(trained, pendulum(), 3).outside).toEqual(outside.slice(0, 3));
  const fits = (body: Readonly<Record<string, number>>, ranges: typeof outer | typeof trained) =>
    Object.entries(ranges).every(([name, [low, high]]) => body[name]! >= low && body[name]! <= high);
  expect(inside.every((body) => fits(body, trained))).toBe(true);
  expect(outside.every((body) => fits(body, outer) && !fits(body, trained))).toBe(true);
});

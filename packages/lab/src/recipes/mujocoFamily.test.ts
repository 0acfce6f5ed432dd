import { ortEngine } from 'hyperloom/engine/ort';
import { physicsNumbers } from 'hyperloom/rl';
import { expect, test } from 'vitest';
import { hostBodyReturns } from './hostWorld.ts';
import { mujocoFamily } from './mujocoFamily.ts';
import { plainSession } from './testing.ts';

test('in short: a policy generated from the arm learns on MuJoCo, plays one body alone, and pictures are made', async () => {
  const settings = { control: true, hidden: 16, bodies: 8, lives: 1 };
  const { trials, pictures } = await mujocoFamily.prepare(settings, { seed: 0, steps: 20 });
  expect(trials.map(({ name }) => name)).toEqual(['main', 'concatenation', 'universal']);
  const engine = ortEngine({ threads: 1, spinning: false });
  const session = plainSession(0, engine);
  const [trial] = trials;
  const run = await trial.train(session);
  const metrics = await trial.measure(run, session);
  // One iteration leaves it at some -14.
  expect(metrics.interpolation).toBeGreaterThan(-9);
  expect(metrics.environmentSteps).toBe(20 * 64 * 50);

  const { environment, play } = trial.world!;
  const body = { upperLength: 0.13, lowerMass: 0.8 };
  const physics = physicsNumbers(environment, body);
  const { moments, rewards, end } = await play(run, physics, 9);
  expect([moments.length, end]).toEqual([50, 'limit']);
  const [alone] = await hostBodyReturns(session, 'reacher', trial.model as never, run.params, [physics], {
    lives: 1,
    seed: 9,
  });
  expect(rewards.reduce((a, b) => a + b, 0)).toBeCloseTo(alone!, 4);

  const made = await pictures!([{ trial, run, metrics, seconds: 0 }]);
  expect(made.map(({ name }) => name)).toEqual(['short.gif', 'long.gif']);
  await run.dispose();
  await engine.dispose();
}, 90_000);

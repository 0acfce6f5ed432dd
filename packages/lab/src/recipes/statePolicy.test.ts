import { ortEngine } from 'hyperloom/engine/ort';
import { countParams } from 'hyperloom/nn';
import { expect, test } from 'vitest';
import { statePolicy } from './statePolicy.ts';
import { plainSession } from './testing.ts';

test('in short: both kinds of policy, of equal size, learn to swing up an acrobot; pictures are made', async () => {
  const settings = { control: true, lives: 30, hidden: 16, features: 32, init: 'bias', critic: false };
  const { trials, pictures } = await statePolicy.prepare(settings, { seed: 0, steps: 20 });
  const [main, mlp] = trials.map(({ model }) => countParams(model.spec)) as [number, number];
  expect(Math.abs(mlp / main - 1)).toBeLessThan(0.05);
  const engine = ortEngine({ threads: 1, spinning: false });
  const session = plainSession(0, engine);
  const results = [];
  for (const trial of trials.filter(({ name }) => ['main', 'acrobot', 'acrobot-mlp'].includes(name))) {
    const run = await trial.train(session);
    const metrics = await trial.measure(run, session);
    // Who does nothing gets -500.
    if (trial.name !== 'main') expect(metrics.return, trial.title).toBeGreaterThan(-300);
    results.push({ trial, run, metrics, seconds: 0 });
  }
  const made = await pictures!(results);
  expect(made.map(({ name }) => name)).toEqual([
    'pushes-main.svg',
    'weights.svg',
    'episode-main.gif',
    'episode-acrobot.gif',
  ]);
  for (const { run } of results) await run.dispose();
  await engine.dispose();
}, 60_000);

import { ortEngine } from 'hyperloom/engine/ort';
import { physicsNumbers } from 'hyperloom/rl';
import { expect, test } from 'vitest';
import { cartpole } from './cartpole.ts';
import { plainSession } from './testing.ts';

test('in short: a pole is held up, longer than by chance, and an episode is played and drawn', async () => {
  const settings = { control: false, copies: 32, lives: 20 };
  const { trials, pictures } = await cartpole.prepare(settings, { seed: 0, steps: 15 });
  const engine = ortEngine({ threads: 1, spinning: false });
  const session = plainSession(0, engine);
  const [trial] = trials;
  const run = await trial.train(session);
  const metrics = await trial.measure(run, session);
  // A policy that is drawn at random holds it up for some 20 steps.
  expect(metrics.return).toBeGreaterThan(150);

  const { environment, play } = trial.world!;
  const heavy = await play(run, physicsNumbers(environment, { poleMass: 0.5 }), 3);
  const same = await play(run, physicsNumbers(environment, { poleMass: 0.5 }), 3);
  expect(same).toEqual(heavy);
  expect(heavy.moments.length).toBe(heavy.rewards.length);
  expect(heavy.end).toBe(heavy.rewards.length < 500 ? 'terminated' : 'limit');
  expect(heavy.moments[0]!.seen.length).toBe(4);
  // A slanted pole, one step after another, ends beyond 12 degrees unless it is held up to the limit.
  const last = heavy.moments.at(-1)!.seen;
  expect(Math.abs(last[2]!)).toBeLessThan(0.21);

  const made = await pictures!([{ trial, run, metrics, seconds: 0 }]);
  expect(made.map(({ name }) => name)).toEqual(['episode-main.gif']);
  await run.dispose();
  await engine.dispose();
});

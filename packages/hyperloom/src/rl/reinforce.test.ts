import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ortEngine } from '../engine/ort/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import { clip, constant, mul, reshape, tree } from '../tensor/index.ts';
import { trainWith } from '../train/index.ts';
import { actorCritic } from './agent.ts';
import type { Environment } from './environment.ts';
import { type CartPolePhysics, type CartPoleState, cartPole } from './environments/index.ts';
import { returns } from './life.ts';
import { reinforce } from './reinforce.ts';

const engine = ortEngine({ threads: 1, spinning: false });
afterAll(() => engine.dispose());

/** A pole on a cart that any share of the force may push, from -1 to 1. */
const pushed: Environment<CartPolePhysics, CartPoleState> = {
  ...cartPole(),
  spec: { ...cartPole().spec, action: { kind: 'continuous', size: 1, low: -1, high: 1 } },
  step: (state, action, physics) => {
    const share = reshape(clip(action, -1, 1), []);
    return cartPole().step(state, constant(1, 'int32'), { ...physics, force: mul(physics.force, share) });
  },
};
const net = (out: number) => nn.mlp({ in: 4, hidden: [32], out, activation: nn.tanh });
const agentOf = (environment: Environment<CartPolePhysics, CartPoleState>) =>
  actorCritic({ environment, policy: net(environment === pushed ? 1 : 2), value: net(1) });

describe('reinforce', () => {
  test.each([
    ['discrete', cartPole()],
    ['continuous', pushed],
  ])('learns to hold a pole up by %s actions', async (_, environment) => {
    const method = reinforce({ copies: 32, steps: 128, rewardScale: 0.02, optimizer: optim.adam(1e-2) });
    const evaluate = returns({ every: 60 });
    const run = await trainWith(agentOf(environment), method, { steps: 60, engine, evaluate });
    const evals = run.history.flatMap((event) => (event.event === 'eval' ? [event.metrics.return!] : []));
    // A policy that is drawn at random holds it up for some 20 steps.
    expect(evals.at(-1)).toBeGreaterThan(100);
    await run.dispose();
  });

  test('goes on after a stop to the same bits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reinforce-'));
    const method = reinforce({ copies: 4, steps: 16, optimizer: optim.adam(3e-3) });
    const agent = agentOf(cartPole());
    const whole = await trainWith(agent, method, { steps: 4, engine });
    const checkpoint = { path: join(folder, 'half.safetensors'), every: 2 };
    await (await trainWith(agent, method, { steps: 2, engine, checkpoint })).dispose();
    const rest = await trainWith(agent, method, { steps: 4, engine, checkpoint, resume: true });
    expect(tree.leaves(rest.params)).toEqual(tree.leaves(whole.params));
    await rm(folder, { recursive: true });
  });

  test('settings that are no counts are refused', () => {
    expect(() => reinforce({ copies: 0, optimizer: optim.sgd(0.1) })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: reinforce: expected a whole number of at least 1 for copies, got 0]`,
    );
  });
});

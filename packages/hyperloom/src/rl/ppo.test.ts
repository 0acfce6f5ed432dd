import { describe, expect, test } from 'vitest';
import { ortEngine } from '../engine/ort/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import type { NdArray } from '../tensor/index.ts';
import { trainWith } from '../train/index.ts';
import { actorCritic } from './agent.ts';
import { cartPole, gridNavigation } from './environments/index.ts';
import { returns } from './life.ts';
import { ppo } from './ppo.ts';

const net = (inputs: number, out: number) => nn.mlp({ in: inputs, hidden: [32], out, activation: nn.tanh });
const pole = actorCritic({ environment: cartPole(), policy: net(4, 2), value: net(4, 1) });

describe('ppo', () => {
  test('learns to hold a pole up', async () => {
    const engine = ortEngine({ threads: 1, spinning: false });
    const method = ppo({ copies: 32, steps: 64, rewardScale: 0.02, optimizer: optim.adam(3e-3) });
    const options = { steps: 30, engine, evaluate: returns({ every: 30 }) };
    const run = await trainWith(pole, method, options);
    const evals = run.history.flatMap((event) => (event.event === 'eval' ? [event.metrics.return!] : []));
    // A policy that is drawn at random holds it up for some 20 steps.
    expect(evals.at(-1)).toBeGreaterThan(150);
    await run.dispose();
    await engine.dispose();
  });

  test('an agent with a memory, over lives of several episodes with physics of their own, goes on after a stop to the same bits', async () => {
    const { mkdtemp, rm } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const { join } = await import('node:path');
    const folder = await mkdtemp(join(tmpdir(), 'ppo-'));
    const engine = ortEngine({ threads: 1, spinning: false });
    const agent = actorCritic({
      environment: gridNavigation({ size: 3, limit: 4 }),
      family: ['goalX', 'goalY'],
      policy: { module: net(8, 5), read: ({ belief }) => belief! },
      value: { module: net(8, 1), read: ({ belief }) => belief! },
      belief: (inputs) => nn.gruCell({ in: inputs, hidden: 8 }),
    });
    const method = ppo({ copies: 4, episodes: 2, batches: 2, epochs: 2, optimizer: optim.adam(3e-3) });
    const whole = await trainWith(agent, method, { steps: 4, engine });
    const checkpoint = { path: join(folder, 'half.safetensors'), every: 2 };
    await (await trainWith(agent, method, { steps: 2, engine, checkpoint })).dispose();
    const rest = await trainWith(agent, method, { steps: 4, engine, checkpoint, resume: true });
    const bits = (run: typeof whole) =>
      JSON.stringify(run.params, (_, v) => (ArrayBuffer.isView(v) ? [...(v as never as NdArray['data'])] : v));
    expect(bits(rest)).toBe(bits(whole));
    await rm(folder, { recursive: true });
    await engine.dispose();
  });

  test('copies that no batches divide are refused', () => {
    expect(() => ppo({ copies: 6, batches: 4, optimizer: optim.sgd(0.1) })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: ppo: expected batches that divide the 6 copies, got 4]`,
    );
  });
});

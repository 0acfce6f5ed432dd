import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ortEngine } from '../engine/ort/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import { type NdArray, tree } from '../tensor/index.ts';
import { packing, trainWith } from '../train/index.ts';
import { type Agent, actorCritic } from './agent.ts';
import { cartPole } from './environments/index.ts';
import { hostCartPole } from './hostCartPole.suite.ts';
import { hostPlayer } from './hostPlaying.ts';
import { hostPpo, hostReturns } from './hostPpo.ts';
import { concatenated } from './parts.ts';

const net = (inputs: number, out: number) => nn.mlp({ in: inputs, hidden: [32], out, activation: nn.tanh });
const engine = ortEngine({ threads: 1, spinning: false });
const bits = (params: unknown) => tree.leaves<NdArray>(params).map(({ data }) => [...data]);

describe('ppo on a host', () => {
  test('learns to hold a pole up', async () => {
    const agent = actorCritic({ environment: cartPole(), policy: net(4, 2), value: net(4, 1) }) as Agent;
    const host = hostCartPole(16);
    const method = hostPpo({ host, steps: 128, rewardScale: 0.02, optimizer: optim.adam(3e-3) });
    const run = await trainWith(agent, method, { steps: 25, engine });
    const { returns, lengths } = await hostReturns(engine, host, agent, run.params, { seed: 5 });
    expect(returns).toEqual(lengths);
    expect(returns.reduce((a, b) => a + b, 0) / 16).toBeGreaterThan(120);
    const last = run.history.findLast((event) => event.event === 'step');
    expect(last?.event === 'step' && last.metrics?.return).toBeGreaterThan(60);
    await run.dispose();
  });

  test('with a memory, told the physics: a run that is stopped goes on to the same bits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'host-'));
    const agent = actorCritic({
      environment: cartPole(),
      family: ['poleMass', 'force'],
      policy: concatenated(net(12, 2), 'belief'),
      value: concatenated(net(6, 1)),
      belief: (inputs) => nn.gruCell({ in: inputs, hidden: 8 }) as never,
    }) as Agent;
    const method = () => hostPpo({ host: hostCartPole(4), steps: 24, batches: 2, optimizer: optim.adam(3e-3) });
    const whole = await trainWith(agent, method(), { steps: 4, engine });
    const checkpoint = { path: join(folder, 'half.safetensors'), every: 2 };
    await (await trainWith(agent, method(), { steps: 2, engine, checkpoint })).dispose();
    const rest = await trainWith(agent, method(), { steps: 4, engine, checkpoint, resume: true });
    expect(bits(rest.params)).toEqual(bits(whole.params));
    await rm(folder, { recursive: true });
  });

  test('paths hold what was seen and done, and nothing is remembered beyond an end', async () => {
    const agent = actorCritic({
      environment: cartPole(),
      policy: concatenated(net(8, 2), 'belief'),
      value: net(4, 1),
      belief: (inputs) => nn.gruCell({ in: inputs, hidden: 4 }) as never,
    }) as Agent;
    const layout = packing(agent.spec);
    const run = await trainWith(
      agent,
      hostPpo({ host: hostCartPole(2), steps: 4, batches: 1, optimizer: optim.sgd(0) }),
      { steps: 1, engine },
    );
    const steps = 60;
    const player = await hostPlayer(engine, { model: agent, layout }, hostCartPole(2), { steps });
    const paths = await player.play(layout.gather(run.params), { seed: 1, iteration: 7, physics: {} });
    const { over, born, age, reached, seen, total } = paths;
    const ends = Array.from(over.data).flatMap((ended, i) => (ended ? [i] : []));
    expect(ends.length).toBeGreaterThan(1);
    for (let i = 0; i < 2 * steps; i++) {
      const [copy, step] = [Math.floor(i / steps), i % steps];
      expect(born.data[i]).toBe(step === 0 ? 1 : over.data[i - 1]);
      expect(total.data[i]).toBe(age.data[i]);
      expect(seen.last.first.data[i]).toBe(born.data[i]);
      if (born.data[i]) expect(Array.from(seen.last.action.data.slice(2 * i, 2 * i + 2))).toEqual([0, 0]);
      const same = step + 1 < steps && over.data[i] === 0;
      const row = ({ data }: NdArray, at: number) => Array.from(data.slice(4 * at, 4 * at + 4));
      if (same) expect(row(seen.observation, i + 1), `${copy} ${step}`).toEqual(row(reached, i));
      else if (step + 1 < steps) expect(row(seen.observation, i + 1)).not.toEqual(row(reached, i));
    }
    await player.dispose();
    await run.dispose();
  });

  test('copies that no batches divide are refused', () => {
    expect(() => hostPpo({ host: hostCartPole(6), optimizer: optim.sgd(0.1) })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: hostPpo: expected batches that divide the 6 copies, got 4]`,
    );
  });
});

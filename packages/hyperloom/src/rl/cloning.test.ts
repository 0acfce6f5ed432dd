import { afterAll, describe, expect, test } from 'vitest';
import * as data from '../data/index.ts';
import { compileFunction, runOnce } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import { grad, mul, type NdArray, ndarray, random, type Tensor, tree } from '../tensor/index.ts';
import { train, trainWith } from '../train/index.ts';
import { actorCritic } from './agent.ts';
import { type Cloned, cloning } from './cloning.ts';
import { type Demonstrations, demonstrations, type Expert } from './demonstrations.ts';
import { cartPole, pendulum } from './environments/index.ts';
import { fitness } from './life.ts';
import { concatenated, generated } from './parts.ts';
import { reinforce } from './reinforce.ts';

const engine = ortEngine({ threads: 1, spinning: false });
afterAll(() => engine.dispose());
const net = (inputs: number, out: number) => nn.mlp({ in: inputs, hidden: [16], out, activation: nn.tanh });
const first = (a: NdArray) => a.data[0] as number;

describe('cloning', () => {
  const policy = generated(net(3, 1), { size: 2 });
  const agent = actorCritic({ environment: pendulum(), family: ['mass', 'length'], policy, value: net(3, 1) });
  const step = {
    input: {
      observation: ndarray([0.6, 0.8, -0.5]),
      next: ndarray([0.8, 0.6, 0.4]),
      action: ndarray([0.3]),
      code: ndarray([0.5, -1]),
    },
    target: { action: ndarray([0.3]), reward: scalar(-0.7), discount: scalar(0.9), value: scalar(-2) },
  };

  test('its loss is that of HyperZero, with Q generated too, or beside the physics', async () => {
    // What normalising does before training: a variance of 1, and what is added to it.
    const scale = 1 / Math.sqrt(1 + 1e-4);
    for (const q of [generated(net(4, 1), { size: 2 }), concatenated(net(6, 1))]) {
      const { module, loss } = cloning(agent, { q, valueWeight: 0.1, differenceWeight: 0.2 });
      const measure = (key: Tensor, given: Demonstrations<Tensor>) => {
        const params = module.init(key) as { readonly agent: never; readonly q: never };
        const known = (observation: Tensor) => ({ observation, ...(given.input.code && { code: given.input.code }) });
        const output = module.apply(params as never, given.input as never) as Cloned;
        // Policy and Q by themselves.
        const { policy: weights } = params.agent;
        const act = (seen: Tensor) =>
          policy.module.apply(weights, policy.read!(known(mul(seen, scale)) as never) as never);
        return {
          output,
          loss: loss(output, given.target),
          now: act(given.input.observation),
          later: act(given.input.next),
          q: params.q,
        };
      };
      const got = await runOnce(referenceEngine(), measure, random.keyArray(4), step as never);
      const worth = async (seen: readonly number[], done: number) => {
        const known = { observation: ndarray([...seen.map((x) => x * scale), done]), code: step.input.code };
        const f = (own: never, given: never) => q.module.apply(own, q.read!(given) as never);
        return first(await runOnce(referenceEngine(), f, got.q as never, known as never));
      };
      const [now, then] = [first(got.now), first(got.later)];
      const [value, later] = [
        await worth([0.6, 0.8, -0.5], 0.3),
        await worth([0.8, 0.6, 0.4], Math.min(1, Math.max(-1, then))),
      ];
      expect(first(got.output.q!.now)).toBeCloseTo(value, 5);
      expect(first(got.output.q!.next)).toBeCloseTo(later, 5);
      const expected = (now - 0.3) ** 2 + 0.1 * (value + 2) ** 2 + 0.2 * (-0.7 + 0.9 * later + 2) ** 2;
      expect(first(got.loss)).toBeCloseTo(expected, 5);
    }
  });

  test('what the policy would do next is no way to make Q fit', async () => {
    const { module, loss } = cloning(agent, { q: concatenated(net(6, 1)) });
    const slopes = (key: Tensor, given: Demonstrations<Tensor>) => {
      const off = (params: unknown) => {
        const { policy: numbers, q } = module.apply(params as never, given.input as never) as Cloned;
        return loss({ policy: numbers, q: q! }, given.target);
      };
      const of = (params: unknown) => {
        const { policy: numbers } = module.apply(params as never, given.input as never) as Cloned;
        return loss({ policy: numbers }, given.target);
      };
      const params = module.init(key);
      type Slopes = { readonly agent: { readonly policy: unknown }; readonly q: unknown };
      return {
        whole: grad(off as never)(params as never) as Slopes,
        alone: grad(of as never)(params as never) as Slopes,
      };
    };
    const { whole, alone } = await runOnce(referenceEngine(), slopes, random.keyArray(4), step as never);
    const numbers = (of: unknown) => tree.leaves<NdArray>(of).flatMap((a) => Array.from(a.data));
    expect(numbers(whole.agent.policy)).toEqual(numbers(alone.agent.policy));
    expect(numbers(whole.q).some((x) => x !== 0)).toBe(true);
  });

  test('an agent with a memory is refused', () => {
    const belief = (inputs: number) => nn.gruCell({ in: inputs, hidden: 3 });
    const recurrent = actorCritic({ environment: pendulum(), policy: net(3, 1), value: net(3, 1), belief });
    expect(() => cloning(recurrent)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: cloning: expected an agent without a memory, got one with h]`,
    );
  });
});

function scalar(x: number): NdArray {
  return ndarray(Float32Array.of(x), []);
}

describe('experts, demonstrations, and a policy that is generated', () => {
  test('holds poles up under pushes that no expert had', async () => {
    const world = cartPole();
    const expertAgent = actorCritic({ environment: world, policy: net(4, 2), value: net(4, 1) });
    const experts: Expert[] = [];
    for (const force of [5, 10, 15]) {
      const settings = { copies: 32, rewardScale: 0.02, physics: { force: [force, force] }, restart: false } as const;
      const run = await trainWith(expertAgent, reinforce({ ...settings, optimizer: optim.adam(1e-2) }), {
        steps: 40,
        engine,
      });
      experts.push({ params: run.params, physics: { force } });
      await run.dispose();
    }
    const policy = generated(net(4, 2), { size: 1 });
    const family = { force: [5, 15] } as const;
    const agent = actorCritic({ environment: world, family, policy, value: net(4, 1) });
    const steps = await demonstrations(expertAgent, experts, {
      family,
      steps: 200,
      copies: 4,
      rewardScale: 0.02,
      engine,
    });
    expect(steps.input.observation.shape).toEqual([2400, 4]);

    const { module, loss } = cloning(agent, { q: generated(net(6, 1), { size: 1 }) });
    const options = { loss, optimizer: optim.adam(3e-3), engine };
    const run = await train(module, { ...options, data: data.batches(steps, { size: 128 }), steps: 300 });
    const cloned = (run.params as { readonly agent: unknown }).agent;
    const fresh = await runOnce(referenceEngine(), agent.init as never, random.keyArray(9));
    for (const force of [7, 12]) {
      const measure = await compileFunction(
        engine,
        fitness(agent, { physics: { force: [force, force] }, lives: 16 }),
        cloned,
        random.keyArray(0),
      );
      const learnt = first(await measure(cloned as never, random.keyArray(1)));
      const untrained = first(await measure(fresh as never, random.keyArray(1)));
      expect(untrained).toBeLessThan(100);
      expect(learnt).toBeGreaterThan(200);
      await measure.dispose();
    }
    await run.dispose();
  });
});

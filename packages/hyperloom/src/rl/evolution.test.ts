import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runOnce } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import {
  constant,
  floor,
  mul,
  type NdArray,
  ndarray,
  neg,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
  tree,
} from '../tensor/index.ts';
import { openCheckpoint, trainWith } from '../train/index.ts';
import { actorCritic } from './agent.ts';
import { cartPole } from './environments/index.ts';
import { centredRanks, evolution } from './evolution.ts';
import { fitness, returns } from './life.ts';

const engine = ortEngine({ threads: 1, spinning: false });
afterAll(() => engine.dispose());

/** The last weights start small: where one action is certain at first, no perturbation does better, and none is learnt from. */
const outInit = nn.init.normal({ std: 0.01 });
const net = (out: number) => nn.mlp({ in: 4, hidden: [16], out, activation: nn.tanh, outInit });
const pole = actorCritic({ environment: cartPole(), policy: net(2), value: net(1), normalise: false });
const line = nn.linear({ in: 3, out: 1 });
const input = { dtype: 'float32', shape: [3] } as const;

describe('evolution', () => {
  test('finds the optimum of a function that goes up in steps, whose gradient is 0 wherever it has one', async () => {
    const wanted = [1, -2, 0.5];
    const stairs = ({ weight }: { readonly weight: Tensor }) => {
      const distance = sum(square(sub(reshape(weight, [3]), constant(wanted))));
      return neg(floor(mul(distance, 1000)));
    };
    const method = evolution({ fitness: stairs, population: 32, std: 0.1, input, optimizer: optim.adam(0.05) });
    const run = await trainWith(line, method, { steps: 150, engine });
    const { weight } = run.params as { readonly weight: NdArray };
    wanted.forEach((x, i) => {
      expect(Math.abs(weight.data[i]! - x)).toBeLessThan(0.1);
    });
    await run.dispose();
  });

  test('its estimate points along the gradient of a smooth function', async () => {
    // One step of plain descent by 1 from zeros: what the weights come to is the estimate itself.
    const slope = [3, 0, -4];
    const plane = ({ weight }: { readonly weight: Tensor }) => sum(mul(reshape(weight, [3]), constant(slope)));
    const method = evolution({ fitness: plane, population: 2048, std: 0.1, input, optimizer: optim.sgd(1) });
    const zeros = { weight: ndarray([[0], [0], [0]]), bias: ndarray([0]) };
    const run = await trainWith(line, method, { steps: 1, engine, initial: zeros });
    const { weight } = run.params as { readonly weight: NdArray };
    const length = Math.hypot(...weight.data);
    const cosine = slope.reduce((total, x, i) => total + x * weight.data[i]!, 0) / (5 * length);
    expect(cosine).toBeGreaterThan(0.98);
    // The rank of a normal number z is its distribution function less 1/2, and E[z (F(z) - 1/2)] = 1 / (2 sqrt(pi)).
    expect(length * 0.1).toBeCloseTo(1 / (2 * Math.sqrt(Math.PI)), 1);
    await run.dispose();
  });

  test('learns to hold a pole up', async () => {
    const method = evolution({ fitness: fitness(pole, { lives: 2 }), std: 0.1, optimizer: optim.adam(0.05) });
    const evaluate = returns({ every: 20 });
    const run = await trainWith(pole, method, { steps: 20, engine, evaluate });
    const evals = run.history.flatMap((event) => (event.event === 'eval' ? [event.metrics.return!] : []));
    // A policy that is drawn at random holds it up for some 20 steps.
    expect(evals.at(-1)).toBeGreaterThan(200);
    await run.dispose();
  });

  test('goes on after a stop to the same bits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'evolution-'));
    const method = evolution({ fitness: fitness(pole, { lives: 1 }), population: 4, optimizer: optim.adam(0.05) });
    const whole = await trainWith(pole, method, { steps: 4, engine });
    const checkpoint = { path: join(folder, 'half.safetensors'), every: 2 };
    await (await trainWith(pole, method, { steps: 2, engine, checkpoint })).dispose();
    const rest = await trainWith(pole, method, { steps: 4, engine, checkpoint, resume: true });
    expect(tree.leaves(rest.params)).toEqual(tree.leaves(whole.params));
    // The checkpoint holds the policy, which reads an observation.
    const opened = await openCheckpoint(checkpoint.path, engine);
    expect(((await opened.apply({ input: [0, 0, 0.1, 0] })) as NdArray).shape).toEqual([2]);
    await opened.dispose();
    await rm(folder, { recursive: true });
  });

  test('equal fitnesses share their rank', async () => {
    const ranks = await runOnce(referenceEngine(), centredRanks, ndarray([3, 1, 3, 7, 3]));
    expect([...ranks.data]).toEqual([0, -0.5, 0, 0.5, 0]);
  });

  test('settings that do not fit are refused', async () => {
    const settings = { fitness: () => constant(0), optimizer: optim.sgd(0.1) };
    expect(() => evolution({ ...settings, population: 5 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: evolution: expected an even population, got 5]`,
    );
    expect(() => evolution({ ...settings, std: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: evolution: expected a positive std, got 0]`,
    );
    await expect(trainWith(line, evolution(settings), { steps: 1, engine })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: evolution: expected the input of a model that is no agent, got none for linear]`,
    );
  });
});

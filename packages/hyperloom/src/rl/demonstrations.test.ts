import { expect, test } from 'vitest';
import { runOnce } from '../engine/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import { type NdArray, random, type Tensor } from '../tensor/index.ts';
import { actorCritic } from './agent.ts';
import { demonstrations } from './demonstrations.ts';
import { cartPole, pendulum } from './environments/index.ts';

const engine = referenceEngine();
const net = (inputs: number, out: number) => nn.mlp({ in: inputs, hidden: [8], out, activation: nn.tanh });
/** Rows of [experts * steps, copies, ...], those of a copy of an expert one after another. */
function rowsOf({ data, shape: [rows, copies] }: NdArray, experts: number): number[][] {
  const steps = rows! / experts;
  const size = data.length / (rows! * copies!);
  return Array.from({ length: rows! * copies! }, (_, i) => {
    const [expert, copy, step] = [Math.floor(i / (copies! * steps)), Math.floor(i / steps) % copies!, i % steps];
    const at = ((expert * steps + step) * copies! + copy) * size;
    return Array.from(data.subarray(at, at + size));
  });
}

test('steps follow each other, values are the discounted rewards to come, and codes are those of the experts', async () => {
  const agent = actorCritic({ environment: cartPole(), policy: net(4, 2), value: net(4, 1), normalise: false });
  const experts = await Promise.all(
    [5, 15].map(async (force, seed) => ({
      params: await runOnce(engine, agent.init as never, random.keyArray(seed)),
      physics: { force },
    })),
  );
  const settings = { family: ['force'], copies: 2, steps: 30, discount: 0.9, rewardScale: 0.5, engine };
  const { input, target } = await demonstrations(agent, experts, settings);
  const rows = (a: NdArray) => rowsOf(a, 2);
  const [observation, next] = [rows(input.observation), rows(input.next)];
  const [reward, discount, value] = [target.reward, target.discount, target.value].map((a) => rows(a).flat()) as [
    number[],
    number[],
    number[],
  ];
  expect(observation).toHaveLength(120);
  expect(Array.from(input.code!.data)).toEqual(Array.from({ length: 60 }, (_, i) => (i < 30 ? -1 : 1)));
  expect(target.action).toEqual(input.action);
  expect(target.action.dtype).toBe('int32');
  expect(new Set(reward)).toEqual(new Set([0.5]));
  // No two begin alike.
  expect(new Set([0, 30, 60, 90].map((i) => observation[i]![0])).size).toBe(4);

  const critic = async (expert: number) => {
    const judge = (own: { readonly value: never }, seen: Tensor) => net(4, 1).apply(own.value, seen);
    const { params } = experts[expert]!;
    return rows((await runOnce(engine, judge as never, params as never, input.next as never)) as NdArray).flat();
  };
  const [weak, strong] = [await critic(0), await critic(1)];
  const expected = [...weak.slice(0, 60), ...strong.slice(60)];
  let ends = 0;
  observation.forEach((_, i) => {
    const stops = discount[i] === 0;
    const last = i % 30 === 29;
    if (stops) ends++;
    else if (!last) expect(next[i]).toEqual(observation[i + 1]);
    // The step to come has its value in the next row; where playing stops, the expert's value function has.
    const later = stops ? 0 : last ? expected[i]! : value[i + 1]!;
    expect(value[i]).toBeCloseTo(0.5 + 0.9 * later, 4);
    if (!stops) expect(discount[i]).toBeCloseTo(0.9, 6);
  });
  // Untrained policies let poles fall, and others follow.
  expect(ends).toBeGreaterThan(3);
});

test('continuous actions are within their range', async () => {
  const agent = actorCritic({ environment: pendulum(), policy: net(3, 1), value: net(3, 1), std: 3 });
  const params = await runOnce(engine, agent.init as never, random.keyArray(0));
  const { input } = await demonstrations(agent, [{ params }], { copies: 1, steps: 50, greedy: false, engine });
  expect(input.code).toBeUndefined();
  expect(Math.min(...input.action.data)).toBe(-1);
  expect(Math.max(...input.action.data)).toBe(1);
  expect(input.action.shape).toEqual([50, 1, 1]);
});

test('no experts, and counts that are none, are refused', async () => {
  const agent = actorCritic({ environment: pendulum(), policy: net(3, 1), value: net(3, 1) });
  await expect(demonstrations(agent, [])).rejects.toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: demonstrations: expected at least one expert, got none]`,
  );
  await expect(demonstrations(agent, [], { copies: 0.5 })).rejects.toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: demonstrations: expected a whole number of at least 1 for copies, got 0.5]`,
  );
});

import { describe, expect, test } from 'vitest';
import { compileFunction } from '../engine/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import {
  abs,
  add,
  cast,
  greater,
  mul,
  type NdArray,
  ndarray,
  random,
  stack,
  sub,
  type Tensor,
  tree,
  zerosArray,
} from '../tensor/index.ts';
import { type AgentInput, actorCritic } from './agent.ts';
import { type Environment, physicsNumbers } from './environment.ts';
import { life } from './life.ts';
import { type Copy, type Path, replay, rollout, startCopy } from './rollout.ts';

/** A walk to the left or right, which falls off at `edge` on either side and is cut off after 4 steps. */
const walk: Environment<'stride' | 'edge', { readonly at: Tensor }> = {
  name: 'walk',
  spec: {
    observation: ['at', 'far'],
    action: { kind: 'discrete', count: 2 },
    physics: {
      stride: { default: 0.5, low: 0.25, high: 1, unit: '', meaning: 'length of a step' },
      edge: { default: 1.2, low: 1, high: 3, unit: '', meaning: 'where the walk ends' },
    },
    limit: 4,
  },
  reset: (key) => ({ at: random.uniform(key, [], { low: -0.4, high: 0.4 }) }),
  step: ({ at }, action, { stride, edge }) => {
    const next = add(at, mul(stride, sub(mul(cast(action, 'float32'), 2), 1)));
    return { state: { at: next }, reward: add(mul(next, next), 1), terminated: greater(abs(next), edge) };
  },
  observe: ({ at }, { edge }) => stack([at, sub(edge, abs(at))]),
};
const net = (out: number, inputs: number) => nn.mlp({ in: inputs, hidden: [5], out, activation: nn.tanh });
/** One agent that sees no more than there is, and one that remembers. */
const agents = {
  plain: actorCritic({ environment: walk, policy: net(2, 2), value: net(1, 2) }),
  recurrent: actorCritic({
    environment: walk,
    family: ['stride'],
    policy: { module: net(2, 3), read: ({ belief }) => belief! },
    value: { module: net(1, 3), read: ({ belief }) => belief! },
    belief: (inputs) => nn.gruCell({ in: inputs, hidden: 3 }),
  }),
};
const engine = referenceEngine();
const f32 = (...data: number[]) => ndarray(Float32Array.from(data), [data.length]);
const scalar = (x: number) => ndarray(Float32Array.of(x), []);
const numbersOf = (t: unknown): number[] => Array.from((t as NdArray).data);
const steps = 40;

/** A rollout as an engine gives it, with the weights it was made with. */
async function played(name: keyof typeof agents, episodes: number, physics: Readonly<Record<string, number>>) {
  const agent = agents[name];
  const make = await compileFunction(
    engine,
    (key: Tensor, given: never) => {
      const params = agent.init(random.foldIn(key, 0)) as never;
      const start = startCopy(agent as never, given, random.foldIn(key, 1));
      return {
        params,
        start,
        ...rollout(agent as never, params, given, start, random.foldIn(key, 2), { steps, episodes }),
      };
    },
    random.keyArray(0),
    tree.map(scalar, physics),
  );
  return make(random.keyArray(3), tree.map(scalar, physics) as never) as unknown as {
    readonly params: unknown;
    readonly start: Copy;
    readonly last: Copy;
    readonly path: Path;
    readonly reached: NdArray;
    readonly score: Readonly<Record<'ended' | 'total' | 'age', NdArray>>;
  };
}

/** What is drawn along the way, by the number of the step: noise of the actions, and where the next walk begins. */
async function draws(): Promise<{ readonly noise: number[][]; readonly starts: number[] }> {
  const all = (key: Tensor) => {
    const own = random.foldIn(key, 2);
    const starts = Array.from(
      { length: steps },
      (_, i) => walk.reset(random.foldIn(random.foldIn(own, 1), i), {} as never).at,
    );
    return { noise: agents.plain.distribution.noise(random.foldIn(own, 0), [steps]), starts: stack(starts) };
  };
  const { noise, starts } = await (await compileFunction(engine, all, random.keyArray(0)))(random.keyArray(3));
  const flat = numbersOf(noise);
  return { noise: Array.from({ length: steps }, (_, i) => flat.slice(2 * i, 2 * i + 2)), starts: numbersOf(starts) };
}

/** The same steps in a plain loop: the walk, its ends and what is remembered are written out anew. */
async function looped(
  name: keyof typeof agents,
  episodes: number,
  physics: Readonly<Record<string, number>>,
  params: unknown,
  at: number,
) {
  const agent = agents[name];
  const memory = tree.map(({ shape }: NdArray) => zerosArray('float32', shape), agent.memory);
  const { stride, edge } = physics as Record<'stride' | 'edge', number>;
  const code = f32((stride - 0.625) / 0.375);
  const seenOf = (x: number, last: readonly [number[], number, number]) => ({
    observation: f32(x, edge - Math.abs(x)),
    ...(name === 'recurrent' && { code }),
    last: { action: f32(...last[0]), reward: scalar(last[1]), first: scalar(last[2]) },
  });
  const nothing: readonly [number[], number, number] = [[0, 0], 0, 1];
  const apply = (own: never, input: never) => agent.apply(own, input as AgentInput);
  const act = await compileFunction(engine, apply, params, { seen: seenOf(0, nothing), memory });
  const { noise, starts } = await draws();
  const told: Record<string, number[]> = {};
  const tell = (values: Readonly<Record<string, number | boolean>>) => {
    for (const [key, value] of Object.entries(values)) told[key] = [...(told[key] ?? []), Number(value)];
  };
  let now = { at, age: 0, episode: 0, total: 0, last: nothing, memory };
  for (let i = 0; i < steps; i++) {
    const given = await act(params as never, { seen: seenOf(now.at, now.last), memory: now.memory } as never);
    const [left, right] = numbersOf(given.policy) as [number, number];
    const action = right + noise[i]![1]! > left + noise[i]![0]! ? 1 : 0;
    const next = Math.fround(now.at + stride * (2 * action - 1));
    const reward = next * next + 1;
    const fell = Math.abs(next) > edge;
    const age = now.age + 1;
    const ended = fell || age === 4;
    const over = ended && now.episode + 1 === episodes;
    const start = starts[i]!;
    const oneHot = action === 1 ? [0, 1] : [1, 0];
    // A life that is cut off is worth what would have come after the step; within a life the next episode comes.
    const reached = over || !ended ? seenOf(next, [oneHot, reward, 0]) : seenOf(start, [oneHot, reward, 1]);
    const after = await act(params as never, { seen: reached, memory: given.memory } as never);
    tell({
      action,
      reward,
      logProb: (action === 1 ? right : left) - Math.log(Math.exp(left) + Math.exp(right)),
      value: numbersOf(given.value)[0]!,
      nextValue: numbersOf(after.value)[0]!,
      born: now.age === 0 && now.episode === 0,
      terminated: fell && over,
      over,
      ended,
      total: now.total + reward,
      age,
      at: now.at,
      led: over || !ended ? next : start,
      first: now.last[2],
    });
    now = {
      at: ended ? start : next,
      age: ended ? 0 : age,
      episode: over ? 0 : now.episode + Number(ended),
      total: ended ? 0 : now.total + reward,
      last: over ? nothing : [oneHot, reward, Number(ended)],
      memory: over ? memory : (given.memory as typeof memory),
    };
  }
  return { told, last: now };
}

const close = (what: string, got: readonly number[], expected: readonly number[]) => {
  expect(got.length, what).toBe(expected.length);
  got.forEach((x, i) => {
    expect(Math.abs(x - expected[i]!), `${what} ${i}`).toBeLessThan(1e-5);
  });
};

describe.each([
  ['plain', 1],
  ['plain', 3],
  ['recurrent', 1],
  ['recurrent', 3],
] as const)('a rollout of the %s agent over lives of %i episodes', (name, episodes) => {
  const physics = physicsNumbers(walk, { stride: 0.45 });

  test('is what a plain loop gives', async () => {
    const { params, start, path, score, last, reached } = await played(name, episodes, physics);
    const at = numbersOf((start.state as { readonly at: unknown }).at)[0]!;
    const { told, last: end } = await looped(name, episodes, physics, params, at);
    // Steps that fall off, steps that are cut off, and lives that go on after an episode, are all among them.
    const { ended, over, terminated } = told as Record<'ended' | 'over' | 'terminated', number[]>;
    expect(terminated.some((x) => x === 1)).toBe(true);
    expect(over.some((x, i) => x === 1 && terminated[i] === 0)).toBe(true);
    expect(ended.some((x, i) => x === 1 && over[i] === 0)).toBe(episodes > 1);

    const even = (t: unknown) => numbersOf(t).filter((_, i) => i % 2 === 0);
    const columns = { ...path, ...score, first: path.seen.last.first } as unknown as Record<string, NdArray>;
    for (const key of Object.keys(told).filter((key) => key !== 'at' && key !== 'led'))
      close(key, numbersOf(columns[key]), told[key]!);
    close('at', even(path.seen.observation), told.at!);
    close('led', even(reached), told.led!);
    close('last at', numbersOf((last.state as { readonly at: unknown }).at), [end.at]);
    close('last age, episode and total', [last.age, last.episode, last.total].flatMap(numbersOf), [
      end.age,
      end.episode,
      end.total,
    ]);
    close('last memory', tree.leaves(last.memory).flatMap(numbersOf), tree.leaves(end.memory).flatMap(numbersOf));
  });

  test('replayed gives the same numbers, whatever is remembered at its start', async () => {
    const { params, start, path, last } = await played(name, episodes, physics);
    const agent = agents[name];
    const again = await compileFunction(
      engine,
      (own: never, key: Tensor, given: never, copy: Copy) => {
        const more = rollout(agent as never, own, given, copy, key, { steps, episodes });
        const { policy, value } = replay(agent as never, own, more.path);
        return { value, told: more.path.value, policy, action: more.path.action, logProb: more.path.logProb };
      },
      params,
      random.keyArray(0),
      tree.map(scalar, physics),
      last,
    );
    // From the start of a life, and from wherever the rollout before stopped.
    for (const copy of [start, last]) {
      const found = await again(params as never, random.keyArray(8), tree.map(scalar, physics) as never, copy as never);
      close('value', numbersOf(found.value), numbersOf(found.told));
      const policy = numbersOf(found.policy);
      const logProbs = numbersOf(found.action).map((action, i) => {
        const [left, right] = [policy[2 * i]!, policy[2 * i + 1]!];
        return (action === 1 ? right : left) - Math.log(Math.exp(left) + Math.exp(right));
      });
      close('logProb', logProbs, numbersOf(found.logProb));
    }
    expect(numbersOf(path.born)[0]).toBe(1);
  });
});

test('a life gives the return and length of each of its episodes, and says which steps belong to it', async () => {
  const agent = agents.recurrent;
  const episodes = 3;
  const play = await compileFunction(
    engine,
    (key: Tensor, given: never) =>
      life(agent as never, { episodes, greedy: false })(agent.init(random.foldIn(key, 0)) as never, given, key),
    random.keyArray(0),
    tree.map(scalar, physicsNumbers(walk)),
  );
  const found = await play(random.keyArray(5), tree.map(scalar, physicsNumbers(walk)) as never);
  const rewards = numbersOf(found.rewards);
  const ended = numbersOf(found.ended);
  const ends = ended.flatMap((x, i) => (x === 1 ? [i + 1] : [])).slice(0, episodes);
  const parts = ends.map((end, i) => rewards.slice(ends[i - 1] ?? 0, end));
  close(
    'returns',
    numbersOf(found.returns),
    parts.map((part) => part.reduce((a, b) => a + b, 0)),
  );
  close(
    'lengths',
    numbersOf(found.lengths),
    parts.map(({ length }) => length),
  );
  close(
    'alive',
    numbersOf(found.alive),
    rewards.map((_, i) => Number(i < ends.at(-1)!)),
  );
  // The longest life is of 12 steps; this one fell off before.
  expect(rewards.length).toBe(12);
  expect(ends.at(-1)).toBeLessThan(12);
});

test('greedily, the likeliest action is taken', async () => {
  const agent = agents.plain;
  const act = await compileFunction(
    engine,
    (key: Tensor, given: never) => {
      const params = agent.init(key) as never;
      const { path } = rollout(agent as never, params, given, startCopy(agent as never, given, key), key, {
        steps: 9,
        greedy: true,
      });
      return { policy: replay(agent as never, params, path).policy, action: path.action };
    },
    random.keyArray(0),
    tree.map(scalar, physicsNumbers(walk)),
  );
  const { policy, action } = await act(random.keyArray(1), tree.map(scalar, physicsNumbers(walk)) as never);
  const numbers = numbersOf(policy);
  expect(numbersOf(action)).toEqual(numbersOf(action).map((_, i) => Number(numbers[2 * i + 1]! > numbers[2 * i]!)));
});

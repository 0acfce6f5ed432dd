import * as optim from 'hyperloom/optim';
import {
  type Agent,
  agentExample,
  drawPhysics,
  type Family,
  life,
  type Physics,
  type Player,
  physicsCodeOf,
  physicsOf,
  type World,
} from 'hyperloom/rl';
import {
  type Aval,
  mean,
  mul,
  type NdArray,
  ndarray,
  random,
  type Tensor,
  tree,
  vmap,
  zerosArray,
} from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { animation } from '../report/animation.ts';
import { episodePictures } from '../report/worlds/index.ts';
import type { Episode, GeneratingPart, NamedCode, Picture, TrialWorld } from './recipe.ts';

/** Settings of {@link meanReturns}. */
export interface Lives {
  /** Lives under each physics of `bodies`, or in all, each under physics of its own. */
  readonly lives: number;
  /** Names the physics and starts. */
  readonly seed: number;
  readonly episodes?: number;
  /** Physics as numbers by name; others are the defaults. When absent they are drawn from the agent's family. */
  readonly bodies?: readonly Readonly<Record<string, number>>[];
}

/** Mean return of each episode of a life, and mean length of an episode, with the likeliest actions. */
export async function meanReturns(
  run: Run<Trainable>,
  agent: Player,
  { lives, seed, episodes = 1, bodies }: Lives,
): Promise<{ readonly returns: readonly number[]; readonly length: number }> {
  const { environment, family } = agent;
  const play = life(agent, { episodes });
  const one = (params: never, key: Tensor, physics: Physics) => {
    const { returns, lengths } = play(params, physics, random.foldIn(key, 1));
    return { returns, lengths };
  };
  const measure = (params: never, keys: Tensor, given: Readonly<Record<string, Tensor>>) => {
    const each = bodies
      ? vmap((key: Tensor, own: Physics) => one(params, key, { ...physicsOf(environment), ...own }))(keys, given)
      : vmap((key: Tensor) => one(params, key, drawPhysics(environment, random.foldIn(key, 0), family)))(keys);
    return tree.map((t: Tensor) => mean(t, { axis: 0 }), each);
  };
  const count = lives * (bodies?.length ?? 1);
  const names = Object.keys(bodies?.[0] ?? {});
  const rows = names.map((name) => {
    const values = Float32Array.from({ length: count }, (_, i) => bodies![i % bodies!.length]![name]!);
    return [name, ndarray(values, [count])] as const;
  });
  const found = await run.call(measure, keysOf(seed, count), Object.fromEntries(rows));
  const { returns, lengths } = found as Record<string, NdArray>;
  const length = Array.from(lengths!.data).reduce((a, b) => a + b, 0) / lengths!.data.length;
  return { returns: Array.from(returns!.data), length };
}

/** Settings of {@link bodyReturns}. */
export interface BodyLives {
  /** Lives of each body; they begin alike for all bodies. */
  readonly lives: number;
  readonly seed: number;
  /** Weights of 0 in place of the run's: an agent that does nothing. */
  readonly still?: boolean;
}

/** A function that gives the mean return of each of some bodies; what is not said of a body is the default. */
export function bodyReturns(agent: Player) {
  const play = life(agent);
  const one = (params: never, body: Physics, keys: Tensor) =>
    mean(vmap((key: Tensor) => play(params, { ...physicsOf(agent.environment), ...body }, key).returns)(keys));
  const measure = (params: never, bodies: Physics, keys: Tensor) =>
    vmap((body: Physics) => one(params, body, keys))(bodies);
  const idle = (params: never, bodies: Physics, keys: Tensor) =>
    measure(tree.map((t: Tensor) => mul(t, 0), params) as never, bodies, keys);
  return async (
    run: Run<Trainable>,
    bodies: readonly Readonly<Record<string, number>>[],
    { lives, seed, still = false }: BodyLives,
  ): Promise<number[]> => {
    const column = (name: string) =>
      ndarray(
        Float32Array.from(bodies, (body) => body[name]!),
        [bodies.length],
      );
    const given = Object.fromEntries(Object.keys(bodies[0]!).map((name) => [name, column(name)]));
    const { data } = (await run.call(still ? idle : measure, given, keysOf(seed, lives))) as NdArray;
    return Array.from(data);
  };
}

/** Keys of many lives: [lives, 2]. */
export function keysOf(seed: number, lives: number): NdArray {
  const [first, second] = random.keyArray(seed).data;
  const data = Uint32Array.from({ length: 2 * lives }, (_, i) => (i % 2 === 0 ? first! + (i >> 1) + 1 : second!));
  return { dtype: 'uint32', shape: [lives, 2], data };
}

/** The world of an agent, in which the runs of its trial play: greedily, and the first episode of a life. */
export function worldOf(agent: Player): TrialWorld {
  const play = lifeOf(agent);
  const { environment, family } = agent;
  return {
    environment,
    ...(Object.keys(family).length > 0 && { code: (physics) => physicsCodeOf(environment, family, physics) }),
    play: async (run, physics, seed) => (await play(run, physics, seed))[0]!,
  };
}

/** A function that plays lives of several episodes, compiled once for each run. */
export function lifeOf(agent: Player, episodes = 1) {
  const play = life(agent, { episodes });
  return async (
    run: Run<Trainable>,
    physics: Readonly<Record<string, number>>,
    seed: number,
  ): Promise<readonly Episode[]> => {
    const numbers = tree.map((value: number) => ndarray(Float32Array.of(value), []), physics);
    const given = (await run.call(play as never, numbers, random.keyArray(seed))) as Record<string, NdArray>;
    return episodesOf(given, agent.environment.spec.limit).slice(0, episodes);
  };
}

/** The episodes that steps are made of. */
function episodesOf({ observations, actions, rewards, ended }: Record<string, NdArray>, limit: number): Episode[] {
  const rows = ({ shape: [count], data }: NdArray, from: number, to: number) => {
    const size = data.length / count!;
    return Array.from({ length: to - from }, (_, i) =>
      Array.from(data.slice((from + i) * size, (from + i + 1) * size)),
    );
  };
  const ends = Array.from(ended!.data).flatMap((over, i) => (over ? [i + 1] : []));
  return ends.map((end, e) => {
    const start = e === 0 ? 0 : ends[e - 1]!;
    const done = rows(actions!, start, end);
    return {
      moments: rows(observations!, start, end).map((seen, i) => ({ seen, action: done[i]! })),
      rewards: Array.from(rewards!.data.slice(start, end)),
      end: end - start < limit ? 'terminated' : 'limit',
    };
  });
}

/** Episodes as an animated picture, one after the other. */
export async function episodePicture(
  { environment }: TrialWorld,
  physics: Readonly<Record<string, number>>,
  episodes: readonly Episode[],
  {
    name,
    caption,
    fps = 25,
    every = 2,
  }: { readonly name: string; readonly caption: string; readonly fps?: number; readonly every?: number },
): Promise<Picture> {
  const pictures = episodes.flatMap(({ moments }) => episodePictures(environment, physics, moments));
  const content = await animation(pictures, { fps, every });
  return { name: `${name}.gif`, caption, content };
}

/** Codes of the usual body and of others that have names. */
export const bodyCodes = (
  environment: World,
  family: Family,
  bodies: Readonly<Record<string, Readonly<Record<string, number>>>>,
): NamedCode[] =>
  Object.entries({ usual: {}, ...bodies }).map(([name, body]) => {
    const numbers = physicsCodeOf(environment, family, body);
    return { name, code: ndarray(Float32Array.from(numbers), [numbers.length]) };
  });

/** The policy of an agent as the hypernetwork that it is, where its weights are generated; nothing otherwise. */
export const generatingPart = ({ policy, environment }: Agent): { readonly part?: GeneratingPart } =>
  policy.from === undefined
    ? {}
    : {
        part: {
          model: policy.module as Trainable,
          exampleInput: zerosArray('float32', [environment.spec.observation.length]),
          of: (params) => (params as { readonly policy: unknown }).policy,
        },
      };

/** What a trial of an agent in a world of tensors is made of, whatever it is trained by. */
export const agentParts = (agent: Player) => ({
  model: agent as Trainable,
  world: worldOf(agent),
  exampleInput: exampleOf(agent),
  ...generatingPart(agent),
});

/** Adam with clipped gradients, whose rate falls to 0 over so many updates. */
export const decaying = (initial: number, updates: number): optim.Optimizer =>
  optim.chain(optim.clipByGlobalNorm(0.5), optim.adam(optim.linear({ initial, end: 0, steps: Math.max(1, updates) })));

/** An input of an agent, of zeros: for plans and descriptions. */
export const exampleOf = (agent: Agent): unknown =>
  tree.map(({ dtype, shape }: Aval) => zerosArray(dtype, shape), agentExample(agent));

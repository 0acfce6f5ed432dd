import { agentExample, drawPhysics, type Family, life, type Player } from 'hyperloom/rl';
import { type Aval, mean, type NdArray, ndarray, random, type Tensor, tree, vmap, zerosArray } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { animation } from '../report/animation.ts';
import { episodePictures } from '../report/worlds/index.ts';
import type { Episode, Picture, TrialWorld } from './recipe.ts';

/** Settings of {@link meanReturns}. */
export interface Lives {
  /** Lives to play, each under physics of its own. */
  readonly lives: number;
  /** Names the physics and starts. */
  readonly seed: number;
  readonly episodes?: number;
  /** What physics are drawn from. Default: the agent's family. */
  readonly physics?: Family;
}

/** Mean return of each episode of a life, and length of an episode, over lives with the likeliest actions. */
export async function meanReturns(
  run: Run<Trainable>,
  agent: Player,
  { lives, seed, episodes = 1, physics = agent.family }: Lives,
): Promise<{ readonly returns: readonly number[]; readonly length: number }> {
  const play = life(agent, { episodes });
  const measure = (params: never, keys: Tensor) => {
    const one = (key: Tensor) => {
      const own = drawPhysics(agent.environment, random.foldIn(key, 0), physics);
      const { returns, lengths } = play(params, own, random.foldIn(key, 1));
      return { returns, lengths };
    };
    return tree.map((t: Tensor) => mean(t, { axis: 0 }), vmap(one)(keys));
  };
  const { returns, lengths } = (await run.call(measure, keysOf(seed, lives))) as Record<string, NdArray>;
  const mean1 = (data: ArrayLike<number>) => Array.from(data).reduce((a, b) => a + b, 0) / data.length;
  return { returns: Array.from(returns!.data), length: mean1(lengths!.data) };
}

/** Keys of many lives: [lives, 2]. */
export function keysOf(seed: number, lives: number): NdArray {
  const [first, second] = random.keyArray(seed).data;
  const data = Uint32Array.from({ length: 2 * lives }, (_, i) => (i % 2 === 0 ? first! + (i >> 1) + 1 : second!));
  return { dtype: 'uint32', shape: [lives, 2], data };
}

/** The world of an agent, in which the runs of its trial play: greedily, and the first episode of a life. */
export function worldOf(agent: Player): TrialWorld {
  const { environment } = agent;
  const play = life(agent);
  return {
    environment,
    play: async (run, physics, seed) => {
      const numbers = Object.fromEntries(
        Object.entries(physics).map(([name, value]) => [name, ndarray(Float32Array.of(value), [])]),
      );
      const given = (await run.call(play as never, numbers, random.keyArray(seed))) as Record<string, NdArray>;
      return episodeOf(given, environment.spec.limit);
    },
  };
}

/** What a life came to, up to the end of its first episode. */
function episodeOf({ observations, actions, rewards, ended }: Record<string, NdArray>, limit: number): Episode {
  const steps = Array.from(ended!.data).indexOf(1) + 1;
  const rows = ({ shape: [count], data }: NdArray) => {
    const size = data.length / count!;
    return Array.from({ length: steps }, (_, i) => Array.from(data.subarray(i * size, (i + 1) * size)));
  };
  const done = rows(actions!);
  return {
    moments: rows(observations!).map((seen, i) => ({ seen, action: done[i]! })),
    rewards: Array.from(rewards!.data.subarray(0, steps)),
    end: steps < limit ? 'terminated' : 'limit',
  };
}

/** An episode as an animated picture. */
export async function episodePicture(
  { environment }: TrialWorld,
  physics: Readonly<Record<string, number>>,
  { moments }: Episode,
  {
    name,
    caption,
    fps = 25,
    every = 2,
  }: { readonly name: string; readonly caption: string; readonly fps?: number; readonly every?: number },
): Promise<Picture> {
  const content = await animation(episodePictures(environment, physics, moments), { fps, every });
  return { name: `${name}.gif`, caption, content };
}

/** An input of an agent, of zeros: for plans and descriptions. */
export const exampleOf = (agent: Player): unknown =>
  tree.map(({ dtype, shape }: Aval) => zerosArray(dtype, shape), agentExample(agent));

import { compileFunction } from '../engine/index.ts';
import {
  cast,
  constant,
  cumsum,
  equal,
  iota,
  less,
  mean,
  type NdArray,
  random,
  sub,
  sum,
  type Tensor,
  tree,
  vmap,
  where,
} from '../tensor/index.ts';
import type { Evaluation, Packed } from '../train/index.ts';
import { drawPhysics, type Family, familyOf, type Physics } from './environment.ts';
import { type Player, rollout, startCopy } from './rollout.ts';

/** How a life is played. */
export interface LifeOptions {
  /** Episodes over which the agent keeps its memory. Default 1. */
  readonly episodes?: number;
  /** Takes the likeliest actions in place of drawn ones. Default true. */
  readonly greedy?: boolean;
}

/** One life of an agent. Steps after its end are there too, as long as the longest life is. */
export interface Life<T = Tensor> {
  /** Sum of rewards, and number of steps, of each episode: [episodes]. */
  readonly returns: T;
  readonly lengths: T;
  /** What was seen before each step, [steps, observation], what was done, and the reward. */
  readonly observations: T;
  readonly actions: T;
  readonly rewards: T;
  /** bool [steps]: which steps belong to the life, and which end an episode. */
  readonly alive: T;
  readonly ended: T;
}

/**
 * One life of an agent under some physics, as a pure function of its weights: `vmap` it over physics and keys. What is
 * not read of it is not computed.
 * @example
 * const world = rl.gridNavigation();
 * const net = (out: number) => nn.mlp({ in: 2, hidden: [8], out });
 * const agent = rl.actorCritic({ environment: world, policy: net(5), value: net(1) });
 * const play = rl.life(agent);
 * const { returns } = play(agent.init(random.key(0)) as never, rl.physicsOf(world), random.key(1)); // [1]
 */
export const life =
  (agent: Player, { episodes = 1, greedy = true }: LifeOptions = {}) =>
  (params: never, physics: Physics, key: Tensor): Life => {
    const start = startCopy(agent, physics, random.foldIn(key, 0));
    const steps = agent.environment.spec.limit * episodes;
    const { path, score } = rollout(agent, params, physics, start, random.foldIn(key, 1), { steps, episodes, greedy });
    const over = cast(score.ended, 'int32');
    const episode = sub(cumsum(over), over);
    const each = (t: Tensor) => vmap((e: Tensor) => sum(where(equal(episode, e), t, 0)))(iota(episodes));
    return {
      returns: each(path.reward),
      lengths: each(constant(1)),
      observations: path.seen.observation,
      actions: path.action,
      rewards: path.reward,
      alive: less(episode, episodes),
      ended: score.ended,
    };
  };

/** Settings of {@link fitness}. */
export interface FitnessOptions extends LifeOptions {
  /** Lives, each under physics of its own. Default 32. */
  readonly lives?: number;
  /** Physics that they are drawn from. Default: the agent's family. */
  readonly physics?: Family | readonly string[];
}

/** Mean return and length of an episode, over lives that a key draws. */
function meanLives(agent: Player, { lives = 32, physics, ...options }: FitnessOptions) {
  const { environment } = agent;
  const family = physics === undefined ? agent.family : familyOf(environment, physics as Family);
  const play = life(agent, options);
  return (params: never, key: Tensor) => {
    const one = (own: Tensor) => {
      const drawn = drawPhysics(environment, random.foldIn(own, 0), family);
      const { returns: all, lengths } = play(params, drawn, random.foldIn(own, 1));
      return { return: mean(all), length: mean(lengths) };
    };
    const each = vmap(one)(vmap((i: Tensor) => random.foldIn(key, i))(iota(lives)));
    return tree.map((t: Tensor) => mean(t), each) as typeof each;
  };
}

/**
 * The mean return of an agent's episodes over lives that a key draws, as a pure function of its weights: for methods
 * that need no gradient.
 * @throws ArgumentError for physics that the environment does not have
 * @example
 * const net = (out: number) => nn.mlp({ in: 4, hidden: [8], out });
 * const agent = rl.actorCritic({ environment: rl.cartPole(), policy: net(2), value: net(1) });
 * const measure = rl.fitness(agent, { lives: 2 });
 * const found = measure(agent.init(random.key(0)) as never, random.key(1)); // a scalar
 */
export const fitness = (agent: Player, options: FitnessOptions = {}): ((params: never, key: Tensor) => Tensor) => {
  const measure = meanLives(agent, options);
  return (params, key) => measure(params, key).return;
};

/** Settings of {@link returns}. */
export interface ReturnsOptions extends FitnessOptions {
  /** Iterations of training from one evaluation to the next. */
  readonly every: number;
  /** Names the physics and starts, which are the same each time. Default 0. */
  readonly seed?: number;
}

/**
 * The mean return and length of an agent's episodes, as an evaluation while training.
 * @example
 * const net = (out: number) => nn.mlp({ in: 4, hidden: [8], out });
 * const agent = rl.actorCritic({ environment: rl.cartPole(), policy: net(2), value: net(1) });
 * const method = rl.ppo({ copies: 8, steps: 16, optimizer: optim.adam(1e-3) });
 * const run = await trainWith(agent, method, { steps: 1, evaluate: rl.returns({ every: 1, lives: 2 }) });
 * await run.dispose();
 */
export const returns = ({ every, seed = 0, ...options }: ReturnsOptions): Evaluation<Player> => ({
  every,
  compile: async ({ model, layout }, engine) => {
    const means = meanLives(model, options);
    const measure = (packed: Packed<Tensor>, key: Tensor) => means(layout.unpack(packed) as never, key);
    const compiled = await compileFunction(engine, measure, layout.form, random.keyArray(seed));
    return {
      run: async (packed) => {
        const found = await compiled(packed, random.keyArray(seed));
        return tree.map(({ data }: NdArray) => data[0] as number, found) as unknown as Record<string, number>;
      },
      dispose: () => compiled.dispose(),
    };
  },
});

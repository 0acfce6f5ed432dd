import {
  ArgumentError,
  cast,
  constant,
  div,
  greater,
  iota,
  maximum,
  mul,
  random,
  sum,
  type Tensor,
  vmap,
  where,
} from '../tensor/index.ts';
import { drawPhysics, type Family, familyOf, type Physics, physicsOf } from './environment.ts';
import { type Copy, type Path, type Player, rollout, type Score, startCopy } from './rollout.ts';

/** How an iteration of a method plays. */
export interface PlayingOptions {
  /** Copies of the environment that are played side by side. Default 64. */
  readonly copies?: number;
  /** Steps of each copy in an iteration. Default 128, and with `restart` the longest that a life can be. */
  readonly steps?: number;
  /** Episodes of a life, over which the agent keeps its memory and rewards add up. Default 1. */
  readonly episodes?: number;
  /** Physics of the copies. Default: those of the agent's family. */
  readonly physics?: Family | readonly string[];
  /** Whether each iteration begins new lives, under new physics. Default: where physics vary. */
  readonly restart?: boolean;
  /** What rewards are multiplied by to learn from them; what is told is in the environment's own. Default 1. */
  readonly rewardScale?: number;
}

/** Returns and lengths of the last episodes that ended. */
interface Recent {
  readonly return: Tensor;
  readonly length: Tensor;
}

/** What is carried: copies where they are, with their physics, unless each iteration restarts; and how it last went. */
export interface PlayingState {
  readonly copies: { readonly copy?: Copy; readonly varied?: Physics };
  readonly recent: Recent;
}

/** What was played: paths [copies, ...] with rewards as they are learnt from, and what is carried on. */
export interface Played {
  readonly paths: Path;
  readonly state: PlayingState;
}

/** The part of an iteration in which copies of an environment are played, the same for all methods. */
export interface Playing {
  start(agent: Player, key: Tensor): PlayingState;
  play(agent: Player, params: never, before: PlayingState, key: Tensor): Played;
}

/**
 * Playing with a method's settings.
 * @param method its name, for errors
 * @throws ArgumentError for counts that are not positive whole numbers
 */
export function playing(
  method: string,
  { copies = 64, episodes = 1, rewardScale = 1, ...options }: PlayingOptions,
): Playing {
  checkWhole(method, { copies, episodes, ...(options.steps !== undefined && { steps: options.steps }) });

  /** What depends on the agent too. */
  const plan = (agent: Player) => {
    const { environment } = agent;
    const family = options.physics === undefined ? agent.family : familyOf(environment, options.physics as Family);
    const { restart = Object.keys(family).length > 0 } = options;
    const { steps = restart ? environment.spec.limit * episodes : 128 } = options;
    const begin = (key: Tensor) => {
      const all = drawPhysics(environment, random.foldIn(key, 0), family);
      const varied = Object.fromEntries(Object.keys(family).map((name) => [name, all[name as never]])) as Physics;
      return { varied, copy: startCopy(agent, all, random.foldIn(key, 1)) };
    };
    const physicsWith = (varied: Physics): Physics => ({ ...physicsOf(environment), ...varied });
    return { restart, steps, begin, physicsWith };
  };
  const each = (key: Tensor) => vmap((i: Tensor) => random.foldIn(key, i))(iota(copies));
  return {
    start: (agent, key) => {
      const { restart, begin } = plan(agent);
      return {
        copies: restart ? {} : vmap(begin)(each(key)),
        recent: { return: constant(0), length: constant(0) },
      };
    },
    play: (agent, params, before, key) => {
      const { restart, steps, begin, physicsWith } = plan(agent);
      const one = (own: Tensor, given: PlayingState['copies']) => {
        const { copy, varied } = restart ? begin(random.foldIn(own, 0)) : (given as ReturnType<typeof begin>);
        const played = rollout(agent, params, physicsWith(varied), copy, random.foldIn(own, 1), { steps, episodes });
        return { ...played, next: restart ? {} : { copy: played.last, varied } };
      };
      const { path, score, next } = vmap(one)(each(key), before.copies);
      const paths = { ...path, reward: mul(path.reward, rewardScale) };
      return { paths, state: { copies: next, recent: recentOf(score, before.recent) } };
    },
  };
}

/** @throws ArgumentError for settings that are not positive whole numbers */
export function checkWhole(method: string, settings: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(settings))
    if (!Number.isInteger(value) || value < 1)
      throw new ArgumentError(`${method}: expected a whole number of at least 1 for ${name}, got ${value}`);
}

/** Mean return and length of the episodes that ended; as before where none did. */
export function recentOf({ ended, total, age }: Score, before: Recent): Recent {
  const count = sum(cast(ended, 'float32'));
  const meanOf = (t: Tensor, old: Tensor) =>
    where(greater(count, 0), div(sum(where(ended, cast(t, 'float32'), 0)), maximum(count, 1)), old);
  return { return: meanOf(total, before.return), length: meanOf(age, before.length) };
}

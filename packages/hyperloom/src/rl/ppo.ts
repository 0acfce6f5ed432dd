import type { Optimizer } from '../optim/index.ts';
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
import type { Method, Subject } from '../train/index.ts';
import { type Agent, agentExample } from './agent.ts';
import { drawPhysics, type Environment, type Family, familyOf, type Physics, physicsOf } from './environment.ts';
import { type PpoUpdateOptions, ppoUpdate } from './ppoUpdate.ts';
import { type Copy, type Player, rollout, type Score, startCopy } from './rollout.ts';

/** Settings of {@link ppo}. */
export interface PpoOptions extends Partial<PpoUpdateOptions> {
  readonly optimizer: Optimizer;
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
interface State {
  readonly copies: { readonly copy?: Copy; readonly varied?: Physics };
  readonly recent: Recent;
}

/**
 * Proximal policy optimisation (Schulman et al. 2017) as a method of training: a step is a whole iteration, of playing,
 * advantages and epochs of mini-batches, in one program. It tells `return` and `length` of the episodes that ended,
 * `entropy`, `kl`, `clipFraction`, `policyLoss`, `valueLoss` and `explainedVariance`.
 * @throws ArgumentError for counts that are not positive whole numbers, or copies that batches do not divide
 * @example
 * const net = (out: number) => nn.mlp({ in: 4, hidden: [32], out, activation: nn.tanh });
 * const agent = rl.actorCritic({ environment: rl.cartPole(), policy: net(2), value: net(1) });
 * const method = rl.ppo({ copies: 8, steps: 16, optimizer: optim.adam(1e-3) });
 * const run = await trainWith(agent, method, { steps: 2 });
 * await run.dispose();
 */
export function ppo<P extends string, S>({
  optimizer,
  copies = 64,
  episodes = 1,
  epochs = 4,
  batches = 4,
  discount = 0.99,
  lambda = 0.95,
  clip = 0.2,
  entropy = 0,
  valueWeight = 0.5,
  rewardScale = 1,
  ...options
}: PpoOptions): Method<Agent<Environment<P, S>>> {
  const whole = { copies, episodes, epochs, batches, ...(options.steps !== undefined && { steps: options.steps }) };
  for (const [name, value] of Object.entries(whole))
    if (!Number.isInteger(value) || value < 1)
      throw new ArgumentError(`ppo: expected a whole number of at least 1 for ${name}, got ${value}`);
  if (copies % batches !== 0)
    throw new ArgumentError(`ppo: expected batches that divide the ${copies} copies, got ${batches}`);
  const learning = { optimizer, epochs, batches, discount, lambda, clip, entropy, valueWeight };

  /** What depends on the agent too. */
  const plan = (model: unknown) => {
    const agent = model as Player;
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
    return { agent, restart, steps, begin, physicsWith };
  };
  const each = (key: Tensor) => vmap((i: Tensor) => random.foldIn(key, i))(iota(copies));
  return {
    example: agentExample,
    inputs: null,
    start: ({ model }, packed, key) => {
      const { restart, begin } = plan(model);
      const state: State = {
        copies: restart ? {} : vmap(begin)(each(random.foldIn(key, 4))),
        recent: { return: constant(0), length: constant(0) },
      };
      return { ...packed, optimizer: optimizer.init(packed.theta), state };
    },
    step: (subject, { theta, rest, ...before }, call) => {
      const { agent, restart, steps, begin, physicsWith } = plan(subject.model);
      const state = before.state as State;
      const key = random.foldIn(random.foldIn(call.key, 3), call.step);
      const params = subject.layout.unpack({ theta, rest }) as never;
      const play = (own: Tensor, given: State['copies']) => {
        const { copy, varied } = restart ? begin(random.foldIn(own, 0)) : (given as ReturnType<typeof begin>);
        const played = rollout(agent, params, physicsWith(varied), copy, random.foldIn(own, 1), { steps, episodes });
        return { ...played, next: restart ? {} : { copy: played.last, varied } };
      };
      const { path, score, next } = vmap(play)(each(random.foldIn(key, 0)), state.copies);
      const scaled = { ...path, reward: mul(path.reward, rewardScale) };
      const learnt = { theta, rest, optimizer: before.optimizer };
      const { loss, gradientNorm, metrics, ...learned } = ppoUpdate(
        subject as unknown as Subject<Agent>,
        learnt,
        scaled,
        random.foldIn(key, 1),
        learning,
      );
      const recent = recentOf(score, state.recent);
      const after: State = { copies: next, recent };
      return {
        carried: { ...learned, state: after },
        measured: { loss, gradientNorm, metrics: { ...recent, ...metrics } },
      };
    },
  };
}

/** Mean return and length of the episodes that ended; as before where none did. */
export function recentOf({ ended, total, age }: Score, before: Recent): Recent {
  const count = sum(cast(ended, 'float32'));
  const meanOf = (t: Tensor, old: Tensor) =>
    where(greater(count, 0), div(sum(where(ended, cast(t, 'float32'), 0)), maximum(count, 1)), old);
  return { return: meanOf(total, before.return), length: meanOf(age, before.length) };
}

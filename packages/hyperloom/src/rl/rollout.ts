import {
  add,
  and,
  broadcastTo,
  cast,
  constant,
  equal,
  greaterEqual,
  iota,
  not,
  or,
  random,
  scan,
  type Tensor,
  tree,
  where,
} from '../tensor/index.ts';
import type { Agent, AgentOutput, Last, Seen } from './agent.ts';
import { noNoise } from './distribution.ts';
import { type Environment, type Physics, physicsCode } from './environment.ts';

/** An agent and the tensor program that it acts in. */
export type Player = Agent<Environment<string, unknown>>;

/** Where one copy of an environment and its agent are between two steps. */
export interface Copy {
  readonly state: unknown;
  /** Steps of this episode so far, and episodes of this life; int32 scalars. */
  readonly age: Tensor;
  readonly episode: Tensor;
  /** Rewards of this episode so far. */
  readonly total: Tensor;
  readonly last: Last;
  readonly memory: unknown;
}

/** Steps of one copy. Every tensor but `seen.code` and `memory` has a leading axis of steps. */
export interface Path {
  readonly seen: Seen;
  /** What the agent kept before the first step. */
  readonly memory: unknown;
  /** bool: a life begins with this step, so that nothing is kept from before. */
  readonly born: Tensor;
  readonly action: Tensor;
  /** Of the action, under the policy that chose it. */
  readonly logProb: Tensor;
  readonly reward: Tensor;
  /** What the agent expected before the step, and expects of what the step led to, were it to go on. */
  readonly value: Tensor;
  readonly nextValue: Tensor;
  /** bool: nothing follows, and what is to come is worth nothing. */
  readonly terminated: Tensor;
  /** bool: the step ends a life, and the next step belongs to another. */
  readonly over: Tensor;
}

/** How episodes went. Every tensor has a leading axis of steps. */
export interface Score {
  /** bool: the step ends an episode. */
  readonly ended: Tensor;
  /** Rewards and steps of the episode up to and with this step. */
  readonly total: Tensor;
  readonly age: Tensor;
}

/** How long, and how. */
export interface RolloutOptions {
  readonly steps: number;
  /** Episodes of a life, over which the agent keeps its memory and rewards add up. Default 1. */
  readonly episodes?: number;
  /** Takes the likeliest actions in place of drawn ones. Default false. */
  readonly greedy?: boolean;
}

/** Before anything was done. */
export const nothingYet = ({ distribution }: Pick<Agent, 'distribution'>): Last => ({
  action: noNoise(distribution),
  reward: constant(0),
  first: constant(1),
});

/** A memory in which nothing is. */
export const emptyMemory = ({ memory }: Pick<Agent, 'memory'>): unknown =>
  tree.map(({ dtype, shape }: Tensor) => broadcastTo(constant(0, dtype), shape), memory);

/** A copy at the start of a life. */
export const startCopy = (agent: Player, physics: Physics, key: Tensor): Copy => ({
  state: agent.environment.reset(key, physics as never),
  age: constant(0, 'int32'),
  episode: constant(0, 'int32'),
  total: constant(0),
  last: nothingYet(agent),
  memory: emptyMemory(agent),
});

/** One tree or another, by a bool scalar. */
export const choose = <T>(which: Tensor, yes: T, no: T): T =>
  tree.map((a: Tensor, b: Tensor) => where(which, a, b), yes, no) as T;

/** The code that an agent sees of some physics. */
export const seenCode = ({ environment, family }: Agent, physics: Physics): { readonly code?: Tensor } =>
  Object.keys(family).length === 0 ? {} : { code: physicsCode(environment, family, physics) };

/**
 * Steps of one copy of an environment; `vmap` for more. Where an episode is over the next one begins within the same
 * step. What depends on physics alone, such as generated weights, is computed once for all steps.
 * @returns where the copy is after the last step, what the agent did, how episodes went, and what was seen of what each
 * step led to: [steps, observation], of the next episode where a life goes on after the end of one
 * @example
 * const world = rl.cartPole();
 * const net = (out: number) => nn.mlp({ in: 4, hidden: [16], out });
 * const agent = rl.actorCritic({ environment: world, policy: net(2), value: net(1) });
 * const physics = rl.physicsOf(world);
 * const start = rl.startCopy(agent, physics, random.key(1));
 * const params = agent.init(random.key(0)) as never;
 * const { path } = rl.rollout(agent, params, physics, start, random.key(2), { steps: 8 });
 */
export function rollout(
  agent: Player,
  params: never,
  physics: Physics,
  start: Copy,
  key: Tensor,
  { steps, episodes = 1, greedy = false }: RolloutOptions,
): { readonly last: Copy; readonly path: Path; readonly score: Score; readonly reached: Tensor } {
  const { environment, distribution } = agent;
  const code = seenCode(agent, physics);
  const observe = (state: unknown): Tensor => environment.observe(state as never, physics as never);
  const act = (seen: Seen, memory: unknown): AgentOutput => agent.apply(params, { seen, memory });

  type Drawn = { readonly noise: Tensor; readonly at: Tensor };
  const step = (now: Copy, { noise, at }: Drawn) => {
    const seen: Seen = { observation: observe(now.state), ...code, last: now.last };
    const given = act(seen, now.memory);
    const action = greedy ? distribution.mode(given.policy) : distribution.sample(given.policy, noise);
    const outcome = environment.step(now.state as never, action, physics as never);
    const age = add(now.age, 1);
    const total = add(now.total, outcome.reward);
    const ended = or(outcome.terminated, greaterEqual(age, environment.spec.limit));
    const over = and(ended, greaterEqual(add(now.episode, 1), episodes));
    const next = choose<unknown>(
      ended,
      environment.reset(random.foldIn(random.foldIn(key, 1), at), physics as never),
      outcome.state,
    );
    const last: Last = { action: distribution.vector(action), reward: outcome.reward, first: cast(ended, 'float32') };
    // Where a life is over, what has a value is what the step led to, not the start of another life.
    const reached: Seen = {
      observation: where(over, observe(outcome.state), observe(next)),
      ...code,
      last: { ...last, first: where(over, 0, last.first) },
    };
    const after: Copy = {
      state: next,
      age: where(ended, 0, age),
      episode: where(over, 0, add(now.episode, cast(ended, 'int32'))),
      total: where(ended, 0, total),
      last: choose(over, nothingYet(agent), last),
      memory: choose(over, emptyMemory(agent), given.memory),
    };
    const told = {
      observation: seen.observation,
      last: seen.last,
      born: and(equal(now.age, 0), equal(now.episode, 0)),
      action,
      logProb: distribution.logProb(given.policy, action),
      reward: outcome.reward,
      value: given.value,
      nextValue: act(reached, given.memory).value,
      // Within a life an episode's end is a step like any other.
      terminated: and(outcome.terminated, over),
      over,
    };
    return [after, { told, score: { ended, total, age }, led: reached.observation }] as const;
  };
  const noise = distribution.noise(random.foldIn(key, 0), [steps]);
  const [last, { told, score, led }] = scan(step, start, { noise, at: iota(steps) });
  const { observation, last: before, ...path } = told;
  const seen = { observation, ...code, last: before };
  return { last, path: { ...path, seen, memory: start.memory }, score, reached: led };
}

/** What an agent gives at each step of a path, with weights other than those that chose its actions. */
export function replay(
  agent: Agent,
  params: never,
  { seen, memory, born }: Pick<Path, 'seen' | 'memory' | 'born'>,
  context: () => { readonly context: Parameters<Agent['apply']>[2]; readonly told: unknown } = () => ({
    context: undefined,
    told: {},
  }),
): { readonly policy: Tensor; readonly value: Tensor; readonly told: unknown } {
  const { code, observation, last } = seen;
  const step = (kept: unknown, x: { readonly observation: Tensor; readonly last: Last; readonly born: Tensor }) => {
    const before = choose(x.born, emptyMemory(agent), kept);
    const now = { observation: x.observation, ...(code && { code }), last: x.last };
    const { context: own, told } = context();
    const given = agent.apply(params, { seen: now, memory: before }, own);
    return [given.memory, { policy: given.policy, value: given.value, told }] as const;
  };
  const [, given] = scan(step, memory, { observation, last, born });
  return given;
}

/** The opposite of a bool as a float: 0 where true. */
export const unless = (t: Tensor): Tensor => cast(not(t), 'float32');

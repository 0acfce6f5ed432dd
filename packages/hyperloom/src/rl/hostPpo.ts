import type { Engine } from '../engine/index.ts';
import type { Optimizer } from '../optim/index.ts';
import { ArgumentError, constant, mul, random, type Tensor, vmap } from '../tensor/index.ts';
import { type Method, packing } from '../train/index.ts';
import { type Agent, agentExample, type Last } from './agent.ts';
import { type Family, familyOf } from './environment.ts';
import type { HostEnvironment } from './host.ts';
import { type HostPaths, hostPathTypes, hostPhysics, hostPlayer } from './hostPlaying.ts';
import { checkWhole, type PlayingState, recentOf } from './playing.ts';
import { shownOf } from './policy.ts';
import { type PpoUpdateOptions, ppoUpdate } from './ppoUpdate.ts';
import { type Path, replay } from './rollout.ts';

/** Settings of {@link hostPpo}. */
export interface HostPpoOptions extends Partial<PpoUpdateOptions> {
  readonly optimizer: Optimizer;
  /** What is played: copies of the world that the agent is for. */
  readonly host: HostEnvironment;
  /** Steps of each copy in an iteration. Default: the world's time limit. */
  readonly steps?: number;
  /** Physics of the copies, drawn anew for each iteration. Default: those of the agent's family. */
  readonly physics?: Family | readonly string[];
  /** What rewards are multiplied by to learn from them. Default 1. */
  readonly rewardScale?: number;
}

/**
 * Proximal policy optimisation as of {@link ppo}, on a simulator outside of the program. The agent acts for all copies
 * in one call at each step; the update is one program. Each iteration begins new episodes, so that a run which is
 * resumed plays what it would have played.
 * @throws ArgumentError for counts that are not positive whole numbers, or copies that batches do not divide
 * @example
 * const method = (host: rl.HostEnvironment) => rl.hostPpo({ host, steps: 64, optimizer: optim.adam(1e-3) });
 */
export function hostPpo({
  host,
  optimizer,
  steps = host.spec.limit,
  epochs = 4,
  batches = 4,
  discount = 0.99,
  lambda = 0.95,
  clip = 0.2,
  entropy = 0,
  valueWeight = 0.5,
  rewardScale = 1,
  physics,
}: HostPpoOptions): Method<Agent> {
  const { copies } = host;
  checkWhole('hostPpo', { steps, epochs, batches });
  if (copies % batches !== 0)
    throw new ArgumentError(`hostPpo: expected batches that divide the ${copies} copies, got ${batches}`);
  const learning = { optimizer, epochs, batches, discount, lambda, clip, entropy, valueWeight };
  return {
    example: agentExample,
    shown: shownOf,
    inputs: (agent) => hostPathTypes(agent, copies, steps),
    start: (_, packed) => ({
      ...packed,
      optimizer: optimizer.init(packed.theta),
      state: { return: constant(0), length: constant(0) },
    }),
    step: (subject, { theta, rest, ...before }, call) => {
      const key = random.foldIn(random.foldIn(call.key, 3), call.step);
      const params = subject.layout.unpack({ theta, rest }) as never;
      const played = call.inputs as HostPaths<Tensor>;
      const scaled = { ...played, reward: mul(played.reward, rewardScale) };
      const paths = vmap((own: HostPaths<Tensor>) => valued(subject.model, params, own))(scaled);
      const learnt = { theta, rest, optimizer: before.optimizer };
      const { loss, gradientNorm, metrics, ...learned } = ppoUpdate(subject, learnt, paths, key, learning);
      const { over, total, age } = played;
      const recent = recentOf({ ended: over, total, age }, before.state as PlayingState['recent']);
      return {
        carried: { ...learned, state: recent },
        measured: { loss, gradientNorm, metrics: { ...recent, ...metrics } },
      };
    },
    feed: async (subject, { engine, seed }) => {
      const family = physics === undefined ? subject.model.family : familyOf(host, physics as Family);
      const player = await hostPlayer(engine, subject, host, { steps });
      const drawn = await hostPhysics(engine, host, family);
      return {
        at: async (iteration, packed) =>
          player.play(packed, { seed, iteration, physics: await drawn.draw(seed, iteration) }),
        dispose: async () => {
          await player.dispose();
          await drawn.dispose();
        },
      };
    },
  };
}

/** A path with what the agent expected before each step, and of what each step led to. */
function valued(agent: Agent, params: never, { reached, kept, total: _, age: __, ...path }: HostPaths<Tensor>): Path {
  const { seen, action, reward, over } = path;
  const { value } = replay(agent, params, path);
  const next = (observation: Tensor, memory: unknown, last: Last) =>
    agent.apply(params, { seen: { ...seen, observation, last }, memory }).value;
  const last: Last = {
    action: vmap(agent.distribution.vector)(action),
    reward,
    first: mul(reward, 0),
  };
  return { ...path, over, value, nextValue: vmap(next)(reached, kept, last) };
}

/** Settings of {@link hostReturns}. */
export interface HostReturnsOptions {
  readonly seed: number;
  /** Physics by name, one number for each copy. Default: the world's own. */
  readonly physics?: Readonly<Record<string, ArrayLike<number>>>;
}

/**
 * The return of the first episode of each copy of a host, with the likeliest actions.
 * @param params weights of the agent, such as those of a run
 * @returns returns and lengths, [copies] each
 * @example
 * const measure = (host: rl.HostEnvironment, agent: rl.Agent, params: unknown) =>
 *   rl.hostReturns(referenceEngine(), host, agent, params, { seed: 1 });
 */
export async function hostReturns(
  engine: Engine,
  host: HostEnvironment,
  agent: Agent,
  params: unknown,
  { seed, physics = {} }: HostReturnsOptions,
): Promise<{ readonly returns: readonly number[]; readonly lengths: readonly number[] }> {
  const layout = packing(agent.spec);
  const steps = host.spec.limit;
  const player = await hostPlayer(engine, { model: agent, layout }, host, { steps, greedy: true });
  try {
    const { over, total, age } = await player.play(layout.gather(params), { seed, iteration: 0, physics });
    const ends = Array.from({ length: host.copies }, (_, copy) => over.data.indexOf(1, copy * steps));
    return { returns: ends.map((at) => total.data[at]!), lengths: ends.map((at) => age.data[at]!) };
  } finally {
    await player.dispose();
  }
}

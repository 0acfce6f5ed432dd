import {
  type Agent,
  type AgentInput,
  agentExample,
  type HostEnvironment,
  hostReturns,
  physicsCodeOf,
  physicsRows,
} from 'hyperloom/rl';
import { type Aval, type NdArray, ndarray, tree, zerosArray } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { type MujocoEnvironment, mujocoEnvironment } from '../mujoco/environment.ts';
import type { WorldName } from '../mujoco/worlds/index.ts';
import type { Moment } from '../report/worlds/index.ts';
import type { BodyLives } from './playing.ts';
import type { Episode, Session, TrialWorld } from './recipe.ts';
import type { Body } from './tasks/bodies.ts';

/** Opens copies of a world of MuJoCo for as long as they are used. */
export async function withHost<T>(
  world: WorldName,
  copies: number,
  use: (host: MujocoEnvironment) => Promise<T>,
): Promise<T> {
  const host = await mujocoEnvironment(world, { copies });
  try {
    return await use(host);
  } finally {
    await host.close();
  }
}

/** The mean return of each of some bodies: lives of them begin alike, whoever plays. */
export function hostBodyReturns(
  { engine }: Session,
  world: WorldName,
  agent: Agent,
  params: unknown,
  bodies: readonly Body[],
  { lives, seed }: Omit<BodyLives, 'still'>,
): Promise<number[]> {
  return withHost(world, bodies.length * lives, async (host) => {
    const rowOf = (name: string) => bodies.flatMap((body) => Array<number>(lives).fill(body[name]!));
    const named = Object.fromEntries(Object.keys(bodies[0]!).map((name) => [name, rowOf(name)]));
    const { returns } = await hostReturns(engine, host, agent, params, {
      seed,
      physics: physicsRows(host, host.copies, named),
    });
    return bodies.map((_, i) => returns.slice(i * lives, (i + 1) * lives).reduce((a, b) => a + b, 0) / lives);
  });
}

/** The world of an agent that is played outside of the program: one copy, with the likeliest actions. */
export function hostWorld(world: WorldName, agent: Agent): TrialWorld {
  const { environment, family, distribution } = agent;
  const act = (params: never, input: AgentInput) => {
    const { policy, memory } = agent.apply(params, input);
    const action = distribution.mode(policy);
    return { action, vector: distribution.vector(action), memory };
  };
  const codeOf = (physics: Body) => physicsCodeOf(environment, family, physics);
  const first = (physics: Body, observation: Float32Array): AgentInput<NdArray> => {
    const zeros = tree.map(({ dtype, shape }: Aval) => zerosArray(dtype, shape), agentExample(agent));
    const { seen, memory } = zeros as unknown as AgentInput<NdArray>;
    return {
      seen: {
        observation: numbers(observation),
        ...(seen.code && { code: numbers(codeOf(physics)) }),
        last: { ...seen.last, first: ndarray(Float32Array.of(1), []) },
      },
      memory,
    };
  };
  const play = async (run: Run<Trainable>, host: MujocoEnvironment, physics: Body, seed: number): Promise<Episode> => {
    const [moments, rewards]: [Moment[], number[]] = [[], []];
    let input = first(physics, await host.reset({ seed, iteration: 0, physics }));
    for (;;) {
      const points = Float32Array.from(host.points);
      const given = await run.call(act as never, input);
      const { action, vector, memory } = given as Readonly<Record<'action' | 'vector', NdArray>> & AgentInput;
      moments.push({ seen: input.seen.observation.data as Float32Array, action: vector.data as Float32Array, points });
      const { observations, rewards: now, terminated, truncated } = await host.step(stepOf(action));
      rewards.push(now[0]!);
      if (terminated[0] || truncated[0]) return { moments, rewards, end: terminated[0] ? 'terminated' : 'limit' };
      const last = { action: vector, reward: ndarray(now.slice(), []), first: ndarray(Float32Array.of(0), []) };
      input = { seen: { ...input.seen, observation: numbers(observations), last }, memory };
    }
  };
  return {
    environment,
    ...(Object.keys(family).length > 0 && { code: codeOf }),
    play: (run, physics, seed) => withHost(world, 1, (host) => play(run, host, physics, seed)),
  };
}

/** A copy of some numbers as a vector. */
const numbers = (values: ArrayLike<number>): NdArray => ndarray(Float32Array.from(values), [values.length]);

/** An action in the form that hosts take. */
const stepOf = ({ data }: NdArray): Parameters<HostEnvironment['step']>[0] => data as Float32Array | Int32Array;

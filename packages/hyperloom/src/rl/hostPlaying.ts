import { compileFunction, type Engine } from '../engine/index.ts';
import {
  type Aval,
  iota,
  type NdArray,
  ndarray,
  random,
  type Tensor,
  tree,
  vmap,
  zerosArray,
} from '../tensor/index.ts';
import type { Packed, Subject } from '../train/index.ts';
import { type Agent, type AgentInput, agentExample } from './agent.ts';
import { drawPhysics, type Family, physicsCodeOf } from './environment.ts';
import type { HostEnvironment } from './host.ts';

/** What was played on a host: paths of copies, [copies, steps, ...] but for the code, [copies, ...]. */
export interface HostPaths<T = NdArray> {
  readonly seen: AgentInput<T>['seen'];
  /** What agents kept before the first step, [copies, ...], and after each. */
  readonly memory: unknown;
  readonly kept: unknown;
  readonly born: T;
  readonly action: T;
  readonly logProb: T;
  readonly reward: T;
  /** What each step led to: another than what is seen next only where an episode is over. */
  readonly reached: T;
  readonly terminated: T;
  readonly over: T;
  /** Rewards and steps of the episode up to and with this step. */
  readonly total: T;
  readonly age: T;
}

/** Types and shapes of {@link HostPaths}. */
export function hostPathTypes(agent: Agent, copies: number, steps: number): HostPaths<Aval> {
  const { seen, memory } = agentExample(agent);
  const each = ({ dtype, shape }: Aval): Aval => ({ dtype, shape: [copies, steps, ...shape] });
  const once = ({ dtype, shape }: Aval): Aval => ({ dtype, shape: [copies, ...shape] });
  const scalar = (dtype: Aval['dtype']): Aval => each({ dtype, shape: [] });
  const { action } = agent.environment.spec;
  return {
    seen: {
      observation: each(seen.observation),
      ...(seen.code && { code: once(seen.code) }),
      last: tree.map(each, seen.last) as HostPaths<Aval>['seen']['last'],
    },
    memory: tree.map(once, memory),
    kept: tree.map(each, memory),
    born: scalar('bool'),
    action: action.kind === 'discrete' ? scalar('int32') : each({ dtype: 'float32', shape: [action.size] }),
    logProb: scalar('float32'),
    reward: scalar('float32'),
    reached: each(seen.observation),
    terminated: scalar('bool'),
    over: scalar('bool'),
    total: scalar('float32'),
    age: scalar('int32'),
  };
}

/** Physics of a batch of copies as numbers by name. */
type Rows = Readonly<Record<string, ArrayLike<number>>>;

/** What decides all that a player does. */
export interface HostStart {
  readonly seed: number;
  readonly iteration: number;
  /** Physics that vary, by name, one number for each copy. */
  readonly physics: Rows;
}

/** A compiled agent in front of a host. */
export interface HostPlayer {
  /** Plays steps from a reset on. The arrays are written again by the next call. */
  play(packed: Packed<NdArray>, start: HostStart): Promise<HostPaths>;
  dispose(): Promise<void>;
}

/** Copies an array of one step to its place in an array of all steps: [copies, ...] into [copies, steps, ...]. */
function put(into: NdArray, { data }: Pick<NdArray, 'data'>, step: number): void {
  const [copies, steps] = into.shape as [number, number];
  const size = data.length / copies;
  for (let copy = 0; copy < copies; copy++)
    into.data.set(data.subarray(copy * size, (copy + 1) * size), (copy * steps + step) * size);
}

/**
 * Compiles what an agent does at one step of all copies of a host. Draws are pure functions of seed, iteration, step and
 * copy.
 */
export async function hostPlayer(
  engine: Engine,
  { model: agent, layout }: Subject<Agent>,
  host: HostEnvironment,
  { steps, greedy = false }: { readonly steps: number; readonly greedy?: boolean },
): Promise<HostPlayer> {
  const { copies, spec } = host;
  const { distribution } = agent;
  const types = hostPathTypes(agent, copies, steps);
  const act = (packed: Packed<Tensor>, input: unknown, key: Tensor, iteration: Tensor, step: Tensor) => {
    const params = layout.unpack(packed) as never;
    const own = random.foldIn(random.foldIn(key, iteration), step);
    const one = (given: AgentInput, copy: Tensor) => {
      const { policy, memory } = agent.apply(params, given);
      const noise = distribution.noise(random.foldIn(own, copy));
      const action = greedy ? distribution.mode(policy) : distribution.sample(policy, noise);
      const vector = distribution.vector(action);
      return { action, logProb: distribution.logProb(policy, action), vector, memory };
    };
    return vmap(one)(input as never, iota(copies));
  };
  const batched = tree.map(({ dtype, shape }: Aval) => zerosArray(dtype, [copies, ...shape]), agentExample(agent));
  const now = batched as unknown as AgentInput<NdArray>;
  const scalar = { dtype: 'int32', shape: [] } satisfies Aval;
  const compiled = await compileFunction(engine, act, layout.form, now, random.keyArray(0), scalar, scalar);
  const paths = tree.map(({ dtype, shape }: Aval) => zerosArray(dtype, shape), types) as unknown as HostPaths;
  const count = (value: number) => ndarray(Int32Array.of(value), []);
  /** Clears what a copy remembers: the life that follows is another. */
  const forget = (copy: number): void => {
    const { last } = now.seen;
    for (const { data, shape } of [last.action, last.reward, ...tree.leaves<NdArray>(now.memory)]) {
      const size = data.length / shape[0]!;
      data.fill(0, copy * size, (copy + 1) * size);
    }
    last.first.data[copy] = 1;
  };
  const play: HostPlayer['play'] = async (packed, { seed, iteration, physics }) => {
    const [key, number] = [random.keyArray(seed), count(iteration)];
    now.seen.observation.data.set(await host.reset({ seed, iteration, physics }));
    codesInto(now.seen.code, agent, physics);
    const [totals, ages] = [new Float64Array(copies), new Int32Array(copies)];
    const born = new Uint8Array(copies).fill(1);
    for (let copy = 0; copy < copies; copy++) forget(copy);
    const copyOf = (into: unknown, from: unknown) =>
      tree.map(({ data }: NdArray, own: NdArray) => data.set(own.data), into, from);
    copyOf(paths.memory, now.memory);
    if (paths.seen.code) copyOf(paths.seen.code, now.seen.code);
    for (let step = 0; step < steps; step++) {
      put(paths.seen.observation, now.seen.observation, step);
      tree.map((into: NdArray, own: NdArray) => put(into, own, step), paths.seen.last, now.seen.last);
      put(paths.born, { data: born as NdArray['data'] }, step);
      const given = (await compiled(packed as never, now as never, key, number, count(step))) as unknown as Record<
        'action' | 'logProb' | 'vector',
        NdArray
      > & { readonly memory: unknown };
      const actions = given.action.data as Float32Array | Int32Array;
      const told = await host.step(actions);
      put(paths.action, given.action, step);
      put(paths.logProb, given.logProb, step);
      tree.map((into: NdArray, own: NdArray) => put(into, own, step), paths.kept, given.memory);
      put(paths.reward, { data: told.rewards }, step);
      put(paths.reached, { data: told.reached }, step);
      put(paths.terminated, { data: told.terminated }, step);
      now.seen.observation.data.set(told.observations);
      now.seen.last.action.data.set(given.vector.data as never);
      now.seen.last.reward.data.set(told.rewards);
      now.seen.last.first.data.fill(0);
      copyOf(now.memory, given.memory);
      const over = born.map((_, copy) => (told.terminated[copy] || told.truncated[copy] ? 1 : 0));
      for (let copy = 0; copy < copies; copy++) {
        totals[copy]! += told.rewards[copy]!;
        ages[copy]!++;
      }
      put(paths.over, { data: over as NdArray['data'] }, step);
      put(paths.total, { data: Float32Array.from(totals) }, step);
      put(paths.age, { data: ages }, step);
      over.forEach((ended, copy) => {
        if (!ended) return;
        [totals[copy], ages[copy]] = [0, 0];
        forget(copy);
      });
      born.set(over);
    }
    return paths;
  };
  if (spec.observation.length !== agent.environment.spec.observation.length)
    throw new TypeError(`host ${host.name}: expected the environment of the agent, ${agent.environment.name}`);
  return { play, dispose: () => compiled.dispose() };
}

/** Writes the codes of the physics of each copy. */
function codesInto(code: NdArray | undefined, { environment, family }: Agent, physics: Rows): void {
  if (code === undefined) return;
  const [copies, size] = code.shape as [number, number];
  for (let copy = 0; copy < copies; copy++) {
    const own = Object.fromEntries(Object.entries(physics).map(([name, row]) => [name, row[copy]!]));
    code.data.set(physicsCodeOf(environment, family, own), copy * size);
  }
}

/** A function that draws physics of a family for all copies of a host: a pure function of seed and iteration. */
export async function hostPhysics(engine: Engine, { name, spec, copies }: HostEnvironment, family: Family) {
  const names = Object.keys(family);
  const draw = (key: Tensor, iteration: Tensor) =>
    vmap((copy: Tensor) => {
      const all = drawPhysics({ name, spec }, random.foldIn(random.foldIn(key, iteration), copy), family);
      return Object.fromEntries(names.map((own) => [own, all[own]!]));
    })(iota(copies));
  if (names.length === 0) return { draw: async (): Promise<Rows> => ({}), dispose: async () => {} };
  const compiled = await compileFunction(engine, draw, random.keyArray(0), { dtype: 'int32', shape: [] });
  return {
    draw: async (seed: number, iteration: number): Promise<Rows> => {
      const drawn = await compiled(random.keyArray(seed), ndarray(Int32Array.of(iteration), []));
      return tree.map(({ data }: NdArray) => Float64Array.from(data), drawn) as unknown as Rows;
    },
    dispose: () => compiled.dispose(),
  };
}

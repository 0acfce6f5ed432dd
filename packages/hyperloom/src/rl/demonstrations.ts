import { compileFunction, defaultEngine, type Engine } from '../engine/index.ts';
import {
  ArgumentError,
  add,
  allocate,
  broadcastTo,
  iota,
  moveAxis,
  mul,
  type NdArray,
  ndarray,
  random,
  type Tensor,
  tree,
  vmap,
} from '../tensor/index.ts';
import { advantages } from './advantages.ts';
import { type Family, familyOf, type Physics, physicsCode, physicsNumbers } from './environment.ts';
import { checkWhole } from './playing.ts';
import { type Player, rollout, startCopy, unless } from './rollout.ts';

/** Weights of an agent, and the physics that they are good at. */
export interface Expert {
  /** A tree of arrays of the form of the agent's spec. */
  readonly params: unknown;
  /** Other values of the environment's physics than its defaults, by name. */
  readonly physics?: Readonly<Record<string, number>>;
}

/** Settings of {@link demonstrations}. */
export interface DemonstrationsOptions {
  /** Physics that vary, as the agent that is to learn sees them. Default: those of the experts' own agent. */
  readonly family?: Family | readonly string[];
  /** Copies of the environment that each expert plays. Default 8. */
  readonly copies?: number;
  /** Steps of each copy; an episode that ends before is followed by another. Default: the environment's limit. */
  readonly steps?: number;
  /** Share of a reward that counts one step earlier, gamma. Default 0.99. */
  readonly discount?: number;
  /** What rewards are multiplied by: where experts were trained with a scale, the same. Default 1. */
  readonly rewardScale?: number;
  /** Takes the likeliest actions in place of drawn ones. Default true. */
  readonly greedy?: boolean;
  /** Names the starts. Default 0. */
  readonly seed?: number;
  /** What runs the program. Default: ONNX Runtime for Node. */
  readonly engine?: Engine;
}

/**
 * Steps of experts as examples: every array has a leading axis of [experts * steps]. An example is one step of all
 * copies of an expert, so that weights which are generated from its physics are generated once for all of them.
 */
export interface Demonstrations<T = NdArray> {
  readonly input: {
    /** What was seen, and what was seen of what the step led to: [copies, size]. */
    readonly observation: T;
    readonly next: T;
    /** What was done, within its range: int32 [copies], or [copies, size]. */
    readonly action: T;
    /** Physics of the family as a code, [parameters]; absent where nothing varies. */
    readonly code?: T;
  };
  readonly target: {
    readonly action: T;
    /** [copies]: the reward; the discount, 0 where nothing follows; and the discounted rewards from this step on. */
    readonly reward: T;
    readonly discount: T;
    readonly value: T;
  };
}

/**
 * Plays experts, each under its physics, and gives their steps as examples to learn from: `data.batches` takes them as
 * they are. Where playing stops before an episode does, the expert's value function stands for the rest of the
 * discounted return; as that of what the expert does, it is an estimate of Q*(s, a) of a good one.
 * @throws ArgumentError for no experts, an agent with a memory, or physics that the environment does not have
 * @example
 * const net = (out: number) => nn.mlp({ in: 4, hidden: [8], out });
 * const agent = rl.actorCritic({ environment: rl.cartPole(), policy: net(2), value: net(1) });
 * const run = await trainWith(agent, rl.reinforce({ optimizer: optim.adam(1e-2) }), { steps: 2 });
 * const experts = [{ params: run.params, physics: { force: 8 } }];
 * const { input } = await rl.demonstrations(agent, experts, { family: ['force'], copies: 2, steps: 10 });
 * input.observation.shape; // [10, 2, 4]
 * await run.dispose();
 */
export async function demonstrations(
  agent: Player,
  experts: readonly Expert[],
  options: DemonstrationsOptions = {},
): Promise<Demonstrations> {
  const { environment, distribution } = agent;
  const {
    copies = 8,
    steps = environment.spec.limit,
    discount = 0.99,
    rewardScale = 1,
    greedy = true,
    seed = 0,
  } = options;
  const family = options.family === undefined ? agent.family : familyOf(environment, options.family as Family);
  checkWhole('demonstrations', { copies, steps });
  checkForgetful('demonstrations', agent);
  const [first] = experts;
  if (first === undefined) throw new ArgumentError('demonstrations: expected at least one expert, got none');

  const play = (params: never, physics: Physics, key: Tensor): Demonstrations<Tensor> => {
    const one = (own: Tensor) => {
      const start = startCopy(agent, physics, random.foldIn(own, 0));
      const { path, reached } = rollout(agent, params, physics, start, random.foldIn(own, 1), { steps, greedy });
      const reward = mul(path.reward, rewardScale);
      const value = add(advantages({ ...path, reward }, { discount, lambda: 1 }), path.value);
      const action = vmap(distribution.within)(path.action);
      return {
        input: { observation: path.seen.observation, next: reached, action },
        target: { action, reward, discount: mul(unless(path.terminated), discount), value },
      };
    };
    const all = vmap(one)(vmap((i: Tensor) => random.foldIn(key, i))(iota(copies)));
    const { input, target } = tree.map((t: Tensor) => moveAxis(t, 0, 1), all) as typeof all;
    const parameters = Object.keys(family).length;
    const code = () => broadcastTo(physicsCode(environment, family, physics), [steps, parameters]);
    return { input: { ...input, ...(parameters > 0 && { code: code() }) }, target };
  };
  const numbers = experts.map(({ physics }) =>
    tree.map((x: number) => ndarray(Float32Array.of(x), []), physicsNumbers(environment, physics)),
  );
  const engine = options.engine ?? (await defaultEngine());
  const compiled = await compileFunction(engine, play, first.params, numbers[0], random.keyArray(seed));
  const played: Demonstrations[] = [];
  try {
    // Keys differ by expert, so that no two begin alike.
    for (const [i, { params }] of experts.entries()) {
      const [high, low] = random.keyArray(seed).data as Uint32Array;
      const key = ndarray(Uint32Array.of(high! ^ (i + 1), low!), [2]);
      played.push((await compiled(params as never, numbers[i] as never, key)) as Demonstrations);
    }
  } finally {
    await compiled.dispose();
  }
  return tree.map((...parts: NdArray[]) => joined(parts), played[0]!, ...played.slice(1)) as Demonstrations;
}

/** Arrays one after another along their first axis. */
function joined(parts: readonly NdArray[]): NdArray {
  const { dtype, shape } = parts[0]!;
  const [rows, ...rest] = shape as [number, ...number[]];
  const data = allocate(
    dtype,
    parts.reduce((size, part) => size + part.data.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { dtype, shape: [rows * parts.length, ...rest], data };
}

/** @throws ArgumentError for an agent that keeps something from step to step, so that no step stands alone */
export function checkForgetful(where: string, { memory }: Pick<Player, 'memory'>): void {
  if (tree.leaves(memory).length > 0)
    throw new ArgumentError(
      `${where}: expected an agent without a memory, got one with ${tree.paths(memory).join(', ')}`,
    );
}

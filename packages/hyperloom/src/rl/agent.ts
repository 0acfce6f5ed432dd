import {
  applyChild,
  type Cell,
  type Context,
  defineModule,
  init as nnInit,
  runningNorm,
  type WeightSpec,
  weight,
} from '../nn/index.ts';
import { ArgumentError, type Aval, concat, reshape, type Tensor, tree } from '../tensor/index.ts';
import type { Trainable } from '../train/index.ts';
import { type Distribution, distributionOf, normalNumbers } from './distribution.ts';
import { type Environment, type Family, familyOf } from './environment.ts';

/** What was done before, and what it brought. */
export interface Last<T = Tensor> {
  /** The action as a vector, [numbers]: see `Distribution.vector`. Zeros before the first one. */
  readonly action: T;
  /** float32 scalar. */
  readonly reward: T;
  /** float32 scalar: 1 before the first step of an episode, otherwise 0. */
  readonly first: T;
}

/** What an agent knows when it acts. */
export interface Seen<T = Tensor> {
  /** float32 [size]; parts of an agent read it normalised. */
  readonly observation: T;
  /** Physics of the family as a code, [parameters]: see {@link physicsCode}. Absent where nothing varies. */
  readonly code?: T;
  readonly last: Last<T>;
}

/** What a part of an agent can read: what is seen, and the belief of an agent that has one. */
export interface Known extends Seen {
  /** [hidden], what the agent makes of all that it has seen so far; absent where it has no memory. */
  readonly belief?: Tensor;
}

/** What an agent is given at a step. */
export interface AgentInput<T = Tensor> {
  readonly seen: Seen<T>;
  /** What it kept at the step before: a tree of the form of {@link Agent.memory}. */
  readonly memory: unknown;
}

/** What an agent gives at a step. */
export interface AgentOutput {
  /** The numbers of the distribution of actions. */
  readonly policy: Tensor;
  /** What it expects of the rewards to come, a scalar. */
  readonly value: Tensor;
  readonly memory: unknown;
}

/** A world as far as an agent must know it. */
export type World<P extends string = string> = Pick<Environment<P>, 'name' | 'spec'>;

/** A policy and a value function over one world, as a module of one step. */
export interface Agent<W extends World = World> extends Trainable {
  readonly environment: W;
  /** Which physics vary, and the ranges over which its codes go from -1 to 1. Empty where nothing does. */
  readonly family: Family;
  readonly distribution: Distribution;
  /** Types and shapes of what it keeps from step to step, a tree; empty for nothing. */
  readonly memory: unknown;
  /** Its parts. */
  readonly policy: Part;
  readonly value: Part;
  apply(params: never, input: AgentInput, context?: Context): AgentOutput;
}

/** A network that reads what one can know in a world. */
export interface Part {
  readonly module: PartModule;
  /** The module's input of what is known. Default: the observation. */
  read?(known: Known): unknown;
  /** What its weights are generated from, where they are. */
  readonly from?: Source;
  /** Whose weights it reads, where it has none of its own: the policy's, beside which it is generated. */
  readonly weights?: 'policy';
}

/** What a part can read beside, or in place of, the observation: the physics, the observation itself, or the belief. */
export type Source = 'code' | 'observation' | 'belief';

/** Any module or hypernetwork that gives numbers. */
export interface PartModule {
  readonly name: string;
  readonly spec: unknown;
  init(key: Tensor): unknown;
  apply(params: never, input: never, context?: Context): Tensor;
}

/** Settings of {@link actorCritic}. */
export interface ActorCriticOptions<W extends World> {
  readonly environment: W;
  /** Physics that vary: names, or ranges by name. The agent reads them as a code if its parts do. Default none. */
  readonly family?: Family | readonly string[];
  /** Gives the logits of discrete actions, or the means of continuous ones. */
  readonly policy: PartModule | Part;
  /** Gives one number. */
  readonly value: PartModule | Part;
  /** A recurrent cell for the given number of inputs, which reads the observation and what was done before. */
  belief?(inputs: number): Cell<unknown, unknown>;
  /** Whether observations are normalised by their running statistics. Default true. */
  readonly normalise?: boolean;
  /** Standard deviation of continuous actions at the start; it is trained. Default 0.6. */
  readonly std?: number;
}

/**
 * An agent from a policy and a value function, which read what they like of what is known: an ordinary policy, one
 * that is told the physics ({@link concatenated}), and one whose weights are generated from them ({@link generated})
 * differ in a line.
 * @throws ArgumentError for a family that the environment does not have
 * @example
 * const net = (inputs: number) => nn.mlp({ in: inputs, hidden: [32], out: 1, activation: nn.tanh });
 * const agent = rl.actorCritic({
 *   environment: rl.pendulum(),
 *   family: ['mass', 'length'],
 *   policy: rl.generated(net(3), { size: 2 }),
 *   value: rl.concatenated(net(5)),
 * });
 */
export function actorCritic<W extends World>({
  environment,
  family: varied = [],
  normalise = true,
  std = 0.6,
  ...options
}: ActorCriticOptions<W>): Agent<W> {
  if (!(std > 0)) throw new ArgumentError(`actorCritic: expected a positive std, got ${std}`);
  const { observation, action } = environment.spec;
  const family = familyOf(environment, varied as Family);
  const distribution = distributionOf(action);
  const policy = partOf(options.policy);
  const value = partOf(options.value);
  const norm = normalise ? runningNorm({ size: observation.length }) : undefined;
  const belief = options.belief?.(observation.length + distribution.numbers + 2);
  const spread =
    action.kind === 'continuous' &&
    weight({ shape: [action.size], fanIn: 1, fanOut: 1, role: 'scale', init: nnInit.constantInit(Math.log(std)) });
  const parts = { ...(norm && { norm }), ...(belief && { belief }), policy: policy.module, value: value.module };
  type Weights = Readonly<Record<keyof typeof parts | 'spread', never>>;

  const module = defineModule({
    name: 'actorCritic',
    spec: { ...specsOf(parts), ...(spread && { spread }) } as Readonly<Record<string, WeightSpec>>,
    apply: (weights, { seen, memory }: AgentInput, context): AgentOutput => {
      const own = weights as unknown as Weights;
      const normal = norm ? applyChild('norm', norm, own.norm, seen.observation, context) : seen.observation;
      const { last } = seen;
      const x = () => concat([normal, last.action, reshape(last.reward, [1]), reshape(last.first, [1])]);
      const kept = belief && applyChild('belief', belief, own.belief as never, { x: x(), state: memory }, context);
      const known: Known = { ...seen, observation: normal, ...(kept && { belief: kept.y }) };
      const given = applyChild('policy', policy.module, own.policy, policy.read(known) as never, context);
      const expected = applyChild('value', value.module, own.value, value.read(known) as never, context);
      return {
        policy: spread ? normalNumbers(given, own.spread) : given,
        value: reshape(expected, []),
        memory: kept ? kept.state : memory,
      };
    },
  });
  const own = { environment, family, distribution, memory: belief ? belief.state : {}, policy, value };
  return { ...module, ...own } as unknown as Agent<W>;
}

/** A part with what it reads. */
export const partOf = (part: PartModule | Part): Part & Required<Pick<Part, 'read'>> => ({
  read: ({ observation }) => observation,
  ...('module' in part ? part : { module: part }),
});

/** The specs of modules by name. */
const specsOf = (modules: Readonly<Record<string, { readonly spec: unknown }>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(modules).map(([name, { spec }]) => [name, spec]));

/** Types and shapes of what an agent is given at a step. */
export function agentExample({ environment, family, distribution, memory }: Agent): AgentInput<Aval> {
  const float = (...shape: number[]): Aval => ({ dtype: 'float32', shape });
  const parameters = Object.keys(family).length;
  return {
    seen: {
      observation: float(environment.spec.observation.length),
      ...(parameters > 0 && { code: float(parameters) }),
      last: { action: float(distribution.numbers), reward: float(), first: float() },
    },
    memory: tree.map(({ dtype, shape }: Aval) => ({ dtype, shape }), memory),
  };
}

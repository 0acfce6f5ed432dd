import type { Context, WeightSpec } from '../nn/index.ts';
import { defineModule, runningNorm, weight } from '../nn/index.ts';
import { ArgumentError, type Aval, reshape, type Tensor, tree } from '../tensor/index.ts';
import type { Trainable } from '../train/index.ts';
import { type Agent, agentExample, type Known, type PartModule } from './agent.ts';

/** What a policy reads: an observation, and the code of the physics where it is for a family. */
export interface PolicyInput {
  readonly code?: Tensor;
  readonly input: Tensor;
}

/** The policy of an agent by itself, from the agent's weights: what is exported. */
export interface Policy extends Trainable {
  /** Types and shapes of what it reads. */
  readonly input: { readonly code?: Aval; readonly input: Aval };
  /** The policy for one code, with weights of its own: an observation [size] to the numbers that the policy gives. */
  readonly target: Trainable;
  apply(params: never, input: PolicyInput, context?: Context): Tensor;
  /** The weights of the target for a code, from the agent's. */
  materialise(params: never, code?: Tensor): unknown;
  /** Those weights of the target that the code decides, by path. */
  readonly generated: Readonly<Record<string, unknown>>;
}

/** A hypernetwork, as far as it matters here. */
interface Generator extends PartModule {
  readonly target: PartModule;
  readonly generated: Readonly<Record<string, unknown>>;
  materialise(params: never, code: Tensor): unknown;
}

/**
 * The policy of an agent without the rest: observations, as the world shows them, to logits of discrete actions, or
 * means of continuous ones. It reads the agent's own weights, and stands beside its code as a hypernetwork does, so that
 * `exportRun` bakes it for one body: where the weights are generated from the code they become constants, and where the
 * code is read it becomes one.
 * @throws ArgumentError for an agent with a memory, whose policy is no function of what it sees
 * @example
 * const net = nn.mlp({ in: 3, hidden: [8], out: 1, activation: nn.tanh });
 * const policy = rl.generated(net, { size: 1 });
 * const agent = rl.actorCritic({ environment: rl.pendulum(), family: ['mass'], policy, value: net });
 * const params = await runOnce(referenceEngine(), (key: Tensor) => agent.init(key), random.keyArray(0));
 * const run = openRun(rl.policyOf(agent), params, referenceEngine());
 * const bytes = await exportRun(run, { form: 'baked', code: [0.5] });
 */
export function policyOf(agent: Agent): Policy {
  if (tree.leaves(agent.memory).length > 0)
    throw new ArgumentError(`policy: expected an agent without a memory, got ${agent.name} with one`);
  const { policy, environment } = agent;
  const types = agentExample(agent).seen;
  const spec = agent.spec as { readonly norm?: unknown };
  const norm = spec.norm === undefined ? undefined : runningNorm({ size: environment.spec.observation.length });
  const generator = policy.from === 'code' && 'materialise' in policy.module ? (policy.module as Generator) : undefined;
  const reads = policy.read!;
  const nothing = { last: undefined as never };
  type Weights = { readonly norm?: never; readonly policy: never; readonly code?: Tensor };
  const normal = ({ norm: own }: Weights, observation: Tensor) => (norm ? norm.apply(own!, observation) : observation);
  const given = (known: Omit<Known, 'last'>) => reads({ ...nothing, ...known }) as never;

  const code = types.code && weight({ shape: types.code.shape, role: 'code', trained: false });
  const target = defineModule({
    name: `policy(${policy.module.name})`,
    spec: {
      ...(norm && { norm: norm.spec }),
      policy: generator ? generator.target.spec : policy.module.spec,
      ...(!generator && code && { code }),
    } as unknown as Readonly<Record<string, WeightSpec>>,
    apply: (weights, observation: Tensor, context): Tensor => {
      const own = weights as unknown as Weights;
      const input = normal(own, observation);
      const read = generator ? input : given({ observation: input, ...(own.code && { code: own.code }) });
      const module = generator ? generator.target : policy.module;
      return reshape(module.apply(own.policy, read as never, context), [-1]);
    },
  });
  const materialise = (params: never, source?: Tensor): unknown => {
    const own = params as Weights;
    return {
      ...(norm && { norm: own.norm }),
      policy: generator ? generator.materialise(own.policy, source!) : own.policy,
      ...(!generator && code && { code: source }),
    };
  };
  return {
    name: target.name,
    spec: agent.spec,
    init: agent.init,
    input: { ...(types.code && { code: types.code }), input: types.observation },
    target,
    materialise,
    generated: generator
      ? Object.fromEntries(Object.entries(generator.generated).map(([path, own]) => [`policy.${path}`, own]))
      : { ...(code && { code }) },
    apply: (params, { code: source, input }, context) =>
      target.apply(materialise(params, source) as never, input, context),
  };
}

/** What the checkpoints of an agent hold: its policy, where that is a function of what is seen. */
export const shownOf = (agent: Agent): Policy | undefined =>
  tree.leaves(agent.memory).length > 0 ? undefined : policyOf(agent);

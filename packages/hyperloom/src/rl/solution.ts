import { type AnyHead, biasHyperInit, heads, hypernetwork } from '../hyper/index.ts';
import { applyChild, type Context, defineModule, type Module, type WeightSpec } from '../nn/index.ts';
import type { Tensor } from '../tensor/index.ts';
import type { Part } from './agent.ts';
import { sourceOf } from './parts.ts';

/** Settings of {@link solution}. */
export interface SolutionOptions {
  /** Targets: an observation to what the policy gives, and observation and action to one number. */
  readonly policy: Module<unknown, Tensor, Tensor>;
  readonly q: Module<unknown, Tensor, Tensor>;
  /** How many numbers the code of the physics has. */
  readonly size: number;
  /** Default: a dense head behind one hidden layer of 64, with Bias-HyperInit. */
  readonly head?: AnyHead;
}

const wideHead = (): AnyHead => heads.dense({ hidden: [64], init: biasHyperInit() }) as AnyHead;

/** A policy and its Q, whose weights come from one hypernetwork. */
export interface Solution {
  /** For `rl.actorCritic`. It holds the weights of both. */
  readonly policy: Part;
  /** For `rl.cloning` of that agent. */
  readonly q: Part;
}

/**
 * A policy and Q that one hypernetwork generates from the physics, as HyperZero has them (Rezaei-Shoshtari et al. 2023):
 * what its hidden layers make of the code serves both, so that learning Q moves the policy too.
 * @example
 * const net = (inputs: number) => nn.mlp({ in: inputs, hidden: [32], out: 1, activation: nn.tanh });
 * const { policy, q } = rl.solution({ policy: net(3), q: net(4), size: 1 });
 * const agent = rl.actorCritic({ environment: rl.pendulum(), family: ['length'], policy, value: net(3) });
 * const { module, loss } = rl.cloning(agent, { q });
 */
export function solution({ policy, q, size, head = wideHead() }: SolutionOptions): Solution {
  const targets = { policy, q };
  type Inputs = Readonly<Record<keyof typeof targets, Tensor>>;
  const both = defineModule({
    name: 'solution',
    spec: { policy: policy.spec, q: q.spec } as Readonly<Record<string, WeightSpec>>,
    apply: (weights, inputs: Inputs, context) => {
      const of = (name: keyof typeof targets) =>
        applyChild(name, targets[name], weights[name] as never, inputs[name], context);
      return { policy: of('policy'), q: of('q') };
    },
  });
  const whole = hypernetwork(both, { code: size, head: head as never });
  const part = (name: keyof typeof targets): Part => {
    const target = targets[name];
    const materialise = (params: never, code: Tensor) => whole.materialise(params, code as never)[name] as never;
    const generated = Object.entries(whole.generated).flatMap(([path, spec]) =>
      path.startsWith(`${name}.`) ? [[path.slice(name.length + 1), spec] as const] : [],
    );
    const module = {
      name: `${name} of ${whole.name}`,
      spec: whole.spec,
      init: (key: Tensor) => whole.init(key),
      target,
      generated: Object.fromEntries(generated),
      materialise,
      apply: (params: never, { code, input }: { readonly code: Tensor; readonly input: Tensor }, context?: Context) =>
        target.apply(materialise(params, code), input, context),
    };
    return { module, from: 'code', read: (known) => ({ code: sourceOf(known, 'code'), input: known.observation }) };
  };
  return { policy: part('policy'), q: { ...part('q'), weights: 'policy' } };
}

import type { Context, Module, WeightSpec } from '../nn/index.ts';
import { ArgumentError, clip, programCost, type Tensor, trace, tree } from '../tensor/index.ts';
import { expectedCost } from './expectedCost.ts';
import { type HyperInput, type Hypernetwork, type HyperSpec, hypernetwork } from './hypernetwork.ts';

/** What a costed model gives. */
export interface Costed<O> {
  /** The output of the model itself. */
  readonly output: O;
  /** The share of all multiply-adds that is expected: a scalar, 1 with all gates open. */
  readonly cost: Tensor;
}

/** Settings of {@link costed}. */
export interface CostedOptions {
  /** Types and shapes of one example, as `model.apply` takes it; of a hypernetwork its target's input is enough. */
  readonly input: unknown;
}

/** A hypernetwork that gives its target's expected cost beside each output. It generates what it did. */
export interface CostedHypernetwork<S, I, O, Source, C, H>
  extends Omit<Hypernetwork<S, I, O, Source, C, H>, 'apply'>,
    Module<HyperSpec<C, H>, HyperInput<Source, I>, Costed<O>> {}

type AnyTarget = Module<unknown, unknown, unknown>;

/**
 * A model that also gives what it is expected to cost: `{ output, cost }`, where `cost` is the multiply-adds of the
 * target as a share of those with all gates open. It is differentiable in the gates, so that a loss can weigh it. A
 * product or convolution costs its multiply-adds times the share of elements that gates leave of each of its dimensions,
 * times the gates of the layers through which alone its result goes; `compact` removes just that. Gates are the
 * weights of the role `gate`. They count as their head says of them (`Context.expect`), or as their value within
 * [0, 1]. A gate with several axes, of single kernels, counts by its mean: multiply-adds of kernels that are not 0, which
 * an engine for dense kernels does not skip.
 * @param model a hypernetwork, or a module with gates of its own
 * @returns the same model but for its output; of a hypernetwork, `generate`, `materialise` and `target` are as they were
 * @throws ArgumentError for a target without gates, or without products
 * @example
 * const block = nn.sequential({ fc: nn.linear({ in: 4, out: 8 }), open: nn.gate({ channels: 8 }), out: nn.linear({ in: 8, out: 1 }) });
 * const model = hypernetwork(block, { code: 2, generate: '**.gate', head: heads.dense() });
 * const priced = hyper.costed(model, { input: { dtype: 'float32', shape: [4] } });
 * const loss = ({ output, cost }: { output: Tensor; cost: Tensor }, target: Tensor) =>
 *   add(nn.losses.mse(output, target), mul(cost, 0.1));
 * const code = constant([0.5, -0.5]);
 * const { cost } = priced.apply(priced.init(random.key(0)), { code, input: constant([1, 2, 3, 4]) });
 */
export function costed<S, I, O, Source, C, H>(
  model: Hypernetwork<S, I, O, Source, C, H>,
  options: CostedOptions,
): CostedHypernetwork<S, I, O, Source, C, H>;
export function costed<S, I, O>(model: Module<S, I, O>, options: CostedOptions): Module<S, I, Costed<O>>;
export function costed(model: AnyTarget, { input }: CostedOptions): AnyTarget {
  const isHyper = 'target' in model && 'settings' in model;
  const { target, settings } = (isHyper ? model : { target: model }) as Pick<
    Hypernetwork<unknown, unknown, unknown, unknown, unknown, unknown>,
    'target' | 'settings'
  >;
  const cost = costOf(target, isHyper ? innerInput(input) : input);
  return {
    ...model,
    name: `costed(${model.name})`,
    apply: (params, example, context = { training: false }) => {
      const told: Record<string, Tensor> = {};
      const expect: Context['expect'] = (path, open) => {
        told[path] = open;
        context.expect?.(path, open);
      };
      const priced: AnyTarget = {
        ...target,
        apply: (weights, own, inner) => ({ output: target.apply(weights, own, inner), cost: cost(weights, told) }),
      };
      const whole = isHyper ? (hypernetwork(priced, settings as never) as AnyTarget) : priced;
      return whole.apply(params, example, { ...context, expect });
    },
  };
}

/** The input of the target, where that of the hypernetwork is given. */
const innerInput = (input: unknown): unknown =>
  !tree.isLeaf(input) && 'input' in (input as object) ? (input as { readonly input: unknown }).input : input;

/** The expected cost of a target for weights and what was told of its gates. */
function costOf(
  target: AnyTarget,
  input: unknown,
): (weights: unknown, told: Readonly<Record<string, Tensor>>) => Tensor {
  const specs = tree.flatten<WeightSpec>(target.spec);
  const gates = Object.keys(specs).filter((path) => specs[path]!.role === 'gate');
  if (gates.length === 0) {
    const known = Object.keys(specs).join(', ') || 'none';
    throw new ArgumentError(`costed: expected a target with weights of the role gate, got ${target.name} (${known})`);
  }
  const { program } = trace((weights, own) => target.apply(weights, own, { training: false }), target.spec, input);
  const share = expectedCost(program, new Set(gates), new Set(Object.keys(specs)));
  return (weights, told) => {
    const own = tree.flatten<Tensor>(weights);
    return share(Object.fromEntries(gates.map((path) => [path, told[path] ?? clip(own[path]!, 0, 1)])));
  };
}

/**
 * Multiply-adds of a network for one example: those of all its matrix products and convolutions.
 * @param input types and shapes of one example, a tree as `module.apply` takes it
 * @example
 * const n = hyper.multiplyAdds(nn.mlp({ in: 2, hidden: [8], out: 1 }), { dtype: 'float32', shape: [2] }); // 24
 */
export const multiplyAdds = (
  module: { readonly spec: unknown; apply(params: never, input: never, context?: Context): unknown },
  input: unknown,
): number =>
  programCost(trace((params, x) => module.apply(params, x, { training: false }), module.spec, input).program)
    .multiplyAdds;

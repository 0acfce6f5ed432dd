import { add, broadcastTo, constant, type DType, named, type Tensor, tree } from '../tensor/index.ts';

/**
 * An optimiser, or one step of one: a pair of pure functions over any tree of float tensors. The new parameters are
 * the old ones plus the updates. State is a tree of tensors, and `init` reads no more of the parameters than their
 * types and shapes.
 */
export interface Optimizer<S = unknown> {
  /** The state before the first update. */
  init<P>(params: P): S;
  /** What to add to the parameters, and the next state. */
  update<P>(gradients: P, state: S, params: P): readonly [updates: P, state: S];
}

/** The state of a transformation that keeps none. */
export type NoState = Readonly<Record<string, never>>;

/**
 * Optimisers one after another: each gets what the one before gives in place of gradients.
 * @example
 * const optimizer = optim.chain(optim.clipByGlobalNorm(1), optim.adam(1e-3));
 */
export const chain = (...steps: readonly Optimizer[]): Optimizer<readonly unknown[]> => ({
  init: (params) => steps.map((step) => step.init(params)),
  update: (gradients, state, params) => {
    let updates = gradients;
    const next = steps.map((step, i) => {
      const [given, own] = step.update(updates, state[i], params);
      updates = given;
      return own;
    });
    return [updates, next];
  },
});

/**
 * The parameters plus the updates, leaf by leaf.
 * @example
 * const params = { w: constant([1, 2]) };
 * const optimizer = optim.sgd(0.1);
 * const [updates] = optimizer.update({ w: constant([1, 1]) }, optimizer.init(params), params);
 * const next = optim.applyUpdates(params, updates); // { w: [0.9, 1.9] }
 */
export const applyUpdates = <P>(params: P, updates: P): P => mapTree(add, params, updates);

/**
 * One step of an optimiser: the parameters after it, and its state. Profiles show it under the name `optimizer`.
 * @example
 * const params = { w: constant([1, 2]) };
 * const optimizer = optim.sgd(0.1);
 * const [next, state] = optim.descend(optimizer, params, { w: constant([1, 1]) }, optimizer.init(params)); // w [0.9, 1.9]
 */
export const descend = <P, S>(
  optimizer: Optimizer<S>,
  params: P,
  gradients: P,
  state: S,
): readonly [params: P, state: S] =>
  named('optimizer', () => {
    const [updates, next] = optimizer.update(gradients, state, params);
    return [applyUpdates(params, updates), next];
  });

/** `tree.map` over trees of tensors of one form. */
export const mapTree = <P>(f: (leaf: Tensor, ...rest: Tensor[]) => Tensor, first: P, ...rest: readonly unknown[]): P =>
  tree.map(f, first, ...rest) as P;

/** Zeros of the types and shapes of a tree. */
export const zerosLike = (params: unknown): tree.Tree<Tensor> =>
  mapTree(({ dtype, shape }) => broadcastTo(constant(0, dtype), shape), params as tree.Tree<Tensor>);

/** A function of the type, computed once for each: scalars that all leaves of that type share. */
export function perType<T>(f: (dtype: DType) => T): (dtype: DType) => T {
  const made = new Map<DType, T>();
  return (dtype) => {
    const found = made.get(dtype) ?? f(dtype);
    made.set(dtype, found);
    return found;
  };
}

import type { Context, Params, SpecTree, WeightSpec } from '../nn/index.ts';
import { ShapeError, sameShape, showShape, type Tensor } from '../tensor/index.ts';

/** The weights to generate, by path in the target: all that a head knows of the target. */
export type TargetSpec = Readonly<Record<string, WeightSpec>>;

/** Generated weights by path in the target. */
export type Weights = Readonly<Record<string, Tensor>>;

/** What is known of the code before there is one. */
export interface CodeSpec {
  /** Number of elements; 0 for a hypernetwork without a code. */
  readonly size: number;
  /** Expected mean square of its elements, from which heads find the scale of their own weights. */
  readonly secondMoment: number;
}

/** What maps a code to weights. Made by {@link defineHead}. */
export interface Head<S = SpecTree> {
  readonly name: string;
  /** The head's own weights for a target. */
  spec(target: TargetSpec, code: CodeSpec): S;
  /** Generated weights, one for each of the target, of its shape. */
  apply(params: Params<S>, code: Tensor, target: TargetSpec, context?: Context): Weights;
}

/** A head, its own weights' type forgotten. */
export interface AnyHead {
  readonly name: string;
  spec(target: TargetSpec, code: CodeSpec): unknown;
  apply(params: never, code: Tensor, target: TargetSpec, context?: Context): unknown;
}

/**
 * Makes a head from the spec of its own weights and a pure function. What it generates is checked against the target.
 * @throws ShapeError when applied and a generated weight does not fit the target
 * @example
 * const table = hyper.defineHead({
 *   name: 'linear',
 *   spec: (target, code) => hyper.mapTarget(target, (w) => nn.weight({ shape: [code.size, sizeOf(w.shape)] })),
 *   apply: (params, code, target) => hyper.mapTarget(target, (w, path) =>
 *     reshape(matmul(reshape(code, [1, -1]), params[path]!), w.shape)),
 * });
 */
export const defineHead = <S>({ name, spec, apply }: Head<S>): Head<S> => ({
  name,
  spec,
  apply: (params, code, target, context) => {
    const weights = apply(params, code, target, context);
    for (const [path, { shape }] of Object.entries(target)) {
      const got = weights[path];
      if (got === undefined || !sameShape(got.shape, shape)) {
        throw new ShapeError(
          `${name}: expected ${path} ${showShape(shape)}, got ${got ? showShape(got.shape) : 'none'}`,
        );
      }
    }
    return weights;
  },
});

/** A record with the target's paths. */
export const mapTarget = <R>(target: TargetSpec, f: (spec: WeightSpec, path: string) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(target).map(([path, spec]) => [path, f(spec, path)]));

import { add, cast, clip, div, minimum, sqrt, square, sum, type Tensor, tree } from '../tensor/index.ts';
import { mapTree, type NoState, type Optimizer, perType } from './optimizer.ts';
import { amount } from './options.ts';
import { scaled } from './scale.ts';

/**
 * The Euclidean norm of all leaves together, a scalar of the first leaf's type.
 * @example
 * const norm = optim.globalNorm({ a: constant([3]), b: constant([4]) }); // 5
 */
export function globalNorm(gradients: unknown): Tensor {
  const totals = tree.leaves<Tensor>(gradients).map((g) => sum(square(g)));
  return sqrt(totals.reduce((total, next) => add(total, cast(next, total.dtype))));
}

/**
 * Scales all gradients by min(1, limit / (norm + 1e-6)), where norm is that of all leaves together (Pascanu et al.
 * 2013; the constant is PyTorch's).
 * @throws ArgumentError for a limit that is not above 0
 * @example
 * const optimizer = optim.chain(optim.clipByGlobalNorm(1), optim.adam(1e-3));
 */
export function clipByGlobalNorm(limit: number): Optimizer<NoState> {
  amount('clipByGlobalNorm', 'the limit', limit, { above: true });
  return {
    init: () => ({}),
    update: (gradients, state) => {
      const factor = minimum(div(limit, add(globalNorm(gradients), 1e-6)), 1);
      const factorOf = perType((dtype) => cast(factor, dtype));
      return [mapTree((g) => scaled(g, factorOf(g.dtype)), gradients), state];
    },
  };
}

/**
 * Limits every element of every gradient to [-limit, limit].
 * @throws ArgumentError for a limit that is not above 0
 * @example
 * const optimizer = optim.chain(optim.clipByValue(100), optim.adam(5e-3));
 */
export function clipByValue(limit: number): Optimizer<NoState> {
  amount('clipByValue', 'the limit', limit, { above: true });
  return { init: () => ({}), update: (gradients, state) => [mapTree((g) => clip(g, -limit, limit), gradients), state] };
}

import { add, cast, constant, div, expm1, mul, neg, sqrt, square, type Tensor, type tree } from '../tensor/index.ts';
import { mapTree, type Optimizer, perType, zerosLike } from './optimizer.ts';
import { amount, decayRate } from './options.ts';

/** Options of Adam: decays of the running means of gradients and of their squares, and the floor of the divisor. */
export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/** State of {@link scaleByAdam}: updates made (int32), and decaying sums of gradients and of their squares. */
export interface AdamState {
  readonly step: Tensor;
  readonly gradients: tree.Tree<Tensor>;
  readonly squares: tree.Tree<Tensor>;
}

/**
 * Each gradient's running mean over the root of its running mean square, both corrected for their start at zero
 * (Kingma and Ba 2015, algorithm 1); epsilon is added after the root and the correction, as in PyTorch.
 * @throws ArgumentError for a beta outside [0, 1) or an epsilon that is not positive
 * @example
 * const optimizer = optim.chain(optim.scaleByAdam({ beta2: 0.99 }), optim.scaleByLearningRate(1e-3));
 */
export function scaleByAdam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions = {}): Optimizer<AdamState> {
  decayRate('scaleByAdam', 'beta1', beta1);
  decayRate('scaleByAdam', 'beta2', beta2);
  amount('scaleByAdam', 'epsilon', epsilon, { above: true });
  return {
    init: (params) => ({ step: constant(0, 'int32'), gradients: zerosLike(params), squares: zerosLike(params) }),
    update: (gradients, state) => {
      const step = add(state.step, 1);
      // Plain decaying sums need one pass less each than means; all that is missing goes into two scalars.
      const sums = mapTree((g, m) => add(mul(m, beta1), g), gradients, state.gradients);
      const squares = mapTree((g, v) => add(mul(v, beta2), square(g)), gradients, state.squares);
      const scalars = perType((dtype) => {
        const count = cast(step, dtype);
        // Sum to corrected mean: (1 - beta) / (1 - beta^step).
        const ofMean = div(1 - beta1, missing(beta1, count));
        const root = sqrt(div(missing(beta2, count), 1 - beta2));
        return { rate: mul(ofMean, root), floor: mul(root, epsilon) };
      });
      const updates = mapTree(
        (_, m, v) => {
          const { rate, floor } = scalars(m.dtype);
          return mul(div(m, add(sqrt(v), floor)), rate);
        },
        gradients,
        sums,
        squares,
      );
      return [updates, { step, gradients: sums, squares } as AdamState];
    },
  };
}

/** 1 - beta^step, without cancellation when beta is near 1. */
const missing = (beta: number, step: Tensor): Tensor =>
  beta === 0 ? constant(1, step.dtype) : neg(expm1(mul(step, Math.log(beta))));

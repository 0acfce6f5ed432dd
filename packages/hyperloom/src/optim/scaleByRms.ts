import { add, div, mul, relu, sqrt, square, sub, type Tensor, type tree } from '../tensor/index.ts';
import { mapTree, type Optimizer, zerosLike } from './optimizer.ts';
import { amount, decayRate } from './options.ts';

/** Options of {@link scaleByRms}; `centered` divides by the standard deviation instead of the root mean square. */
export interface RmsOptions {
  readonly decay?: number;
  readonly epsilon?: number;
  readonly centered?: boolean;
}

/** State of {@link scaleByRms}: running means of squares, and of gradients when centred. */
export interface RmsState {
  readonly squares: tree.Tree<Tensor>;
  readonly gradients?: tree.Tree<Tensor>;
}

/**
 * Each gradient over the root of its running mean square (Tieleman and Hinton 2012); centred, over its running standard
 * deviation (Graves 2013). Epsilon is added after the root, as in PyTorch.
 * @throws ArgumentError for a decay outside [0, 1) or an epsilon that is not positive
 * @example
 * const optimizer = optim.chain(optim.scaleByRms({ decay: 0.99 }), optim.scaleByLearningRate(1e-3));
 */
export function scaleByRms({ decay = 0.99, epsilon = 1e-8, centered = false }: RmsOptions = {}): Optimizer<RmsState> {
  decayRate('scaleByRms', 'decay', decay);
  amount('scaleByRms', 'epsilon', epsilon, { above: true });
  const follow = (mean: Tensor, x: Tensor) => add(mul(mean, decay), mul(x, 1 - decay));
  return {
    init: (params) => ({ squares: zerosLike(params), ...(centered && { gradients: zerosLike(params) }) }),
    update: (gradients, state) => {
      const squares = mapTree((g, v) => follow(v, square(g)), gradients, state.squares);
      const means = state.gradients && mapTree((g, m) => follow(m, g), gradients, state.gradients);
      // Rounding may bring a variance below 0.
      const variances = means ? mapTree((v, m) => relu(sub(v, square(m))), squares, means) : squares;
      const updates = mapTree((g, v) => div(g, add(sqrt(v), epsilon)), gradients, variances);
      return [updates, { squares, ...(means && { gradients: means }) } as RmsState];
    },
  };
}

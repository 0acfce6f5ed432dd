import { add, type Tensor, type tree } from '../tensor/index.ts';
import { mapTree, type Optimizer, zerosLike } from './optimizer.ts';
import { decayRate } from './options.ts';
import { scaled } from './scale.ts';

/** State of {@link momentum}: the decaying sum of gradients. */
export interface MomentumState {
  readonly trace: tree.Tree<Tensor>;
}

/** Options of {@link momentum}. */
export interface MomentumOptions {
  readonly decay?: number;
  readonly nesterov?: boolean;
}

/**
 * The decaying sum of gradients, t = decay * t + g (Polyak 1964); with `nesterov`, g + decay * t
 * (Sutskever et al. 2013).
 * @throws ArgumentError for a decay outside [0, 1)
 * @example
 * const optimizer = optim.chain(optim.momentum({ decay: 0.9 }), optim.scaleByLearningRate(0.01));
 */
export function momentum({ decay = 0.9, nesterov = false }: MomentumOptions = {}): Optimizer<MomentumState> {
  decayRate('momentum', 'decay', decay);
  const accumulate = (g: Tensor, t: Tensor) => add(scaled(t, decay), g);
  return {
    init: (params) => ({ trace: zerosLike(params) }),
    update: (gradients, state) => {
      const sums = mapTree(accumulate, gradients, state.trace);
      const updates = nesterov ? mapTree(accumulate, gradients, sums) : sums;
      return [updates, { trace: sums as tree.Tree<Tensor> }];
    },
  };
}

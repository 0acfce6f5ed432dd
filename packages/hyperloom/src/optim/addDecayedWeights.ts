import { add, mul } from '../tensor/index.ts';
import { mapTree, type NoState, type Optimizer } from './optimizer.ts';
import { amount } from './options.ts';

/**
 * Adds decay * params: an L2 penalty when it stands before the optimiser, decoupled decay (Loshchilov and Hutter 2019)
 * when it stands between its direction and its learning rate.
 * @throws ArgumentError for a decay below 0
 * @example
 * const penalised = optim.chain(optim.addDecayedWeights(1e-4), optim.sgd(0.1, { momentum: 0.9 }));
 */
export function addDecayedWeights(decay: number): Optimizer<NoState> {
  amount('addDecayedWeights', 'the decay', decay);
  return {
    init: () => ({}),
    update: (gradients, state, params) => [mapTree((g, p) => add(g, mul(p, decay)), gradients, params), state],
  };
}

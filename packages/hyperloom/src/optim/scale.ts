import { constant, mul, type Tensor, type TensorLike } from '../tensor/index.ts';
import { mapTree, type NoState, type Optimizer } from './optimizer.ts';

/**
 * A tensor times a scalar. A tensor that is already one times a scalar takes both in one product, so a chain of
 * scalings costs one pass over a vector.
 */
export function scaled(x: Tensor, factor: TensorLike): Tensor {
  const by = typeof factor === 'number' ? constant(factor, x.dtype) : factor;
  const [inner, earlier] = x.node.op.name === 'mul' ? x.node.inputs : [];
  return inner && earlier?.rank === 0 && inner.rank > 0 ? mul(inner, mul(earlier, by)) : mul(x, by);
}

/**
 * Multiplies every gradient by one number.
 * @example
 * const halved = optim.chain(optim.scale(0.5), optim.sgd(0.1));
 */
export const scale = (factor: number): Optimizer<NoState> => ({
  init: () => ({}),
  update: (gradients, state) => [mapTree((g) => scaled(g, factor), gradients), state],
});

import type { NoWeights } from '../../nn/index.ts';
import { ArgumentError, ShapeError, showShape, type Tensor } from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';

/**
 * A code given at each call: a vector of `size` elements.
 * @param secondMoment expected mean square of an element, from which heads find their scale; 1 by default
 * @throws ShapeError when called with a vector of another size
 * @example
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: codes.input({ size: 3 }), head: heads.dense() });
 */
export function input({
  size,
  secondMoment = 1,
}: {
  readonly size: number;
  readonly secondMoment?: number;
}): Conditioner<Tensor, NoWeights> {
  if (!Number.isInteger(size) || size < 1)
    throw new ArgumentError(`codes.input: expected a size of at least 1, got ${size}`);
  return {
    name: 'input',
    size,
    secondMoment,
    spec: {},
    apply: (_, source) => {
      if (source?.rank !== 1 || source.shape[0] !== size) {
        throw new ShapeError(
          `codes.input: expected a code [${size}], got ${source ? showShape(source.shape) : 'nothing'}`,
        );
      }
      return source;
    },
  };
}

import { init, type WeightSpec, weight } from '../../nn/index.ts';
import { ArgumentError, gather, ShapeError, showShape, type Tensor } from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';

/** Settings of {@link embeddings}. */
export interface EmbeddingsOptions {
  /** Number of codes: tasks, users, layers. */
  readonly count: number;
  /** Elements of each code. */
  readonly size: number;
  /** Standard deviation of the first values. Default 1. */
  readonly std?: number;
}

/**
 * A learned code for each of a number of tasks, users or layers. The source is an int32 scalar, its position.
 * @throws ArgumentError when the count or size is no whole number of at least 1
 * @example
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: codes.embeddings({ count: 10, size: 8 }), head: heads.dense() });
 */
export function embeddings({ count, size, std = 1 }: EmbeddingsOptions): Conditioner<Tensor, { table: WeightSpec }> {
  for (const [name, value] of Object.entries({ count, size })) {
    if (!Number.isInteger(value) || value < 1)
      throw new ArgumentError(`codes.embeddings: expected a ${name} of at least 1, got ${value}`);
  }
  return {
    name: 'embeddings',
    size,
    secondMoment: std ** 2,
    spec: {
      table: weight({ shape: [count, size], fanIn: count, fanOut: size, role: 'code', init: init.normal({ std }) }),
    },
    apply: ({ table }, source) => {
      if (source?.rank !== 0)
        throw new ShapeError(
          `codes.embeddings: expected an int32 scalar, got ${source ? showShape(source.shape) : 'nothing'}`,
        );
      return gather(table, source);
    },
  };
}

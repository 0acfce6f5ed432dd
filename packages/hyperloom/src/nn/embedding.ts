import { DTypeError, gather, showShape } from '../tensor/index.ts';
import { normal } from './init.ts';
import { defineModule, type Initializer, type Module, type WeightSpec, weight } from './module.ts';
import { whole } from './options.ts';

/** Weights of {@link embedding}: table [count, size]. */
export type EmbeddingSpec = { readonly table: WeightSpec };

/** Options of {@link embedding}: `count` vectors of `size` numbers, standard normal unless `init` says otherwise. */
export interface EmbeddingOptions {
  readonly count: number;
  readonly size: number;
  readonly init?: Initializer;
}

/**
 * A learned vector for each index: int32 [...] to [..., size].
 * @throws ArgumentError for sizes below 1; when applied, DTypeError unless the input is int32
 * @example
 * const words = nn.embedding({ count: 100, size: 8 });
 * const y = words.apply(words.init(random.key(0)), constant([3, 14], 'int32')); // [2, 8]
 */
export function embedding({ count, size, init = normal() }: EmbeddingOptions): Module<EmbeddingSpec> {
  const shape = [whole('embedding', 'count', count), whole('embedding', 'size', size)];
  return defineModule<EmbeddingSpec>({
    name: 'embedding',
    // One row is read at a time, so an output sums over one number.
    spec: { table: weight({ shape, fanIn: 1, fanOut: size, role: 'embedding', init }) },
    apply: ({ table }, x) => {
      if (x.dtype !== 'int32')
        throw new DTypeError(`embedding: expected int32 indices, got ${x.dtype} ${showShape(x.shape)}`);
      return gather(table, x);
    },
  });
}

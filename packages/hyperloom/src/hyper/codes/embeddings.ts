import { init, type WeightSpec, weight } from '../../nn/index.ts';
import { ArgumentError, DTypeError, gather, ShapeError, showShape, type Tensor } from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';
import { atLeastOne } from './checks.ts';

/** Settings of {@link embeddings}. */
export type EmbeddingsOptions = {
  /** Elements of each code. */
  readonly size: number;
  /** Standard deviation of the first values. Default 1. */
  readonly std?: number;
  /**
   * Whether the first codes are of one norm, so that every generated network starts at the same scale: a code of twice
   * the norm makes each generated layer twice as large. Default false: normal, as published hypernetworks have them.
   */
  readonly even?: boolean;
} & (
  | {
      /** Number of codes: tasks, users, layers. */
      readonly count: number;
      readonly names?: undefined;
    }
  | {
      /** Names of the codes, in place of their number. Later ones are added behind. */
      readonly names: readonly string[];
      readonly count?: undefined;
    }
);

/** The weights of {@link embeddings}: one row for each code. */
export interface EmbeddingsSpec {
  readonly table: WeightSpec;
}

/** A table of learned codes. */
export interface Embeddings extends Conditioner<Tensor, EmbeddingsSpec> {
  readonly count: number;
  /**
   * The position of a name: what to feed, as an int32 scalar.
   * @throws ArgumentError for a name that is not in the table, or a table without names
   */
  indexOf(name: string): number;
}

const where = 'codes.embeddings';

/**
 * A learned code for each of a number of tasks, users or layers. The source is an int32 scalar, its position.
 *
 * Engines take a position outside the table as they will: the reference engine and ONNX Runtime refuse one past the
 * end when they run. What is known on the host is checked there: `indexOf`.
 *
 * The first value of a row depends on its position and not on the number of rows, so the rows of a larger table begin
 * with those of a smaller one. `hyper.grow` gives a trained table more rows.
 * @throws ArgumentError when the count or size is no whole number of at least 1, or a name comes twice; when applied,
 * ShapeError or DTypeError unless the source is an int32 scalar
 * @example
 * const users = codes.embeddings({ names: ['ann', 'bob'], size: 8 });
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: users, head: heads.dense() });
 * const params = model.init(random.key(0));
 * const y = model.apply(params, { code: constant(users.indexOf('bob'), 'int32'), input: constant([1, 2]) });
 */
export function embeddings({ count: given, names, size, std = 1, even = false }: EmbeddingsOptions): Embeddings {
  const count = atLeastOne(where, 'count', names?.length ?? (given as number));
  atLeastOne(where, 'size', size);
  const positions = new Map(names?.map((name, i) => [name, i]));
  if (names && positions.size < count)
    throw new ArgumentError(
      `${where}: expected names that differ, got "${names.find((n, i) => positions.get(n) !== i)}" twice`,
    );
  return {
    name: 'embeddings',
    count,
    size,
    secondMoment: std ** 2,
    spec: {
      table: weight({
        shape: [count, size],
        fanIn: count,
        fanOut: size,
        role: 'code',
        init: even ? init.sphere({ std }) : init.normal({ std }),
      }),
    },
    apply: ({ table }, source) => {
      if (source?.rank !== 0)
        throw new ShapeError(`${where}: expected an int32 scalar, got ${source ? showShape(source.shape) : 'nothing'}`);
      if (source.dtype !== 'int32') throw new DTypeError(`${where}: expected an int32 scalar, got ${source.dtype}`);
      return gather(table, source);
    },
    indexOf: (name) => {
      const found = positions.get(name);
      if (found !== undefined) return found;
      const known = names ? `one of the names ${listed(names)}` : 'a table with names';
      throw new ArgumentError(`${where}: expected ${known}, got "${name}"`);
    },
  };
}

const listed = (names: readonly string[]): string =>
  names.slice(0, 8).join(', ') + (names.length > 8 ? ` and ${names.length - 8} more` : '');

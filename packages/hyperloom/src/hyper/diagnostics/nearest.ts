import { ArgumentError, type NdArray, showShape } from '../../tensor/index.ts';

/** Another row, and how near it is. */
export interface Neighbour {
  readonly row: number;
  readonly name: string;
  /** Cosine of the angle between the two; 0 where one is all zeros. */
  readonly cosine: number;
  /** Euclidean distance. */
  readonly distance: number;
}

/** Settings of {@link nearestCodes}. */
export interface NearestOptions {
  /** Neighbours of each row. Default 5, or all where there are fewer. */
  readonly count?: number;
  /** What makes a row near. Default `cosine`. */
  readonly by?: 'cosine' | 'distance';
  /** Names of the rows; their numbers by default. */
  readonly names?: readonly string[];
}

/**
 * For each row of a table of codes [rows, size] the nearest other rows, nearest first.
 * @throws ArgumentError for an array that is no table, a count below 1, or names that are not one for each row
 * @example
 * const [first] = hyper.nearestCodes(ndarray([[1, 0], [0.9, 0.1], [0, 1]]), { count: 1, names: ['a', 'b', 'c'] });
 * console.log(first!.neighbours[0]!.name); // b
 */
export function nearestCodes(
  table: NdArray,
  { count = 5, by = 'cosine', names }: NearestOptions = {},
): { readonly name: string; readonly neighbours: readonly Neighbour[] }[] {
  const vectors = rowsOf(table, 'nearestCodes');
  if (!Number.isInteger(count) || count < 1)
    throw new ArgumentError(`nearestCodes: expected a count of at least 1, got ${count}`);
  if (names !== undefined && names.length !== vectors.length)
    throw new ArgumentError(`nearestCodes: expected ${vectors.length} names, got ${names.length}`);
  const nameOf = (row: number) => names?.[row] ?? String(row);
  const lengths = vectors.map((v) => Math.sqrt(dot(v, v)));
  return vectors.map((v, i) => {
    const others = vectors.flatMap((w, row): Neighbour[] => {
      if (row === i) return [];
      const product = lengths[i]! * lengths[row]!;
      const cosine = product === 0 ? 0 : dot(v, w) / product;
      return [{ row, name: nameOf(row), cosine, distance: Math.hypot(...v.map((x, k) => x - w[k]!)) }];
    });
    const nearer =
      by === 'cosine'
        ? (a: Neighbour, b: Neighbour) => b.cosine - a.cosine
        : (a: Neighbour, b: Neighbour) => a.distance - b.distance;
    return { name: nameOf(i), neighbours: others.sort(nearer).slice(0, count) };
  });
}

/** The rows of a table. */
export function rowsOf({ shape, data }: NdArray, name: string): number[][] {
  const [rows, size] = shape;
  if (rows === undefined || size === undefined || shape.length !== 2)
    throw new ArgumentError(`${name}: expected a table [rows, size], got ${showShape(shape)}`);
  return Array.from({ length: rows }, (_, i) => Array.from(data.slice(i * size, (i + 1) * size)));
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((n, x, k) => n + x * b[k]!, 0);

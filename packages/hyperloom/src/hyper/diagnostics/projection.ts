import type { NdArray } from '../../tensor/index.ts';
import { rowsOf } from './nearest.ts';

/** Rows seen along the two directions in which they differ most. */
export interface Projection {
  /** A point for each row, the mean of all at [0, 0]. */
  readonly points: readonly (readonly [number, number])[];
  /** Share of the variance along each of the two directions. */
  readonly explained: readonly [number, number];
}

/**
 * The first two principal components of a table [rows, size], by Jacobi's rotations of its covariance. Each direction
 * points to where its largest part is positive, so that a picture does not flip from one run to the next.
 * @throws ArgumentError for an array that is no table
 * @example
 * const { points, explained } = hyper.projectCodes(ndarray([[1, 2, 0], [-1, -2, 0], [3, 6, 0]])); // explained [1, 0]
 */
export function projectCodes(table: NdArray): Projection {
  const rows = rowsOf(table, 'projectCodes');
  const size = table.shape[1]!;
  const mean = Array.from({ length: size }, (_, k) => rows.reduce((n, row) => n + row[k]!, 0) / rows.length);
  const centred = rows.map((row) => row.map((x, k) => x - mean[k]!));
  const covariance = mean.map((_, a) =>
    mean.map((_, b) => centred.reduce((n, row) => n + row[a]! * row[b]!, 0) / rows.length),
  );
  const { values, vectors } = eigen(covariance);
  const order = values.map((_, k) => k).sort((a, b) => values[b]! - values[a]!);
  const total = values.reduce((a, b) => a + b, 0);
  const along = (rank: number) => {
    const at = order[rank];
    if (at === undefined) return { share: 0, of: () => 0 };
    const direction = upright(vectors.map((row) => row[at]!));
    return {
      share: total > 0 ? Math.max(0, values[at]!) / total : 0,
      of: (row: readonly number[]) => row.reduce((n, x, k) => n + x * direction[k]!, 0),
    };
  };
  const [first, second] = [along(0), along(1)];
  return {
    points: centred.map((row) => [first.of(row), second.of(row)] as const),
    explained: [first.share, second.share],
  };
}

const upright = (v: readonly number[]): number[] => {
  const largest = v.reduce((a, b) => (Math.abs(b) > Math.abs(a) + 1e-12 ? b : a), 0);
  return largest < 0 ? v.map((x) => -x) : [...v];
};

/** Eigenvalues and eigenvectors (columns) of a symmetric matrix, by cyclic Jacobi rotations. */
function eigen(symmetric: readonly (readonly number[])[]): { values: number[]; vectors: number[][] } {
  const a = symmetric.map((row) => [...row]);
  const n = a.length;
  const vectors = a.map((_, i) => a.map((_, j) => Number(i === j)));
  const scale = Math.hypot(...a.flat());
  for (let sweep = 0; sweep < 60; sweep++) {
    const rest = a.reduce((sum, row, i) => sum + row.reduce((s, x, j) => s + (i === j ? 0 : x * x), 0), 0);
    if (Math.sqrt(rest) <= 1e-14 * scale) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p]![q] === 0) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const s = t * c;
        for (let k = 0; k < n; k++) rotate(a[k]!, p, q, c, s);
        const [rowP, rowQ] = [[...a[p]!], [...a[q]!]];
        a[p] = rowP.map((x, k) => c * x - s * rowQ[k]!);
        a[q] = rowP.map((x, k) => s * x + c * rowQ[k]!);
        for (let k = 0; k < n; k++) rotate(vectors[k]!, p, q, c, s);
      }
    }
  }
  return { values: a.map((row, i) => row[i]!), vectors };
}

function rotate(row: number[], p: number, q: number, c: number, s: number): void {
  const [x, y] = [row[p]!, row[q]!];
  row[p] = c * x - s * y;
  row[q] = s * x + c * y;
}

import type { NdArray } from '../../tensor/index.ts';

/** Mean and variance of an array's elements. */
export interface Moments {
  readonly mean: number;
  readonly variance: number;
}

/** What a look at all elements of an array tells. NaN and infinities are counted, and left out of the rest. */
export interface Statistics extends Moments {
  readonly min: number;
  readonly max: number;
  readonly std: number;
  /** Share of elements that are exactly 0. */
  readonly zeros: number;
  /** Number of elements that are NaN or infinite. */
  readonly nonFinite: number;
}

/** Mean and variance (divided by n) of an array. */
export function moments({ data }: NdArray): Moments {
  let total = 0;
  let squares = 0;
  for (const value of data) {
    total += value;
    squares += value * value;
  }
  const mean = total / data.length;
  return { mean, variance: Math.max(0, squares / data.length - mean * mean) };
}

/**
 * Minimum, maximum, mean, spread, zeros and flaws of an array. An array without finite elements has NaN for all of
 * these but `zeros` and `nonFinite`.
 * @example
 * const { min, max, zeros, nonFinite } = hyper.statistics(ndarray([0, 3, Number.NaN])); // 0, 3, 1 / 3, 1
 */
export function statistics({ data }: NdArray): Statistics {
  let count = 0;
  let zeros = 0;
  let total = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const x of data) {
    if (!Number.isFinite(x)) continue;
    count++;
    total += x;
    if (x === 0) zeros++;
    if (x < min) min = x;
    if (x > max) max = x;
  }
  const mean = total / count;
  let squares = 0;
  for (const x of data) if (Number.isFinite(x)) squares += (x - mean) ** 2;
  const variance = squares / count;
  const limits = count === 0 ? { min: Number.NaN, max: Number.NaN } : { min, max };
  return {
    ...limits,
    mean,
    variance,
    std: Math.sqrt(variance),
    zeros: data.length === 0 ? 0 : zeros / data.length,
    nonFinite: data.length - count,
  };
}

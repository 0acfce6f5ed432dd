/** Where a set of measurements lies. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  /** Quartiles: half of the measurements lie between them. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** The value below which a share of the measurements lies, interpolated; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const summarize = (values: readonly number[]): Summary => ({
  median: median(values),
  min: quantile(values, 0),
  low: quantile(values, 0.25),
  high: quantile(values, 0.75),
  count: values.length,
});

/** Ratios of two sides' medians, round by round: rounds that one side sat out are left out. */
export const ratios = (ours: readonly (readonly number[])[], theirs: readonly (readonly number[])[]): number[] =>
  theirs.flatMap((round, i) => (round.length > 0 && ours[i] ? [median(ours[i]) / median(round)] : []));

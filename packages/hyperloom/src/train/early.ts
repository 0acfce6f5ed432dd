import { ArgumentError } from '../tensor/index.ts';

/** When to stop before the last step: the metric of an evaluation has not improved for `patience` evaluations. */
export interface EarlyStopping {
  readonly metric: string;
  readonly mode: 'min' | 'max';
  readonly patience: number;
}

/** How far an {@link EarlyStopping} has come: plain data, saved with checkpoints. */
export interface EarlyState {
  readonly best: number | null;
  readonly bestStep: number;
  /** Evaluations since the best one. */
  readonly waited: number;
}

/** The state before the first evaluation. */
export const earlyStart: EarlyState = { best: null, bestStep: 0, waited: 0 };

/**
 * The state after an evaluation. A metric that is not finite improves on nothing, not even on none.
 * @throws ArgumentError when the evaluation has no metric of that name
 */
export function earlyNext(
  { metric, mode }: EarlyStopping,
  state: EarlyState,
  step: number,
  metrics: Readonly<Record<string, number>>,
): EarlyState {
  const value = metrics[metric];
  if (value === undefined) {
    throw new ArgumentError(
      `early stopping: expected a metric of the evaluation (${Object.keys(metrics).join(', ')}), got "${metric}"`,
    );
  }
  const better =
    Number.isFinite(value) && (state.best === null || (mode === 'min' ? value < state.best : value > state.best));
  return better ? { best: value, bestStep: step, waited: 0 } : { ...state, waited: state.waited + 1 };
}

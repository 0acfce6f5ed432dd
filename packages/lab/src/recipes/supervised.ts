import type { EvalBatches } from 'hyperloom/data';
import type { Example, Metrics } from 'hyperloom/train';
import type { Figures, SessionTrainOptions, Trial } from './recipe.ts';

/** What {@link supervised} makes a trial of: a model, its training and its test set. */
export interface Supervised extends Omit<Trial, 'train' | 'measure'> {
  readonly training: SessionTrainOptions;
  readonly test: EvalBatches<Example>;
  readonly metrics: Metrics;
}

/** A trial of one training, measured on a test set: metrics are means over it, and an accuracy comes with its error. */
export const supervised = ({ training, test, metrics, ...trial }: Supervised): Trial => ({
  ...trial,
  train: (session) => session.train(trial.model, training),
  measure: async (run) => withError(await run.evaluate(test, metrics)),
});

const withError = (figures: Figures): Figures =>
  figures.accuracy === undefined ? figures : { ...figures, error: 1 - figures.accuracy };

import type { EvalBatches } from 'hyperloom/data';
import { type NdArray, tree } from 'hyperloom/tensor';
import type { Example, Metrics } from 'hyperloom/train';
import type { Figures, SessionTrainOptions, Trial } from './recipe.ts';

/** What {@link supervised} makes a trial of: a model, its training and its test set. */
export interface Supervised extends Omit<Trial, 'train' | 'measure' | 'examples' | 'loss'> {
  readonly training: SessionTrainOptions;
  readonly test: EvalBatches<Example>;
  readonly metrics: Metrics;
}

/**
 * A trial of one training, measured on a test set: metrics are means over it, and an accuracy comes with its error.
 * Diagnostics look at the test set too, of which the first example is the example input.
 */
export const supervised = ({ training, test, metrics, ...trial }: Supervised): Trial => ({
  exampleInput: firstInput(test, 'materialise' in trial.model),
  examples: test,
  loss: training.loss,
  ...trial,
  train: (session) => session.train(trial.model, training),
  measure: async (run) => withError(await run.evaluate(test, metrics, { carry: training.carry })),
});

/** What the network, or the target of a hypernetwork, reads of the first example. */
function firstInput(test: EvalBatches<Example>, hyper: boolean): unknown {
  for (const { batch } of test) {
    const { input } = batch as Example;
    const own = hyper ? (input as { readonly input: unknown }).input : input;
    return tree.map(({ dtype, shape: [, ...shape], data }: NdArray): NdArray => {
      const length = shape.reduce((n, d) => n * d, 1);
      return { dtype, shape, data: data.slice(0, length) };
    }, own);
  }
  return undefined;
}

const withError = (figures: Figures): Figures =>
  figures.accuracy === undefined ? figures : { ...figures, error: 1 - figures.accuracy };

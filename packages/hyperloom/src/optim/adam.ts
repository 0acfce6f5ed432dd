import { addDecayedWeights } from './addDecayedWeights.ts';
import { type LearningRate, scaleByLearningRate } from './learningRate.ts';
import { chain, type Optimizer } from './optimizer.ts';
import { type AdamOptions, scaleByAdam } from './scaleByAdam.ts';

/**
 * Adam (Kingma and Ba 2015), with PyTorch's place for epsilon.
 * @example
 * const optimizer = optim.adam(1e-3);
 */
export const adam = (rate: LearningRate, options: AdamOptions = {}): Optimizer =>
  chain(scaleByAdam(options), scaleByLearningRate(rate));

/** Options of {@link adamw}. */
export interface AdamWOptions extends AdamOptions {
  /** Share of each weight that is taken off at a rate of 1; 0.01 by default. */
  readonly weightDecay?: number;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019).
 * @example
 * const optimizer = optim.adamw(1e-3, { weightDecay: 0.1 });
 */
export const adamw = (rate: LearningRate, { weightDecay = 0.01, ...options }: AdamWOptions = {}): Optimizer =>
  chain(scaleByAdam(options), addDecayedWeights(weightDecay), scaleByLearningRate(rate));

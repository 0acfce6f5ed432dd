import { type LearningRate, scaleByLearningRate } from './learningRate.ts';
import { momentum as withMomentum } from './momentum.ts';
import { chain, type Optimizer } from './optimizer.ts';
import { type RmsOptions, scaleByRms } from './scaleByRms.ts';

/** Options of {@link rmsprop}. */
export interface RmspropOptions extends RmsOptions {
  /** Decay of the running sum of scaled gradients; none by default. */
  readonly momentum?: number;
}

/**
 * RMSprop (Tieleman and Hinton 2012), with PyTorch's place for epsilon.
 * @example
 * const optimizer = optim.rmsprop(1e-3, { momentum: 0.9, centered: true });
 */
export const rmsprop = (rate: LearningRate, { momentum = 0, ...options }: RmspropOptions = {}): Optimizer =>
  chain(scaleByRms(options), ...(momentum === 0 ? [] : [withMomentum({ decay: momentum })]), scaleByLearningRate(rate));

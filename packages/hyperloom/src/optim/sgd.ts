import { type LearningRate, scaleByLearningRate } from './learningRate.ts';
import { momentum as withMomentum } from './momentum.ts';
import { chain, type Optimizer } from './optimizer.ts';

/** Options of {@link sgd}. */
export interface SgdOptions {
  /** Decay of the running sum of gradients; none by default. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
}

/**
 * Gradient descent, with momentum (Polyak 1964) or Nesterov's form of it (Sutskever et al. 2013); PyTorch's definition.
 * @example
 * const optimizer = optim.sgd(0.1, { momentum: 0.9, nesterov: true });
 */
export const sgd = (rate: LearningRate, { momentum = 0, nesterov = false }: SgdOptions = {}): Optimizer =>
  momentum === 0
    ? scaleByLearningRate(rate)
    : chain(withMomentum({ decay: momentum, nesterov }), scaleByLearningRate(rate));

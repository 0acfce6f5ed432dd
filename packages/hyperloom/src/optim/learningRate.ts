import { add, cast, constant, neg, type Tensor } from '../tensor/index.ts';
import { mapTree, type NoState, type Optimizer, perType } from './optimizer.ts';
import { amount } from './options.ts';
import { scaled } from './scale.ts';
import type { Schedule } from './schedules.ts';

/** A fixed learning rate, or one that changes with the step. */
export type LearningRate = number | Schedule;

/** State of a schedule: the number of updates made, int32. */
export interface StepState {
  readonly step: Tensor;
}

/**
 * Multiplies by minus the learning rate, which turns a direction of ascent into an update. A schedule is asked with 0 at
 * the first update.
 * @throws ArgumentError for a rate below 0
 * @example
 * const optimizer = optim.chain(
 *   optim.scaleByAdam(),
 *   optim.scaleByLearningRate(optim.exponential({ initial: 5e-3, decay: 0.999, floor: 1e-4 })),
 * );
 */
export function scaleByLearningRate(rate: LearningRate): Optimizer<StepState | NoState> {
  if (typeof rate === 'number') {
    amount('scaleByLearningRate', 'the learning rate', rate);
    return { init: () => ({}), update: (gradients, state) => [mapTree((g) => scaled(g, -rate), gradients), state] };
  }
  return {
    init: () => ({ step: constant(0, 'int32') }),
    update: (gradients, state) => {
      const step = state.step as Tensor;
      const factor = perType((dtype) => neg(rate(cast(step, dtype))));
      return [mapTree((g) => scaled(g, factor(g.dtype)), gradients), { step: add(step, 1) }];
    },
  };
}

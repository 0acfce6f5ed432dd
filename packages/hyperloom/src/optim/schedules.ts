import {
  ArgumentError,
  add,
  constant,
  cos,
  exp,
  greaterEqual,
  maximum,
  minimum,
  mul,
  sub,
  type Tensor,
  where,
} from '../tensor/index.ts';
import { amount, count } from './options.ts';

/** A learning rate as a function of the number of updates made so far: a float scalar to a scalar of its type. */
export type Schedule = (step: Tensor) => Tensor;

/**
 * One rate for all steps.
 * @example
 * const schedule = optim.constantRate(1e-3);
 */
export function constantRate(value: number): Schedule {
  amount('constantRate', 'value', value);
  return (step) => constant(value, step.dtype);
}

/**
 * max(floor, initial * decay^step), as Ha et al. 2016 train with initial 0.005, decay 0.999 and floor 1e-4.
 * @throws ArgumentError for a decay that is not above 0
 * @example
 * const schedule = optim.exponential({ initial: 5e-3, decay: 0.999, floor: 1e-4 });
 */
export function exponential({
  initial,
  decay,
  floor = 0,
}: {
  readonly initial: number;
  readonly decay: number;
  readonly floor?: number;
}): Schedule {
  amount('exponential', 'initial', initial);
  amount('exponential', 'floor', floor);
  const slope = Math.log(amount('exponential', 'decay', decay, { above: true }));
  return (step) => {
    const rate = mul(exp(mul(step, slope)), initial);
    return floor > 0 ? maximum(rate, floor) : rate;
  };
}

/**
 * From initial to end along half a cosine over the given number of steps, then held at end
 * (Loshchilov and Hutter 2017, without restarts).
 * @example
 * const schedule = optim.cosine({ initial: 1e-3, end: 1e-5, steps: 10_000 });
 */
export function cosine({
  initial,
  end = 0,
  steps,
}: {
  readonly initial: number;
  readonly end?: number;
  readonly steps: number;
}): Schedule {
  amount('cosine', 'initial', initial);
  amount('cosine', 'end', end);
  const turn = Math.PI / count('cosine', 'steps', steps);
  return (step) => add(mul(add(cos(mul(minimum(step, steps), turn)), 1), (initial - end) / 2), end);
}

/**
 * From initial to end along a line over the given number of steps, then held at end. A warm-up rises from 0.
 * @example
 * const warmUp = optim.linear({ initial: 0, end: 1e-3, steps: 500 });
 */
export function linear({
  initial,
  end,
  steps,
}: {
  readonly initial: number;
  readonly end: number;
  readonly steps: number;
}): Schedule {
  amount('linear', 'initial', initial);
  amount('linear', 'end', end);
  const slope = (end - initial) / count('linear', 'steps', steps);
  return (step) => add(mul(minimum(step, steps), slope), initial);
}

const checkBoundaries = (name: string, boundaries: readonly number[], expected: number): void => {
  const rising = boundaries.every((b, i) => Number.isInteger(b) && b > (boundaries[i - 1] ?? 0));
  if (!rising || boundaries.length !== expected) {
    throw new ArgumentError(
      `${name}: expected ${expected} whole, rising boundaries above 0, got [${boundaries.join(', ')}]`,
    );
  }
};

/**
 * `initial`, multiplied at each boundary by its scale, from the update with that index on (the first has index 0).
 * @throws ArgumentError unless the boundaries rise and there is one scale for each
 * @example
 * const schedule = optim.piecewise({ initial: 0.1, boundaries: [6000, 14_000], scales: [0.5, 0.1] });
 */
export function piecewise({
  initial,
  boundaries,
  scales,
}: {
  readonly initial: number;
  readonly boundaries: readonly number[];
  readonly scales: readonly number[];
}): Schedule {
  amount('piecewise', 'initial', initial);
  checkBoundaries('piecewise', boundaries, scales.length);
  return (step) => {
    let rate = initial;
    return scales.reduce(
      (before, factor, i) => {
        rate *= amount('piecewise', 'a scale', factor);
        return where(greaterEqual(step, boundaries[i] as number), constant(rate, step.dtype), before);
      },
      constant(initial, step.dtype),
    );
  };
}

/**
 * Schedules one after another: each takes over at its boundary and counts its steps from there.
 * @param boundaries one fewer than the schedules
 * @throws ArgumentError unless the boundaries rise and fit the schedules in number
 * @example
 * const warmUp = optim.linear({ initial: 0, end: 1e-3, steps: 500 });
 * const schedule = optim.joined([warmUp, optim.cosine({ initial: 1e-3, steps: 9500 })], [500]);
 */
export function joined(schedules: readonly [Schedule, ...Schedule[]], boundaries: readonly number[]): Schedule {
  checkBoundaries('joined', boundaries, schedules.length - 1);
  const [first, ...later] = schedules;
  return (step) =>
    later.reduce((before, schedule, i) => {
      const start = boundaries[i] as number;
      return where(greaterEqual(step, start), schedule(maximum(sub(step, start), 0)), before);
    }, first(step));
}

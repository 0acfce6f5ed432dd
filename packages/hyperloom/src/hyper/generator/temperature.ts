import { type Context, init, reportUpdate, type WeightSpec, weight } from '../../nn/index.ts';
import {
  ArgumentError,
  add,
  constant,
  div,
  floor,
  minimum,
  mul,
  stopGradient,
  sub,
  type Tensor,
} from '../../tensor/index.ts';

/** A temperature that moves along a line from one value to another over a number of training steps, and stays there. */
export interface TemperatureLine {
  readonly from: number;
  readonly to: number;
  /** Training steps that it takes. */
  readonly steps: number;
}

/** A temperature that moves by a fixed amount after every so many training steps, until it is at its end. */
export interface TemperatureStairs {
  readonly from: number;
  readonly to: number;
  /** By how much it moves at a time. */
  readonly by: number;
  /** Training steps between moves, such as those of an epoch. */
  readonly every: number;
}

/** What logits are divided by: one number for good, or one that moves while the model trains. */
export type Temperature = number | TemperatureLine | TemperatureStairs;

/** Untrained weights of a temperature that moves: what it is now, and the training steps that were made. */
export type TemperatureSpec = {
  readonly temperature: WeightSpec;
  readonly step: WeightSpec;
};

const positive = (where: string, name: string, value: number): void => {
  if (!(value > 0) || !Number.isFinite(value))
    throw new ArgumentError(`${where}: expected a positive ${name}, got ${value}`);
};

/** Raises for a temperature or an amount that is not positive, and for steps that are not whole. */
export function checkTemperature(where: string, temperature: Temperature): void {
  if (typeof temperature === 'number') {
    positive(where, 'temperature', temperature);
    return;
  }
  const { from, to, ...course } = temperature;
  positive(where, 'temperature', from);
  positive(where, 'temperature', to);
  if (!('steps' in course) && !('by' in course && 'every' in course))
    throw new ArgumentError(`${where}: expected a temperature with steps, or with by and every, got neither`);
  for (const [name, value] of Object.entries(course) as [string, number][]) {
    positive(where, name, value);
    if (name !== 'by' && !Number.isInteger(value))
      throw new ArgumentError(`${where}: expected ${name} to be a whole number of training steps, got ${value}`);
  }
}

/** The temperature with which training starts. */
export const firstTemperature = (temperature: Temperature): number =>
  typeof temperature === 'number' ? temperature : temperature.from;

/** Weights of a temperature; one that stays needs none. */
export function temperatureSpec(temperature: Temperature): TemperatureSpec | undefined {
  if (typeof temperature === 'number') return undefined;
  const still = { shape: [], fanIn: 1, fanOut: 1, role: 'statistic', trained: false } as const;
  return {
    temperature: weight({ ...still, init: init.constantInit(temperature.from) }),
    step: weight({ ...still, init: init.zeros }),
  };
}

/** The temperature after a number of training steps. */
function after(course: TemperatureLine | TemperatureStairs, step: Tensor): Tensor {
  const { from, to } = course;
  const way = Math.abs(to - from);
  const gone =
    'steps' in course ? mul(step, way / course.steps) : mul(floor(mul(add(step, 0.5), 1 / course.every)), course.by);
  return add(mul(minimum(gone, way), Math.sign(to - from)), from);
}

/** Divides logits by the present temperature. In training it is reported, once, what the next step will have. */
export function cooling(
  temperature: Temperature,
  params: { readonly temperature?: Tensor; readonly step?: Tensor },
  context?: Context,
): (logits: Tensor) => Tensor {
  if (typeof temperature === 'number') return (logits) => (temperature === 1 ? logits : mul(logits, 1 / temperature));
  const [now, step] = [stopGradient(params.temperature!), stopGradient(params.step!)];
  if (context?.training) {
    reportUpdate(context, 'temperature', sub(after(temperature, add(step, 1)), now));
    reportUpdate(context, 'step', constant(1, step.dtype));
  }
  return (logits) => div(logits, now);
}

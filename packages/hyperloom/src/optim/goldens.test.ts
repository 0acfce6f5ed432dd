import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import {
  type Aval,
  add,
  constant,
  grad,
  mul,
  type NdArray,
  ndarray,
  pow,
  square,
  sum,
  type Tensor,
  trace,
  tree,
} from '../tensor/index.ts';
import * as optim from './index.ts';

interface Case {
  readonly options: Record<string, number>;
  readonly params: Record<'w' | 'v', { data: number[] }>;
  readonly rates: number[];
}
const golden: { cases: Record<string, Case> } = JSON.parse(
  readFileSync(new URL('../../goldens/optim.json', import.meta.url), 'utf8'),
);

const f64 = (data: readonly number[], shape: readonly number[]): NdArray => ndarray(Float64Array.from(data), shape);
const a = { w: f64([0.5, 1, 2], [3]), v: f64([1.5, 0.25, 0.75, 3], [2, 2]) };
const start = { w: f64([1, -2, 0.5], [3]), v: f64([-1.5, 2.5, 0.1, -0.75], [2, 2]) };
type Pair = { readonly w: Tensor; readonly v: Tensor };

/** sum(a x^2) + 0.1 sum(x^4), over both leaves. */
const objective = (p: Pair): Tensor => {
  const of = (key: 'w' | 'v') => add(sum(mul(constant(a[key]), square(p[key]))), mul(sum(pow(p[key], 4)), 0.1));
  return add(of('w'), of('v'));
};

/** Twenty steps in float64 on the reference engine: the parameters after each. */
function trajectory(optimizer: optim.Optimizer): NdArray[][] {
  const init = trace((p: Pair) => optimizer.init(p), start);
  const step = trace(
    (p: Pair, state: unknown) => {
      const [updates, next] = optimizer.update(grad(objective)(p), state, p);
      return [optim.applyUpdates(p, updates), next];
    },
    start,
    init.output,
  );
  let values: NdArray[] = [...tree.leaves<NdArray>(start), ...evaluate(init.program, tree.leaves<NdArray>(start))];
  return Array.from({ length: 20 }, () => {
    values = evaluate(step.program, values);
    return values.slice(0, 2);
  });
}

const coupled = (decay: number, then: optim.Optimizer) => optim.chain(optim.addDecayedWeights(decay), then);
const optimizers: Record<string, optim.Optimizer> = {
  sgd: optim.sgd(0.05),
  'sgd.momentum': optim.sgd(0.02, { momentum: 0.9 }),
  'sgd.nesterov': optim.sgd(0.02, { momentum: 0.9, nesterov: true }),
  'sgd.weightDecay': coupled(0.1, optim.sgd(0.02, { momentum: 0.9 })),
  adam: optim.adam(0.1),
  'adam.betas': optim.adam(0.1, { beta1: 0.8, beta2: 0.99 }),
  adamw: optim.adamw(0.1, { weightDecay: 0.1 }),
  rmsprop: optim.rmsprop(0.01),
  'rmsprop.momentum.centered': optim.rmsprop(0.01, { momentum: 0.9, centered: true }),
  'clipByGlobalNorm.sgd': optim.chain(optim.clipByGlobalNorm(1), optim.sgd(0.1)),
  'clipByValue.sgd': optim.chain(optim.clipByValue(0.8), optim.sgd(0.1)),
  'adam.exponential': optim.adam(optim.exponential({ initial: 0.1, decay: 0.9 })),
};

const schedules: Record<string, optim.Schedule> = {
  'schedule.constant': optim.constantRate(0.1),
  'schedule.exponential': optim.exponential({ initial: 0.1, decay: 0.9 }),
  'schedule.exponential.floor': optim.exponential({ initial: 0.1, decay: 0.8, floor: 0.01 }),
  'schedule.cosine': optim.cosine({ initial: 0.1, end: 0.01, steps: 20 }),
  'schedule.cosine.held': optim.cosine({ initial: 0.1, end: 0.01, steps: 10 }),
  'schedule.warmupCosine': optim.joined(
    [optim.linear({ initial: 0, end: 0.1, steps: 5 }), optim.cosine({ initial: 0.1, steps: 15 })],
    [5],
  ),
  'schedule.piecewise': optim.piecewise({ initial: 0.1, boundaries: [6, 14], scales: [0.5, 0.1] }),
  'schedule.multiStep': optim.piecewise({ initial: 0.1, boundaries: [6, 14], scales: [0.2, 0.2] }),
};

test('every golden case is checked', () => {
  const known = ['objective', ...Object.keys(optimizers), ...Object.keys(schedules)];
  expect(Object.keys(golden.cases).filter((name) => !known.includes(name))).toEqual([]);
});

test.each(Object.entries(optimizers))('%s walks as in PyTorch', (name, optimizer) => {
  const expected = golden.cases[name]?.params;
  const got = trajectory(optimizer);
  (['w', 'v'] as const).forEach((key, i) => {
    const flat = got.flatMap((step) => [...(step[i]?.data ?? [])]);
    expect(flat).toHaveLength(expected?.[key].data.length ?? 0);
    flat.forEach((x, at) => {
      expect(x).toBeCloseTo(expected?.[key].data[at] ?? Number.NaN, 9);
    });
  });
});

test.each(Object.entries(schedules))('%s gives the rates of PyTorch', (name, schedule) => {
  const scalar: Aval = { dtype: 'float64', shape: [] };
  const { program } = trace(schedule, scalar);
  golden.cases[name]?.rates.forEach((rate, step) => {
    const [got] = evaluate(program, [f64([step], [])]);
    expect(got?.dtype).toBe('float64');
    expect(got?.data[0]).toBeCloseTo(rate, 11);
  });
});

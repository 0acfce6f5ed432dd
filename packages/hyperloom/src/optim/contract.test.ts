import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import {
  type Aval,
  add,
  type DType,
  grad,
  type NdArray,
  ndarray,
  square,
  sum,
  type Tensor,
  trace,
  tree,
} from '../tensor/index.ts';
import * as optim from './index.ts';

type ScheduleName = 'constantRate' | 'cosine' | 'exponential' | 'joined' | 'linear' | 'piecewise';

const descend = (step: optim.Optimizer) => optim.chain(step, optim.scaleByLearningRate(0.1));

/** Every export that makes an optimiser or one step of one, ready to descend. The compiler names any that is missing. */
const makers: Record<
  Exclude<keyof typeof optim, 'applyUpdates' | 'descend' | 'globalNorm' | ScheduleName>,
  () => optim.Optimizer
> = {
  adam: () => optim.adam(0.1),
  adamw: () => optim.adamw(optim.constantRate(0.1)),
  addDecayedWeights: () => descend(optim.addDecayedWeights(0.1)),
  chain: () => optim.chain(optim.clipByValue(1), optim.momentum(), optim.sgd(0.05)),
  clipByGlobalNorm: () => descend(optim.clipByGlobalNorm(1)),
  clipByValue: () => descend(optim.clipByValue(1)),
  momentum: () => descend(optim.momentum({ decay: 0.5 })),
  rmsprop: () => optim.rmsprop(0.1, { momentum: 0.5, centered: true }),
  scale: () => descend(optim.scale(0.5)),
  scaleByAdam: () => descend(optim.scaleByAdam()),
  scaleByLearningRate: () => optim.scaleByLearningRate(optim.linear({ initial: 0.01, end: 0.1, steps: 5 })),
  scaleByRms: () => descend(optim.scaleByRms()),
  sgd: () => optim.sgd(0.1, { momentum: 0.5, nesterov: true }),
};

const trees: Record<string, (dtype: DType) => unknown> = {
  nested: (dtype) => ({
    a: [ndarray([1, -2], undefined, dtype)],
    b: { c: ndarray([[3], [0.5]], undefined, dtype), d: ndarray(2, [], dtype) },
  }),
  packed: (dtype) => ndarray([1, -2, 3, 0.5, 2], undefined, dtype),
};

const loss = (params: unknown): Tensor =>
  tree
    .leaves<Tensor>(params)
    .map((x) => sum(square(x)))
    .reduce((a, b) => add(a, b));
const avals = (t: unknown): Aval[] => tree.leaves<Aval>(t).map(({ dtype, shape }) => ({ dtype, shape }));

const cases = Object.entries(makers).flatMap(([name, make]) =>
  Object.keys(trees).flatMap((form) => (['float32', 'float64'] as const).map((dtype) => ({ name, make, form, dtype }))),
);

test.each(cases)('$name on $form parameters in $dtype', ({ make, form, dtype }) => {
  const optimizer = make();
  const start = trees[form]?.(dtype);
  const init = trace((p: unknown) => optimizer.init(p), start);
  // State starts from types and shapes alone: no node reads a parameter.
  expect(init.program.nodes.flatMap(({ inputs }) => inputs.filter((id) => id < init.program.inputs.length))).toEqual(
    [],
  );
  const step = trace(
    (p: unknown, state: unknown) => {
      const [updates, next] = optimizer.update(grad(loss)(p), state, p);
      return { loss: loss(p), params: optim.applyUpdates(p, updates), state: next };
    },
    start,
    init.output,
  );
  expect(avals(step.output.params)).toEqual(avals(start));
  expect(tree.paths(step.output.state)).toEqual(tree.paths(init.output));
  expect(avals(step.output.state)).toEqual(avals(init.output));

  let values = [...tree.leaves<NdArray>(start), ...evaluate(init.program, tree.leaves<NdArray>(start))];
  const losses = Array.from({ length: 10 }, () => {
    const [first, ...rest] = evaluate(step.program, values);
    values = rest;
    return first?.data[0] as number;
  });
  expect(losses.at(-1)).toBeLessThan(losses[0] as number);
  expect(values.every(({ data }) => [...data].every(Number.isFinite))).toBe(true);
});

test('a packed vector and a tree of its parts take the same steps', () => {
  const run = (start: unknown) => {
    const optimizer = optim.chain(optim.clipByGlobalNorm(1), optim.adamw(0.1));
    const { program } = trace((p: unknown) => optimizer.update(grad(loss)(p), optimizer.init(p), p)[0], start);
    return evaluate(program, tree.leaves<NdArray>(start)).flatMap(({ data }) => [...data]);
  };
  expect(run(trees.nested?.('float64'))).toEqual(run(trees.packed?.('float64')));
});

test('Adam passes over a vector nine times, and once more to add the update', () => {
  const optimizer = optim.adam(1e-3);
  const vector: Aval = { dtype: 'float32', shape: [1000] };
  const init = trace((p: Tensor) => optimizer.init(p), vector);
  const { program } = trace(
    (g: Tensor, p: Tensor, state: unknown) => {
      const [updates, next] = optimizer.update(g, state, p);
      return [optim.applyUpdates(p, updates), next];
    },
    vector,
    vector,
    init.output,
  );
  expect(program.nodes.filter(({ outputs }) => outputs[0]?.shape[0] === 1000).map(({ op }) => op)).toEqual([
    'mul',
    'add',
    'mul',
    'mul',
    'add',
    'sqrt',
    'add',
    'div',
    'mul',
    'add',
  ]);
});

test('options out of range are refused', () => {
  expect(() => optim.adam(-1)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: scaleByLearningRate: expected the learning rate to be a number of at least 0, got -1]`,
  );
  expect(() => optim.adam(1e-3, { beta1: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: scaleByAdam: expected beta1 of at least 0 and below 1, got 1]`,
  );
  expect(() => optim.adam(1e-3, { epsilon: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: scaleByAdam: expected epsilon to be a number above 0, got 0]`,
  );
  expect(() => optim.rmsprop(1e-3, { momentum: 1.5 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: momentum: expected decay of at least 0 and below 1, got 1.5]`,
  );
  expect(() => optim.clipByGlobalNorm(0)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: clipByGlobalNorm: expected the limit to be a number above 0, got 0]`,
  );
  expect(() => optim.clipByValue(Number.NaN)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: clipByValue: expected the limit to be a number above 0, got NaN]`,
  );
  expect(() => optim.addDecayedWeights(-1)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: addDecayedWeights: expected the decay to be a number of at least 0, got -1]`,
  );
  expect(() => optim.cosine({ initial: 1, steps: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: cosine: expected steps to be a whole number of at least 1, got 0]`,
  );
  expect(() => optim.exponential({ initial: 1, decay: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: exponential: expected decay to be a number above 0, got 0]`,
  );
  expect(() => optim.piecewise({ initial: 1, boundaries: [5, 5], scales: [1, 1] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: piecewise: expected 2 whole, rising boundaries above 0, got [5, 5]]`,
  );
  expect(() => optim.joined([optim.constantRate(1)], [3])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: joined: expected 0 whole, rising boundaries above 0, got [3]]`,
  );
});

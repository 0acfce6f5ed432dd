import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { grad, type NdArray, ndarray, square, sum, type Tensor, trace, vmap } from '../tensor/index.ts';
import { batchNorm } from './batchNorm.ts';
import { each } from './each.ts';
import type { Context } from './module.ts';
import { sequential } from './sequential.ts';

const run = (f: (...args: never[]) => unknown, ...args: NdArray[]): number[][] =>
  evaluate(trace(f, ...args).program, args).map(({ data }) => [...data]);

const layer = batchNorm({ channels: 2, momentum: 0.5 });
const params = { scale: ndarray([2, 1]), shift: ndarray([0, 1]), mean: ndarray([1, 1]), variance: ndarray([4, 4]) };
// Three examples of two channels and two places.
const x = ndarray([
  [
    [1, 3],
    [0, 0],
  ],
  [
    [5, 7],
    [0, 3],
  ],
  [
    [9, 11],
    [3, 3],
  ],
]);

test('the statistics are those of the batch while training, and the running ones otherwise', () => {
  const apply = (training: boolean) => (input: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor) =>
    vmap((one: Tensor) => layer.apply({ scale, shift, mean, variance }, one, { training }), { name: 'batch' })(input);
  const weights = [params.scale, params.shift, params.mean, params.variance];
  const [trained] = run(apply(true), x, ...weights);
  // Channel 0 has mean 6 and variance 35 / 3; channel 1 mean 1.5 and variance 2.25.
  expect(trained![0]).toBeCloseTo((2 * (1 - 6)) / Math.sqrt(35 / 3 + 1e-5), 6);
  expect(trained![2]).toBeCloseTo(1 - 1.5 / Math.sqrt(2.25 + 1e-5), 6);
  const [still] = run(apply(false), x, ...weights);
  expect(still![0]).toBe(0);
  expect(still![1]).toBeCloseTo((2 * 2) / Math.sqrt(4 + 1e-5), 6);
});

test('running statistics move by momentum, reported under the path of the layer, through each and sequential', () => {
  const net = sequential({ norm: layer });
  const updates = (input: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor) => {
    const seen: Record<string, Tensor> = {};
    const context: Context = {
      training: true,
      update: (path, delta) => {
        seen[path] = delta;
      },
    };
    each(net).apply({ norm: { scale, shift, mean, variance } }, input, context);
    return seen;
  };
  const traced = trace(updates, x, params.scale, params.shift, params.mean, params.variance);
  expect(Object.keys(traced.output)).toEqual(['norm.mean', 'norm.variance']);
  const [mean, variance] = run(updates, x, params.scale, params.shift, params.mean, params.variance);
  expect(mean![0]).toBeCloseTo(2.5, 6);
  expect(mean![1]).toBeCloseTo(0.25, 6);
  expect(variance![0]).toBeCloseTo(0.5 * (35 / 3 - 4), 6);
  expect(variance![1]).toBeCloseTo(0.5 * (2.25 - 4), 6);
});

test('gradients pass through the statistics of the batch', () => {
  const bare = batchNorm({ channels: 2, scale: false, shift: false });
  const loss = (input: Tensor, w: Tensor) =>
    sum(
      square(
        vmap((one: Tensor, factor: Tensor) => bare.apply({ mean: factor, variance: factor }, one, { training: true }), {
          name: 'batch',
          in: [0, null],
        })(input, w),
      ),
    );
  // The sum of squares of normalised values does not depend on them, but for epsilon.
  const [gradient] = run((input: Tensor, w: Tensor) => grad(loss)(input, w), x, ndarray([1, 1]));
  for (const g of gradient!) expect(Math.abs(g)).toBeLessThan(1e-4);
});

test('a share of more than a whole batch would turn the running variance negative', () => {
  expect(() => batchNorm({ channels: 2, momentum: 1.5 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: batchNorm: expected a momentum of at most 1, got 1.5]`,
  );
});

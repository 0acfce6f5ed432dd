import { describe, expect, test } from 'vitest';
import { grad } from '../grad.ts';
import { constant, type Tensor } from '../tensor.ts';
import { distance, numbers, run } from '../testing.ts';
import { trace } from '../trace.ts';
import { vmap } from '../vmap.ts';
import { add, mul } from './arithmetic.ts';
import { reshape } from './broadcast.ts';
import { conv } from './conv.ts';
import type { ConvOptions } from './geometry.ts';
import { matmul } from './matmul.ts';
import { sum } from './reduce.ts';
import { slice } from './slice.ts';

interface Case {
  readonly image: number;
  readonly kernel: number;
  readonly experts: number;
  readonly options?: ConvOptions;
}
const [batch, inputs, outputs] = [3, 2, 4];

/** One example: its kernel is mixed of those of all. */
const mixed =
  ({ image, kernel, experts, options: { groups = 1, ...options } = {} }: Case) =>
  (x: Tensor, alpha: Tensor, kernels: Tensor): Tensor => {
    const w = reshape(matmul(reshape(alpha, [1, experts]), kernels), [outputs, inputs / groups, kernel, kernel]);
    return conv(reshape(x, [1, inputs, image, image]), w, { ...options, groups });
  };

const argsOf = ({ image, kernel, experts, options: { groups = 1 } = {} }: Case) => [
  numbers([batch, inputs, image, image], 1),
  numbers([batch, experts], 2),
  numbers([experts, (outputs * inputs * kernel * kernel) / groups], 3),
];

/** Groups of the convolutions of a batch. */
const groupsIn = (item: Case, own = true): number[] => {
  const [x, alpha, kernels] = argsOf(item);
  const f = vmap(mixed(item), { in: [own ? 0 : null, 0, null] } as never) as never;
  const { program } = trace(f, own ? x! : numbers(x!.shape.slice(1)), alpha!, kernels!);
  return program.nodes.filter(({ op }) => op === 'conv').map(({ attrs }) => attrs.groups as number);
};

const small: Case = { image: 5, kernel: 3, experts: 3 };
const cases: readonly Case[] = [
  small,
  {
    ...small,
    options: {
      strides: [2, 2],
      padding: [
        [1, 1],
        [1, 1],
      ],
    },
  },
  { image: 12, kernel: 3, experts: 6 },
  { ...small, options: { groups: 2 } },
];

describe('convolutions with mixtures of kernels', () => {
  test('mix outputs where there are few places, and kernels elsewhere', () => {
    expect(groupsIn(small)).toEqual([1]);
    expect(groupsIn(small, false)).toEqual([1]);
    expect(groupsIn({ ...small, image: 12, experts: 6 })).toEqual([batch]);
    expect(groupsIn({ ...small, options: { groups: 2 } })).toEqual([2 * batch]);
  });

  test.each(cases)('a batch equals a loop, with gradients: %j', (item) => {
    const args = argsOf(item);
    const f = mixed(item);
    const row = (t: Tensor, b: number) => {
      const [, ...shape] = t.shape;
      return reshape(slice(t, [[b, b + 1], ...shape.map((d) => [0, d] as const)]), shape);
    };
    for (const own of [true, false]) {
      const batched = (x: Tensor, alpha: Tensor, kernels: Tensor) =>
        (vmap(f, { in: [own ? 0 : null, 0, null] } as never) as (...all: Tensor[]) => Tensor)(
          own ? x : row(x, 0),
          alpha,
          kernels,
        );
      const score = (y: Tensor, b: number) => sum(mul(y, constant(numbers(y.shape, 9 + b))));
      const total = (x: Tensor, alpha: Tensor, kernels: Tensor) =>
        Array.from({ length: batch }, (_, b) => score(row(batched(x, alpha, kernels), b), b)).reduce((a, b) =>
          add(a, b),
        );
      const loop = (x: Tensor, alpha: Tensor, kernels: Tensor) =>
        Array.from({ length: batch }, (_, b) => score(f(row(x, own ? b : 0), row(alpha, b), kernels), b)).reduce(
          (a, b) => add(a, b),
        );
      const both = (g: typeof total) => (x: Tensor, alpha: Tensor, kernels: Tensor) => {
        const {
          x: dx,
          alpha: da,
          kernels: dk,
        } = grad((q: { x: Tensor; alpha: Tensor; kernels: Tensor }) => g(q.x, q.alpha, q.kernels))({
          x,
          alpha,
          kernels,
        });
        return [g(x, alpha, kernels), dx, da, dk];
      };
      const [got, expected] = [run(both(total), ...args), run(both(loop), ...args)];
      got.forEach((values, i) => {
        expect(distance(values, expected[i]!)).toBeLessThan(1e-10);
      });
    }
  });
});

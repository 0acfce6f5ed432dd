import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NdArray } from '../array.ts';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { distance, f64, numbers, run, run1 } from '../testing.ts';
import { trace } from '../trace.ts';
import { vmap } from '../vmap.ts';
import { mul } from './arithmetic.ts';
import { reshape } from './broadcast.ts';
import { matmul } from './matmul.ts';
import { sum } from './reduce.ts';

/** The product of stacks of one size, or of one matrix with a stack, by three loops. */
function naive(a: NdArray, b: NdArray, stack: number): number[] {
  const [m, k, n] = [a.shape.at(-2) as number, a.shape.at(-1) as number, b.shape.at(-1) as number];
  const at = (x: NdArray, s: number, i: number) =>
    x.data[(x.shape.length > 2 ? s * (x.data.length / stack) : 0) + i] as number;
  const out: number[] = [];
  for (let s = 0; s < stack; s++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let total = 0;
        for (let p = 0; p < k; p++) total += at(a, s, i * k + p) * at(b, s, p * n + j);
        out.push(total);
      }
  return out;
}

const size = fc.integer({ min: 1, max: 4 });

it('multiplies matrices, stacks, and one with the other, with both gradients', () => {
  fc.assert(
    fc.property(size, size, size, size, fc.boolean(), fc.boolean(), (stack, m, k, n, stackA, stackB) => {
      const a = numbers(stackA ? [stack, m, k] : [m, k]);
      const b = numbers(stackB ? [stack, k, n] : [k, n], 2);
      const count = stackA || stackB ? stack : 1;
      expect(distance(run1(matmul, a, b), naive(a, b, count))).toBeLessThan(1e-12);
      // The sum of the product is bilinear: its derivative along the argument itself gives it back.
      const total = (x: Tensor, y: Tensor) => sum(matmul(x, y));
      const along = (x: Tensor, y: Tensor): readonly Tensor[] => {
        const { p, q } = grad((at: { p: Tensor; q: Tensor }) => total(at.p, at.q))({ p: x, q: y });
        return [total(x, y), sum(mul(p, x)), sum(mul(q, y))];
      };
      const [[value], [left], [right]] = run(along as (...xs: Tensor[]) => Tensor[], a, b) as [
        number[],
        number[],
        number[],
      ];
      expect(distance([left as number, right as number], [value as number, value as number])).toBeLessThan(1e-11);
    }),
    { numRuns: 40 },
  );
});

it('of few rows for each example and a stack that all share, has one product for each matrix', () => {
  const stack = numbers([3, 2, 5], 2);
  for (const shape of [
    [4, 3, 1, 2],
    [4, 1, 2],
    [4, 2, 3, 1, 2],
    [4, 3, 20, 2],
  ]) {
    const rows = numbers(shape);
    const mapped = (x: Tensor, w: Tensor) => vmap((row: Tensor) => matmul(row, w))(x);
    const m = shape.at(-2) as number;
    const { program } = trace(mapped, rows, stack);
    const made = program.nodes.find(({ op }) => op === 'matmul')!.outputs[0]!.shape;
    expect(made.slice(-3)).toEqual([3, m < 16 ? 4 * m : m, 5]);
    const padded = (x: Tensor) => reshape(x, [4, ...(shape.length === 3 ? [1] : []), ...shape.slice(1)]);
    expect(
      distance(
        run1(mapped, rows, stack),
        run1((x, w) => matmul(padded(x), w), rows, stack),
      ),
    ).toBeLessThan(1e-12);
  }
});

it('broadcasts the stacks', () => {
  const aval = (...shape: number[]) => placeholder({ dtype: 'float32', shape });
  expect(matmul(aval(5, 1, 2, 3), aval(4, 3, 6)).shape).toEqual([5, 4, 2, 6]);
  expect(matmul(aval(5, 2, 3), aval(3, 4)).shape).toEqual([5, 2, 4]);
  expect(run1(matmul, f64([], [2, 0]), f64([], [0, 2]))).toEqual([0, 0, 0, 0]);
});

it('refuses what does not fit', () => {
  const aval = (dtype: 'float32' | 'int32' | 'float64', ...shape: number[]) => placeholder({ dtype, shape });
  expect(() => matmul(aval('float32', 2, 3), aval('float32', 2, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: matmul: expected [..., m, k] and [..., k, n], got [2, 3] and [2, 3]]`,
  );
  expect(() => matmul(aval('float32', 5, 2, 3), aval('float32', 4, 2))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: matmul: expected [..., m, k] and [..., k, n], got [5, 2, 3] and [4, 2]]`,
  );
  expect(() => matmul(aval('float32', 3), aval('float32', 3, 2))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: matmul: expected [..., m, k] and [..., k, n], got [3] and [3, 2]]`,
  );
  expect(() => matmul(aval('int32', 2, 2), aval('int32', 2, 2))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: matmul: expected floats, got int32]`,
  );
  expect(() => matmul(aval('float32', 2, 2), aval('float64', 2, 2))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: matmul: expected one element type, got float32 and float64; use cast]`,
  );
});

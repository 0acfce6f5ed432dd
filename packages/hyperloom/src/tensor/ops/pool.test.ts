import { expect, it } from 'vitest';
import type { NdArray } from '../array.ts';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { distance, f64, goldenArray, goldens, numbers, run, run1 } from '../testing.ts';
import { mul } from './arithmetic.ts';
import { reshape } from './broadcast.ts';
import { relu } from './compare.ts';
import { avgPool, maxPool, type PoolAttrs } from './pool.ts';
import { sum } from './reduce.ts';

const aval = (...shape: number[]) => placeholder({ dtype: 'float32', shape });

it('pools, hand-worked', () => {
  const x = f64([[[1, 5, 2, 4, 3]]]);
  expect(run1((a) => maxPool(a, [2]), x)).toEqual([5, 4]);
  expect(run1((a) => maxPool(a, [3], { strides: [1] }), x)).toEqual([5, 5, 4]);
  expect(run1((a) => maxPool(a, [2], { padding: [[1, 0]] }), f64([[[-1, -5, -2]]]))).toEqual([-1, -2]);
  expect(run1((a) => avgPool(a, [2]), x)).toEqual([3, 3]);
  expect(run1((a) => avgPool(a, [2], { padding: [[1, 0]] }), x)).toEqual([0.5, 3.5, 3.5]);
  expect(
    run1(
      (a) => maxPool(a, [2, 2]),
      f64([
        [
          [
            [1, 2],
            [3, 0],
          ],
        ],
      ]),
    ),
  ).toEqual([3]);
});

const cases = Object.entries(goldens.cases).filter(([name]) => /Pool/.test(name)) as [
  string,
  { attrs: PoolAttrs; inputs: { x: NdArray }; cotangent: NdArray; output: NdArray; grads: { x: NdArray } },
][];

it.each(cases)('has the values and gradients of PyTorch: %s', (name, { attrs, inputs, cotangent, output, grads }) => {
  const pool = (x: Tensor) => (name.startsWith('max') ? maxPool : avgPool)(x, attrs.window, attrs);
  const both = (x: Tensor, dy: Tensor) => [pool(x), grad((v: Tensor) => sum(mul(pool(v), dy)))(x)];
  const [y, dx] = run(both as (...xs: Tensor[]) => Tensor[], goldenArray(inputs.x), goldenArray(cotangent));
  expect(distance(y as number[], Array.from(output.data))).toBeLessThan(1e-9);
  expect(distance(dx as number[], Array.from(grads.x.data))).toBeLessThan(1e-9);
});

it('moves relu behind the maximum without a change of values or gradients', () => {
  const x = numbers([2, 2, 6]);
  const before = (v: Tensor) => maxPool(relu(v), [2]);
  expect(before(aval(2, 2, 6)).node.op.name).toBe('relu');
  // The identity in between hides the relu from the rewrite.
  const apart = (v: Tensor) => maxPool(mul(relu(v), 1), [2]);
  expect(run1(before, x)).toEqual(run1(apart, x));
  const slope = (f: typeof before) => (v: Tensor) => grad((u: Tensor) => sum(mul(f(u), f(u))))(v);
  expect(run1(slope(before), x)).toEqual(run1(slope(apart), x));
  const reshaped = (v: Tensor) => maxPool(reshape(relu(v), [1, 4, 6]), [3]);
  expect(reshaped(aval(2, 2, 6)).node.op.name).toBe('relu');
  expect(run1(reshaped, x)).toEqual(run1((v) => maxPool(reshape(mul(relu(v), 1), [1, 4, 6]), [3]), x));
});

it('refuses what does not fit', () => {
  expect(() => maxPool(aval(1, 1, 4, 4), [2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: maxPool: expected x [N, C, L] or [N, C, H, W] and a window for its spatial axes, got [1, 1, 4, 4] and window [2]]`,
  );
  expect(() => maxPool(aval(1, 1, 2), [3])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: maxPool: expected padding below the window and an input of at least 3 along spatial axis 0, got [1, 1, 2]]`,
  );
  expect(() => maxPool(aval(1, 1, 4), [2], { padding: [[2, 0]] })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: maxPool: expected padding below the window and an input of at least 2 along spatial axis 0, got [1, 1, 4]]`,
  );
  expect(() => avgPool(aval(1, 1, 4), [2], { strides: [0] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: avgPool: expected strides of whole numbers of at least 1, got [0]]`,
  );
  expect(() => avgPool(aval(4), [2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: avgPool: expected x [N, C, L] or [N, C, H, W] and a window for its spatial axes, got [4] and window [2]]`,
  );
  expect(() => maxPool(placeholder({ dtype: 'int32', shape: [1, 1, 4] }), [2])).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: maxPool: expected floats, got int32]`,
  );
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NdArray } from './array.ts';
import { einsum } from './einsum.ts';
import { grad } from './grad.ts';
import { mul } from './ops/arithmetic.ts';
import { sum } from './ops/reduce.ts';
import { sizeOf, stridesOf } from './shape.ts';
import { placeholder, type Tensor } from './tensor.ts';
import { distance, numbers, run1 } from './testing.ts';

/** The sum of products over all axes at once. */
function naive(equation: string, sizes: Record<string, number>, arrays: readonly NdArray[]): number[] {
  const [left, output] = equation.split('->') as [string, string];
  const terms = left.split(',');
  const axes = [...new Set(left.replaceAll(',', ''))];
  const extents = axes.map((axis) => sizes[axis] as number);
  const shape = [...output].map((axis) => sizes[axis] as number);
  const out = new Array<number>(sizeOf(shape)).fill(0);
  const offset = (names: string, at: Record<string, number>) => {
    const strides = stridesOf([...names].map((axis) => sizes[axis] as number));
    return [...names].reduce((total, axis, i) => total + (at[axis] as number) * (strides[i] as number), 0);
  };
  for (let n = 0; n < sizeOf(extents); n++) {
    const strides = stridesOf(extents);
    const at = Object.fromEntries(
      axes.map((axis, i) => [axis, Math.floor(n / (strides[i] as number)) % (extents[i] as number)]),
    );
    const product = terms.reduce((p, term, i) => p * (arrays[i]?.data[offset(term, at)] as number), 1);
    out[offset(output, at)] = (out[offset(output, at)] as number) + product;
  }
  return out;
}

it.each([
  'ij->ji',
  'ij->',
  'ij->j',
  'i,i->',
  'i,j->ij',
  'ij,jk->ik',
  'ij,jk->ki',
  'bij,bjk->bik',
  'bij,jk->bik',
  'bi,ij->bj',
  'bhqd,bhkd->bhqk',
  'ij,kl->ijkl',
  'ij,ij->i',
  'ij,jk->i',
  'ij,jk,kl->il',
  'bi,bj,bk->bijk',
  'i,ij,j->',
  'a,b->',
  ',i->i',
])('%s sums as loops do', (equation) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 6, maxLength: 6 }), (extents) => {
      const left = (equation.split('->') as [string])[0];
      const names = [...new Set(left.replaceAll(',', ''))];
      const sizes = Object.fromEntries(names.map((axis, i) => [axis, extents[i] as number]));
      const arrays = left.split(',').map((term, i) =>
        numbers(
          [...term].map((axis) => sizes[axis] as number),
          i + 1,
        ),
      );
      const result = run1((...xs) => einsum(equation, ...xs), ...arrays);
      expect(distance(result, naive(equation, sizes, arrays))).toBeLessThan(1e-12);
    }),
    { numRuns: 8 },
  );
});

it('has gradients', () => {
  const [a, b, w] = [numbers([2, 3]), numbers([3, 4], 2), numbers([2, 4], 3)];
  const slope = (x: Tensor, y: Tensor, z: Tensor) => grad((v: Tensor) => sum(mul(einsum('ij,jk->ik', v, y), z)))(x);
  expect(distance(run1(slope, a, b, w), naive('ik,jk->ij', { i: 2, j: 3, k: 4 }, [w, b]))).toBeLessThan(1e-13);
});

it('ignores spaces and takes capitals', () => {
  const aval = (...shape: number[]) => placeholder({ dtype: 'float32', shape });
  expect(einsum('B i, i j -> B j', aval(5, 2), aval(2, 3)).shape).toEqual([5, 3]);
});

it('refuses what does not fit', () => {
  const aval = (...shape: number[]) => placeholder({ dtype: 'float32', shape });
  expect(() => einsum('ij,jk', aval(2, 3), aval(3, 4))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: einsum: expected an equation such as "ij,jk->ik" with 2 terms, got "ij,jk"]`,
  );
  expect(() => einsum('ij,jk->ik', aval(2, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: einsum: expected an equation such as "ij,jk->ik" with 1 terms, got "ij,jk->ik"]`,
  );
  expect(() => einsum('ij,jk->ik', aval(2, 3), aval(4, 5))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: expected size 3 for axis j, got 4]`,
  );
  expect(() => einsum('ij->i', aval(2))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: expected 2 axes for "ij", got [2]]`,
  );
  expect(() => einsum('ii->i', aval(2, 2))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: einsum: expected distinct axes in "ii"]`,
  );
  expect(() => einsum('i->ii', aval(2))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: einsum: expected distinct axes in the output, got "ii"]`,
  );
  expect(() => einsum('i->k', aval(2))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: einsum: expected output axes that occur in a term, got k]`,
  );
});

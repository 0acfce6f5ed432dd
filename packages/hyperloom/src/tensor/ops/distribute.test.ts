import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grad } from '../grad.ts';
import type { Tensor } from '../tensor.ts';
import { distance, f64, numbers, run } from '../testing.ts';
import { trace } from '../trace.ts';
import { vmap } from '../vmap.ts';
import { add, mul, square } from './arithmetic.ts';
import { reshape } from './broadcast.ts';
import { matmul } from './matmul.ts';
import { sum } from './reduce.ts';
import { slice } from './slice.ts';

interface Sizes {
  readonly batch: number;
  readonly rows: number;
  readonly m: number;
  readonly n: number;
  readonly inner: number;
}

/** The matrix [m, n] of an example, from an array of its own and one for all, of these shapes. */
interface Form {
  readonly own: (s: Sizes) => number[];
  readonly shared: (s: Sizes) => number[];
  readonly matrix: (own: Tensor, shared: Tensor, s: Sizes) => Tensor;
}

const mixture: Form = {
  own: ({ inner }) => [inner],
  shared: ({ inner, m, n }) => [inner, m * n],
  matrix: (own, shared, { m, n, inner }) => reshape(matmul(reshape(own, [1, inner]), shared), [m, n]),
};

/** The forms in which weights are generated. */
const forms: Readonly<Record<string, Form>> = {
  mixture,
  'mixture and one for all': {
    ...mixture,
    matrix: (own, shared, s) => {
      const row = slice(shared, [
        [0, 1],
        [0, s.m * s.n],
      ]);
      return reshape(add(matmul(reshape(own, [1, s.inner]), shared), reshape(row, [-1])), [s.m, s.n]);
    },
  },
  'a base and a mixture times a number': {
    ...mixture,
    matrix: (own, shared, s) => {
      const row = slice(shared, [
        [0, 1],
        [0, s.m * s.n],
      ]);
      return add(reshape(row, [s.m, s.n]), mul(mixture.matrix(own, shared, s), 0.3));
    },
  },
  'two factors': {
    own: ({ m, n, inner }) => [m + n, inner],
    shared: () => [1],
    matrix: (own, _, { m, n, inner }) => {
      const part = (from: number, to: number) =>
        slice(own, [
          [from, to],
          [0, inner],
        ]);
      return matmul(part(0, m), reshape(part(m, m + n), [inner, n]));
    },
  },
  'one factor': {
    own: ({ m, inner }) => [m, inner],
    shared: ({ n, inner }) => [inner, n],
    matrix: (own, shared) => matmul(own, shared),
  },
  'scaled columns': {
    own: ({ n }) => [1, n],
    shared: ({ m, n }) => [m, n],
    matrix: (own, shared) => mul(own, shared),
  },
  'scaled rows': {
    own: ({ m }) => [m, 1],
    shared: ({ m, n }) => [m, n],
    matrix: (own, shared) => mul(shared, own),
  },
};

const size = fc.integer({ min: 1, max: 5 });
const sizes: fc.Arbitrary<Sizes> = fc.record({ batch: size, rows: size, m: size, n: size, inner: size });

/** The batch of products, by vmap, and by a loop that makes each matrix. */
function both({ matrix }: Form, s: Sizes) {
  const product = (own: Tensor, shared: Tensor, x: Tensor) => matmul(x, matrix(own, shared, s));
  const loop = (own: Tensor, shared: Tensor, x: Tensor, b: number) => {
    const row = (t: Tensor) =>
      reshape(slice(t, [[b, b + 1], ...t.shape.slice(1).map((d) => [0, d] as const)]), t.shape.slice(1));
    return product(row(own), shared, row(x));
  };
  return { batched: vmap(product, { in: [0, null, 0] }), loop };
}

describe('products with matrices that are made of parts', () => {
  it.each(Object.entries(forms))('%s: are those with the matrices, and so are their gradients', (_, form) => {
    fc.assert(
      fc.property(sizes, (s) => {
        const { batched, loop } = both(form, s);
        const arrays = [
          numbers([s.batch, ...form.own(s)]),
          numbers(form.shared(s), 2),
          numbers([s.batch, s.rows, s.m], 3),
        ] as const;
        const score =
          (f: (...xs: [Tensor, Tensor, Tensor]) => readonly Tensor[]) => (a: Tensor, b: Tensor, c: Tensor) => {
            const total = (at: readonly Tensor[]) =>
              f(...(at as [Tensor, Tensor, Tensor])).reduce<Tensor | undefined>((t, y) => {
                const own = sum(square(add(y, 0.5)));
                return t === undefined ? own : add(t, own);
              }, undefined) as Tensor;
            return [total([a, b, c]), ...(grad(total)([a, b, c]) as readonly Tensor[])];
          };
        const found = run(
          score((a, b, c) => [batched(a, b, c)]),
          ...arrays,
        );
        const expected = run(
          score((a, b, c) => Array.from({ length: s.batch }, (_, i) => loop(a, b, c, i))),
          ...arrays,
        );
        found.forEach((values, i) => {
          expect(distance(values, expected[i]!)).toBeLessThan(1e-9);
        });
      }),
      { numRuns: 40 },
    );
  });

  /** Whether the batch of products makes a matrix for each example. */
  const makesMatrices = (form: Form, s: Sizes): boolean => {
    const float = (shape: number[]) => ({ dtype: 'float32', shape });
    const { program } = trace(
      both(form, s).batched as never,
      float([s.batch, ...form.own(s)]),
      float(form.shared(s)),
      float([s.batch, s.rows, s.m]),
    );
    const shapes = program.nodes.flatMap(({ outputs }) => outputs.map(({ shape }) => shape));
    return shapes.some((shape) => shape.reduce((n, d) => n * d, 1) >= s.batch * s.m * s.n);
  };
  const wide: Sizes = { batch: 8, rows: 1, m: 64, n: 48, inner: 4 };

  it('make no matrix for each example where one row meets each', () => {
    const making = Object.keys(forms).filter((name) => makesMatrices(forms[name]!, wide));
    expect(making).toEqual(['scaled rows']);
  });

  it('make them where that is cheaper: many rows for a mixture, an inner size as large as the outer ones', () => {
    expect(makesMatrices(mixture, { ...wide, rows: 4 })).toBe(false);
    expect(makesMatrices(mixture, { ...wide, rows: 32 })).toBe(true);
    expect(makesMatrices(mixture, { ...wide, inner: 200 })).toBe(true);
    expect(makesMatrices(forms['two factors']!, { ...wide, rows: 32 })).toBe(false);
    expect(makesMatrices(forms['two factors']!, { ...wide, rows: 200, inner: 48 })).toBe(true);
  });

  it('one product for all examples: rows pass through its factors', () => {
    const apply = (x: Tensor, a: Tensor, b: Tensor) => matmul(x, matmul(a, b));
    const batched = vmap(apply, { in: [0, null, null] }) as never;
    const float = (...shape: number[]) => ({ dtype: 'float32', shape });
    const inner = (rank: number) =>
      trace(batched, float(512, 1, 64), float(64, rank), float(rank, 48))
        .program.nodes.filter(({ op }) => op === 'matmul')
        .map(({ outputs }) => outputs[0]!.shape);
    expect(inner(2)).toEqual([
      [512, 2],
      [512, 48],
    ]);
    expect(inner(60)).toEqual([
      [64, 48],
      [512, 48],
    ]);
    const ones = [
      f64(new Float64Array(6).fill(1), [3, 1, 2]),
      f64(new Float64Array(2).fill(2), [2, 1]),
      f64([[3, 4, 5]]),
    ];
    const [y] = run(vmap(apply, { in: [0, null, null] }), ...ones);
    expect(y).toEqual([12, 16, 20, 12, 16, 20, 12, 16, 20]);
  });
});

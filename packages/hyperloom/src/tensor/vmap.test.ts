import { expect, it } from 'vitest';
import { grad } from './grad.ts';
import { add, mul, square } from './ops/arithmetic.ts';
import { exp, tanh } from './ops/math.ts';
import { matmul } from './ops/matmul.ts';
import { sum } from './ops/reduce.ts';
import { transpose } from './ops/transpose.ts';
import { constant, placeholder, type Tensor } from './tensor.ts';
import { distance, f64, numbers, run, run1 } from './testing.ts';
import { trace } from './trace.ts';
import { vmap } from './vmap.ts';

const dot = (a: Tensor, b: Tensor) => sum(mul(a, b));
const [a, b] = [
  f64([
    [1, 2],
    [3, 4],
    [5, 6],
  ]),
  f64([
    [1, 10],
    [100, 1000],
    [2, 3],
  ]),
];

it('maps over the first axis of every argument, or over the axes given', () => {
  expect(run1(vmap(dot), a, b)).toEqual([21, 4300, 28]);
  expect(run1(vmap(dot, { in: [0, null] }), a, f64([1, 10]))).toEqual([21, 43, 65]);
  expect(run1(vmap(dot, { in: [1, 1] }), a, b)).toEqual([311, 4038]);
  expect(run1(vmap(dot, { in: [-1, -1] }), a, b)).toEqual([311, 4038]);
  expect(
    run1(
      vmap(dot, { in: [1, 0] }),
      f64([
        [1, 3],
        [2, 4],
      ]),
      f64([
        [1, 1],
        [10, 10],
      ]),
    ),
  ).toEqual([3, 70]);
});

it('puts the batch where it is told', () => {
  const rows = (out: number) =>
    trace(
      vmap((x: Tensor) => mul(x, 2), { out }),
      { dtype: 'float32', shape: [5, 2, 3] },
    ).output.shape;
  expect([rows(0), rows(1), rows(2), rows(-1)]).toEqual([
    [5, 2, 3],
    [2, 5, 3],
    [2, 3, 5],
    [2, 3, 5],
  ]);
  expect(
    run1(
      vmap((x: Tensor) => mul(x, 2), { out: 1 }),
      f64([
        [1, 2],
        [3, 4],
      ]),
    ),
  ).toEqual([2, 6, 4, 8]);
});

it('takes trees of axes; what they do not name is shared', () => {
  const f = (p: { w: Tensor; b: Tensor }, x: readonly [Tensor, Tensor]) => add(add(dot(p.w, x[0]), p.b), x[1]);
  const all = run1(
    (w, bias, x, y) => vmap(f, { in: [{ w: 0 }, [null, 0]] })({ w, b: bias }, [x, y]),
    a,
    f64(1000),
    f64([1, 10]),
    f64([1, 2, 3]),
  );
  expect(all).toEqual([1022, 1045, 1068]);
});

it('hands on what is no tensor', () => {
  const f = (x: Tensor, { training }: { training: boolean }) => mul(x, training ? 2 : 3);
  expect(run1((x) => vmap(f)(x, { training: true }), f64([1, 2]))).toEqual([2, 4]);
});

it('repeats a result that does not depend on the batch', () => {
  expect(
    run1(
      vmap((_: Tensor) => constant([7, 8], 'float64')),
      f64([1, 2]),
    ),
  ).toEqual([7, 8, 7, 8]);
  const both = (x: Tensor, y: Tensor) =>
    vmap((p: Tensor, q: Tensor) => [mul(p, 2), exp(q)] as const, { in: [0, null] })(x, y);
  expect(run(both as (...xs: Tensor[]) => readonly Tensor[], f64([1, 2]), f64(0))).toEqual([
    [2, 4],
    [1, 1],
  ]);
});

it('nests', () => {
  // Every pair of rows.
  const pairs = (x: Tensor, y: Tensor) => vmap((p: Tensor) => vmap((q: Tensor) => dot(p, q))(y))(x);
  expect(
    run1(
      pairs,
      a,
      f64([
        [1, 0],
        [0, 1],
      ]),
    ),
  ).toEqual([1, 2, 3, 4, 5, 6]);
  const inner = (x: Tensor, y: Tensor) => vmap(vmap(dot, { in: [null, 0] }), { in: [0, null] })(x, y);
  expect(
    run1(
      inner,
      a,
      f64([
        [1, 0],
        [0, 1],
      ]),
    ),
  ).toEqual([1, 2, 3, 4, 5, 6]);
});

it('gives a gradient for each example', () => {
  const loss = (w: Tensor, x: Tensor) => square(dot(w, x));
  const each = run1((w, x) => vmap(grad(loss), { in: [null, 0] })(w, x), f64([1, 1]), a);
  expect(each).toEqual([6, 12, 42, 56, 110, 132]);
});

it('has a gradient, which is that of a loop', () => {
  const f = (w: Tensor, x: Tensor) => sum(tanh(matmul(w, x)));
  const [w, xs] = [numbers([3, 2]), numbers([4, 2, 2], 3)];
  const mapped = run1((p, q) => grad((v: Tensor) => sum(vmap(f, { in: [null, 0] })(v, q)))(p), w, xs);
  const looped = [0, 1, 2, 3].map((i) =>
    run1(grad(f), w, f64(xs.data.slice(4 * i, 4 * i + 4) as Float64Array, [2, 2])),
  );
  const total = mapped.map((_, i) => looped.reduce((t, g) => t + (g[i] as number), 0));
  expect(distance(mapped, total)).toBeLessThan(1e-13);
  const outer = (p: Tensor, q: Tensor) => grad((v: Tensor) => sum(vmap(grad(f), { in: [null, 0] })(v, q)))(p);
  expect(run1(outer, w, xs)).toHaveLength(6);
});

it('computes once what the batch does not change', () => {
  const f = (x: Tensor, w: Tensor) => mul(x, exp(exp(w)));
  const { program } = trace(
    vmap(f, { in: [0, null] }),
    { dtype: 'float32', shape: [8, 3] },
    { dtype: 'float32', shape: [3] },
  );
  expect(program.nodes.map(({ op, outputs }) => `${op} [${outputs[0]?.shape}]`)).toEqual([
    'exp [3]',
    'exp [3]',
    'mul [8,3]',
  ]);
});

it('makes one product of many', () => {
  const shapes = [
    { dtype: 'float32', shape: [8, 2, 3] },
    { dtype: 'float32', shape: [8, 3, 4] },
  ] as const;
  const stacked = trace(vmap(matmul), ...shapes).program;
  expect(stacked.nodes.map(({ op }) => op)).toEqual(['matmul']);
  const shared = trace(vmap(matmul, { in: [0, null] }), shapes[0], { dtype: 'float32', shape: [3, 4] }).program;
  expect(shared.nodes.map(({ op }) => op)).toEqual(['reshape', 'matmul', 'reshape']);
  expect(
    run1(
      vmap((x: Tensor) => transpose(x)),
      f64([
        [
          [1, 2],
          [3, 4],
        ],
        [
          [5, 6],
          [7, 8],
        ],
      ]),
    ),
  ).toEqual([1, 3, 2, 4, 5, 7, 6, 8]);
});

it('refuses what does not fit', () => {
  const aval = (...shape: number[]) => placeholder({ dtype: 'float32', shape });
  expect(() => vmap(dot)(aval(2, 3), aval(4, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: vmap: expected 2 along the mapped axis of argument 1, got 4]`,
  );
  expect(() =>
    vmap((p: { w: Tensor }, x: Tensor) => add(p.w, x))({ w: aval() }, aval(2)),
  ).toThrowErrorMatchingInlineSnapshot(`[ArgumentError: vmap: expected axis 0 in argument 0 (w), got shape []]`);
  expect(() => vmap(dot, { in: [null, null] })(aval(3), aval(3))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: vmap: expected at least one argument with a mapped axis, got none]`,
  );
  expect(() => vmap(dot, { in: [[0], 0] })(aval(2, 3), aval(2, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: vmap: expected one axis or null for the tensor at argument 0, got a tree]`,
  );
  expect(() => vmap((_: Tensor) => 3)(aval(2))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: vmap: expected tensors as results, got number]`,
  );
  expect(() => vmap((x: Tensor) => x, { out: 2 })(aval(2))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: vmap: expected an axis from -1 to 0 for shape [2], got 2]`,
  );
});

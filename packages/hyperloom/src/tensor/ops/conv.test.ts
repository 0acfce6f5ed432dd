import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NdArray } from '../array.ts';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { distance, f64, goldenArray, goldens, numbers, run, run1 } from '../testing.ts';
import { trace } from '../trace.ts';
import { vmap } from '../vmap.ts';
import { mul, square } from './arithmetic.ts';
import { reshape } from './broadcast.ts';
import { conv, convInputGrad, convKernelGrad } from './conv.ts';
import type { ConvAttrs, ConvOptions } from './geometry.ts';
import { stack } from './join.ts';
import { sum } from './reduce.ts';
import { slice } from './slice.ts';

const aval = (...shape: number[]) => placeholder({ dtype: 'float32', shape });

it('slides a kernel, hand-worked', () => {
  const x = f64([[[1, 2, 3, 4]]]);
  const w = f64([[[1, 10]]]);
  const at = (options: ConvOptions) => run1((a, b) => conv(a, b, options), x, w);
  expect(at({})).toEqual([21, 32, 43]);
  expect(at({ strides: [2] })).toEqual([21, 43]);
  expect(at({ padding: [[1, 0]] })).toEqual([10, 21, 32, 43]);
  expect(at({ dilation: [2] })).toEqual([31, 42]);
  expect(at({ strides: [3], padding: [[0, 1]] })).toEqual([21, 4]);
  const two = f64([
    [
      [1, 2],
      [3, 4],
    ],
  ]);
  expect(run1((a, b) => conv(a, b, { groups: 2 }), two, f64([[[1]], [[10]]]))).toEqual([1, 2, 30, 40]);
  expect(
    run1(
      (a, b) => conv(a, b),
      f64([
        [
          [
            [1, 2],
            [3, 4],
          ],
        ],
      ]),
      f64([
        [
          [
            [1, 10],
            [100, 1000],
          ],
        ],
      ]),
    ),
  ).toEqual([4321]);
});

const cases = Object.entries(goldens.cases).filter(([name]) => /^conv[12]d/.test(name)) as [
  string,
  {
    attrs: ConvAttrs;
    inputs: { x: NdArray; weight: NdArray };
    cotangent: NdArray;
    grads: { x: NdArray; weight: NdArray };
  },
][];

it.each(cases)('has the gradients of PyTorch: %s', (_, { attrs, inputs, cotangent, grads }) => {
  const both = (x: Tensor, w: Tensor, dy: Tensor) => {
    const { p, q } = grad((at: { p: Tensor; q: Tensor }) => sum(mul(conv(at.p, at.q, attrs), dy)))({ p: x, q: w });
    return [p, q];
  };
  const [dx, dw] = run(
    both as (...xs: Tensor[]) => Tensor[],
    goldenArray(inputs.x),
    goldenArray(inputs.weight),
    goldenArray(cotangent),
  );
  expect(distance(dx as number[], Array.from(grads.x.data))).toBeLessThan(1e-9);
  expect(distance(dw as number[], Array.from(grads.weight.data))).toBeLessThan(1e-9);
});

it.each([1, 2])('is vectorised over any of its arguments as a loop would be, with %i groups', (groups) => {
  fc.assert(
    fc.property(fc.constantFrom([0, null], [null, 0], [0, 0]), fc.boolean(), (axes, twoAxes) => {
      const one = twoAxes ? [1] : [];
      const attrs: ConvAttrs = {
        strides: [2, ...one],
        padding: [[1, 0] as const, ...one.map(() => [0, 1] as const)],
        dilation: [1, ...one],
        groups,
      };
      const size = twoAxes ? [5, 3] : [5];
      const kernel = twoAxes ? [2, 2] : [2];
      const shapes = {
        x: [2, 2 * groups, ...size],
        w: [3 * groups, 2, ...kernel],
        dy: [2, 3 * groups, 3, ...(twoAxes ? [3] : [])],
      };
      const forms: [(a: Tensor, b: Tensor) => Tensor, number[], number[]][] = [
        [(x, w) => conv(x, w, attrs), shapes.x, shapes.w],
        [(w, dy) => convInputGrad(w, dy, { ...attrs, spatial: size }), shapes.w, shapes.dy],
        [(x, dy) => convKernelGrad(x, dy, { ...attrs, kernel }), shapes.x, shapes.dy],
      ];
      for (const [f, first, second] of forms) {
        const a = numbers(axes[0] === 0 ? [3, ...first] : first);
        const b = numbers(axes[1] === 0 ? [3, ...second] : second, 2);
        const part = (whole: NdArray, mapped: boolean, n: number): NdArray => {
          if (!mapped) return whole;
          const each = whole.data.length / 3;
          return { ...whole, shape: whole.shape.slice(1), data: whole.data.slice(n * each, (n + 1) * each) };
        };
        const looped = [0, 1, 2].flatMap((n) => run1(f, part(a, axes[0] === 0, n), part(b, axes[1] === 0, n)));
        expect(distance(run1(vmap(f, { in: axes }), a, b), looped)).toBeLessThan(1e-12);
      }
    }),
    { numRuns: 12 },
  );
});

it('becomes one grouped convolution over kernels and examples', () => {
  const y = vmap((x: Tensor, w: Tensor) => conv(x, w))(aval(5, 1, 3, 8, 8), aval(5, 4, 3, 3, 3));
  expect(y.shape).toEqual([5, 1, 4, 6, 6]);
  let { node } = y;
  while (node.op.name !== 'conv') node = (node.inputs[0] as Tensor).node;
  expect(node.attrs.groups).toBe(5);
});

it('refuses what does not fit', () => {
  const attrs: ConvAttrs = { strides: [1], padding: [[0, 0]], dilation: [1], groups: 1 };
  expect(() => conv(aval(3), aval(3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: conv: expected x [N, C, L] or [N, C, H, W] and w of the same rank, got [3] and [3]]`,
  );
  expect(() => conv(aval(1, 3, 8), aval(4, 2, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: conv: expected x [N, C, ...] and w [O, C, ...], got [1, 3, 8] and [4, 2, 3]]`,
  );
  expect(() => conv(aval(1, 4, 8), aval(3, 2, 3), { groups: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: conv: expected x [N, 2 * C, ...] and w [2 * O, C, ...], got [1, 4, 8] and [3, 2, 3]]`,
  );
  expect(() => conv(aval(1, 3, 2), aval(4, 3, 3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: conv: expected at least 3 elements along spatial axis 0 with its padding, got 2]`,
  );
  expect(() => conv(aval(1, 3, 8), aval(4, 3, 3), { strides: [1, 1] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: conv: expected strides, padding and dilation for 1 spatial axes, got 2, 1, 1]`,
  );
  expect(() => conv(aval(1, 3, 8), aval(4, 3, 3), { strides: [0] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: conv: expected strides of whole numbers of at least 1, got [0]]`,
  );
  expect(() => conv(aval(1, 3, 8), aval(4, 3, 3), { padding: [[-1, 0]] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: conv: expected whole padding, none negative, got [[-1, 0]]]`,
  );
  expect(() =>
    conv(placeholder({ dtype: 'int32', shape: [1, 3, 8] }), aval(4, 3, 3)),
  ).toThrowErrorMatchingInlineSnapshot(`[DTypeError: conv: expected floats, got int32]`);
  expect(() =>
    convInputGrad(aval(4, 3, 3), aval(1, 5, 6), { ...attrs, spatial: [8] }),
  ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: convInputGrad: expected dy [1, 4, 6], got [1, 5, 6]]`);
  expect(() =>
    convKernelGrad(aval(1, 3, 8), aval(2, 4, 6), { ...attrs, kernel: [3] }),
  ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: convKernelGrad: expected dy [1, 4, 6], got [2, 4, 6]]`);
  expect(() =>
    convKernelGrad(aval(1, 3, 8), aval(1, 4, 6), { ...attrs, groups: 2, kernel: [3] }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: convKernelGrad: expected x [N, 2 * C, ...] and w [2 * O, C, ...], got [1, 3, 8] and [4, 1.5, 3]]`,
  );
});

it('scales the outputs of one kernel in place of a kernel for each example', () => {
  const attrs = { padding: [[1, 1]] as const, groups: 2, strides: [2] };
  const apply = (x: Tensor, w: Tensor, s: Tensor) => conv(x, mul(w, s), attrs);
  const [x, w, s] = [numbers([3, 2, 4, 7]), numbers([6, 2, 3], 2), numbers([3, 6, 1, 1], 3)];
  const float = (shape: readonly number[]) => ({ dtype: 'float64', shape });
  for (const shared of [false, true]) {
    const axes = { in: [shared ? null : 0, null, 0] } as const;
    const input = shared ? f64(x.data.slice(0, 56), [2, 4, 7]) : x;
    const batched = vmap(apply, axes);
    const all = (score: (...xs: Tensor[]) => Tensor) => (a: Tensor, b: Tensor, c: Tensor) => {
      const total = (at: readonly Tensor[]) => sum(square(score(...at)));
      return [score(a, b, c), ...(grad(total)([a, b, c]) as readonly Tensor[])];
    };
    const row = (t: Tensor, b: number) =>
      reshape(slice(t, [[b, b + 1], ...t.shape.slice(1).map((d) => [0, d] as const)]), t.shape.slice(1));
    const loop = (a: Tensor, b: Tensor, c: Tensor) =>
      stack(Array.from({ length: 3 }, (_, i) => apply(shared ? a : row(a, i), b, row(c, i))));
    const found = run(all(batched as never), input, w, s);
    run(all(loop as never), input, w, s).forEach((values, i) => {
      expect(distance(found[i]!, values)).toBeLessThan(1e-10);
    });
    const { program } = trace(batched as never, ...[input, w, s].map(({ shape }) => float(shape)));
    const kernels = program.nodes.filter(({ op }) => op === 'conv').map(({ attrs: { groups } }) => groups);
    expect(kernels).toEqual([2]);
  }
});

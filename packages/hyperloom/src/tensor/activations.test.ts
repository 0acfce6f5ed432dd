import { expect, it } from 'vitest';
import * as activations from './activations.ts';
import type { NdArray } from './array.ts';
import { grad } from './grad.ts';
import { add, mul } from './ops/arithmetic.ts';
import { mean, sum, variance } from './ops/reduce.ts';
import { placeholder, type Tensor } from './tensor.ts';
import { distance, f64, goldenArray, goldens, i32, run, run1 } from './testing.ts';

const slope = (f: (x: Tensor) => Tensor) => (x: Tensor) => grad((y: Tensor) => sum(f(y)))(x);

interface Golden {
  inputs: { x: NdArray; weight: NdArray; bias: NdArray; targets: NdArray };
  cotangent: NdArray;
  output: NdArray;
  grads: { x: NdArray; weight: NdArray; bias: NdArray };
}
const golden = (name: string) => (goldens.cases as Record<string, Golden>)[name] as Golden;

it.each<[string, (x: Tensor) => Tensor]>([
  ['gelu', activations.gelu],
  ['silu', activations.silu],
  ['softplus', activations.softplus],
  ['leakyRelu', (x) => activations.leakyRelu(x)],
  ['softmax', (x) => activations.softmax(x)],
  ['logSoftmax', (x) => activations.logSoftmax(x)],
  ['logSumExp', (x) => activations.logSumExp(x)],
])('%s has the values and gradients of PyTorch', (name, f) => {
  const { inputs, cotangent, output, grads } = golden(name);
  const both = (x: Tensor, dy: Tensor) => [f(x), grad((v: Tensor) => sum(mul(f(v), dy)))(x)];
  const [y, dx] = run(both as (...xs: Tensor[]) => Tensor[], goldenArray(inputs.x), goldenArray(cotangent)) as [
    number[],
    number[],
  ];
  expect(distance(y, Array.from(output.data))).toBeLessThan(1e-9);
  expect(distance(dx, Array.from(grads.x.data))).toBeLessThan(1e-9);
});

it('layerNorm has the values and gradients of PyTorch', () => {
  const { inputs, cotangent, output, grads } = golden('layerNorm');
  const f = (p: { x: Tensor; w: Tensor; b: Tensor }) => add(mul(activations.layerNorm(p.x), p.w), p.b);
  const all = (x: Tensor, w: Tensor, b: Tensor, dy: Tensor) => {
    const g = grad((p: { x: Tensor; w: Tensor; b: Tensor }) => sum(mul(f(p), dy)))({ x, w, b });
    return [f({ x, w, b }), g.x, g.w, g.b];
  };
  const arrays = [inputs.x, inputs.weight, inputs.bias, cotangent].map(goldenArray);
  const found = run(all as (...xs: Tensor[]) => Tensor[], ...arrays);
  [output, grads.x, grads.weight, grads.bias].forEach((expected, i) => {
    expect(distance(found[i] as number[], Array.from(expected.data))).toBeLessThan(1e-9);
  });
});

it('crossEntropy has the values and gradients of PyTorch', () => {
  const { inputs, cotangent, output, grads } = golden('loss.crossEntropy');
  const loss = (x: Tensor, labels: Tensor) => mean(activations.crossEntropy(x, labels));
  const both = (x: Tensor, labels: Tensor, dy: Tensor) => [
    loss(x, labels),
    grad((v: Tensor) => mul(loss(v, labels), dy))(x),
  ];
  const labels = i32(Int32Array.from(inputs.targets.data));
  const [y, dx] = run(
    both as (...xs: Tensor[]) => Tensor[],
    goldenArray(inputs.x),
    labels,
    f64(cotangent.data[0] as number),
  ) as [number[], number[]];
  expect(distance(y, Array.from(output.data))).toBeLessThan(1e-9);
  expect(distance(dx, Array.from(grads.x.data))).toBeLessThan(1e-9);
});

it('layerNorm leaves mean 0 and variance 1 over any axes', () => {
  const x = f64([
    [
      [1, 2],
      [3, 5],
    ],
    [
      [7, -4],
      [0, 2],
    ],
  ]);
  const over = (axis: number | number[]) =>
    run((v) => {
      const y = activations.layerNorm(v as Tensor, { axis, epsilon: 0 });
      return [mean(y, { axis }), variance(y, { axis })];
    }, x) as [number[], number[]];
  for (const axis of [0, -1, [1, 2]]) {
    const [means, variances] = over(axis);
    for (const m of means) expect(m).toBeCloseTo(0, 12);
    for (const v of variances) expect(v).toBeCloseTo(1, 12);
  }
});

it('softmax adds up to 1 along its axis', () => {
  const p = run1(
    (x) => activations.softmax(x, 0),
    f64([
      [1, 2],
      [3, 5],
    ]),
  );
  expect(
    distance(p, [1 / (1 + Math.E ** 2), 1 / (1 + Math.E ** 3), 1 / (1 + Math.E ** -2), 1 / (1 + Math.E ** -3)]),
  ).toBeLessThan(1e-15);
});

it('stays exact far out, with finite gradients', () => {
  const x = f64([-1000, -50, 0, 50, 1000]);
  expect(run1(activations.softplus, x)).toEqual([0, Math.exp(-50), Math.log(2), 50, 1000]);
  expect(distance(run1(slope(activations.softplus), x), [0, Math.exp(-50), 0.5, 1, 1])).toBeLessThan(1e-15);
  expect(run1(activations.silu, x)[0]).toBeCloseTo(0, 12);
  expect(distance(run1(slope(activations.silu), x), [0, 0, 0.5, 1, 1])).toBeLessThan(1e-15);
  expect(distance(run1(slope(activations.gelu), x), [0, 0, 0.5, 1, 1])).toBeLessThan(1e-15);
  expect(run1((v) => activations.logSumExp(v), f64([1000, 1000]))[0]).toBeCloseTo(1000 + Math.LN2, 10);
  expect(run1((v) => activations.logSumExp(v), f64([-1000, -1000]))[0]).toBeCloseTo(-1000 + Math.LN2, 10);
  expect(
    run1(
      slope((v) => activations.logSumExp(v)),
      f64([1000, 1000]),
    ),
  ).toEqual([0.5, 0.5]);
  expect(run1((v) => activations.softmax(v), f64([1e4, 0]))).toEqual([1, 0]);
  expect(
    run1(
      slope((v) => activations.logSoftmax(v)),
      f64([1e4, 0]),
    ),
  ).toEqual([-1, 1]);
});

it('softplus is smooth at 0 to every order', () => {
  const second = slope(slope(activations.softplus));
  expect(distance(run1(second, f64([0])), [0.25])).toBeLessThan(1e-15);
  expect(run1(second, f64([-1000, 1000]))).toEqual([0, 0]);
});

it('leakyRelu takes its slope at 0 and below', () => {
  expect(run1((x) => activations.leakyRelu(x, 0.25), f64([-4, 0, 4]))).toEqual([-1, 0, 4]);
  expect(
    run1(
      slope((x) => activations.leakyRelu(x, 0.25)),
      f64([-4, 0, 4]),
    ),
  ).toEqual([0.25, 0.25, 1]);
});

it('logits of minus infinity rule classes out', () => {
  const ruledOut = f64([0, Number.NEGATIVE_INFINITY, 0]);
  expect(run1((x) => activations.softmax(x), ruledOut)).toEqual([0.5, 0, 0.5]);
  const loss = (x: Tensor, label: Tensor) => activations.crossEntropy(x, label);
  expect(run1(loss, ruledOut, i32(2))[0]).toBeCloseTo(Math.LN2, 14);
  expect(run1((x, label) => grad((v: Tensor) => loss(v, label))(x), ruledOut, i32(2))).toEqual([0.5, 0, -0.5]);
  const nothing = f64([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  expect(run1((x) => activations.logSumExp(x), nothing)).toEqual([Number.NEGATIVE_INFINITY]);
});

it('refuses what does not fit', () => {
  const logits = placeholder({ dtype: 'float32', shape: [4, 3] });
  expect(() =>
    activations.crossEntropy(logits, placeholder({ dtype: 'int32', shape: [3] })),
  ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: crossEntropy: expected labels [4] for logits [4, 3], got [3]]`);
  expect(() =>
    activations.crossEntropy(logits, placeholder({ dtype: 'float32', shape: [4] })),
  ).toThrowErrorMatchingInlineSnapshot(`[DTypeError: oneHot: expected int32 indices, got float32]`);
  expect(() => activations.softmax(logits, 2)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: max: expected an axis from -2 to 1 for shape [4, 3], got 2]`,
  );
  expect(() => activations.gelu(placeholder({ dtype: 'int32', shape: [3] }))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: mul: expected a whole number to combine with int32, got 0.5]`,
  );
});

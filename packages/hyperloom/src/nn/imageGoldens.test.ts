import { afterAll, expect, test } from 'vitest';
import { ortEngine } from '../engine/ort/index.ts';
import { evaluate } from '../engine/reference/index.ts';
import {
  cast,
  constant,
  mean,
  mul,
  type NdArray,
  ndarray,
  sum,
  type Tensor,
  trace,
  tree,
  valueAndGrad,
  vmap,
} from '../tensor/index.ts';
import { expectClose, type Flat, f64, goldenCases } from './goldens.suite.ts';
import * as nn from './index.ts';

interface Case {
  readonly x: Flat;
  readonly params: Record<string, Flat>;
  readonly cotangent: Flat;
  readonly output: Flat;
  readonly grads: Record<string, Flat>;
  readonly running?: Record<string, Flat>;
}
const cases = goldenCases<Case>('images.json');

const engine = ortEngine({ threads: 1, spinning: false });
afterAll(() => engine.dispose());

/** Layers by the name of their case. */
const layers: Record<string, nn.AnyModule> = {
  convTranspose1d: nn.convTranspose1d({ in: 3, out: 2, kernel: 5, stride: 3, padding: 2, outputPadding: 1 }),
  convTranspose2d: nn.convTranspose2d({ in: 3, out: 2, kernel: 4, stride: 2, padding: 1 }),
  'convTranspose2d.grouped': nn.convTranspose2d({
    in: 4,
    out: 6,
    kernel: [3, 2],
    stride: [2, 1],
    padding: [1, 0],
    outputPadding: [1, 0],
    dilation: [1, 2],
    groups: 2,
    bias: false,
  }),
  depthwiseConv2d: nn.depthwiseConv2d({ channels: 3, multiplier: 2, kernel: 3, padding: 'same' }),
  squeezeExcite: nn.squeezeExcite({ channels: 4, reduction: 2 }),
  patchEmbedding: nn.patchEmbedding({ channels: 2, patch: [3, 2], size: 5 }),
  multiHeadAttention: nn.multiHeadAttention({ size: 6, heads: 3 }),
  'multiHeadAttention.causal': nn.multiHeadAttention({ size: 4, heads: 2, causal: true }),
  transformerBlock: nn.transformerBlock({ size: 6, heads: 2, hidden: 7 }),
  'batchNorm.training': nn.batchNorm({ channels: 3 }),
  'batchNorm.evaluation': nn.batchNorm({ channels: 3 }),
  'preActivationBlock.pad': nn.preActivationBlock({ in: 2, out: 3, stride: 2 }),
  'preActivationBlock.project': nn.preActivationBlock({ in: 2, out: 3, stride: 2, shortcut: 'project' }),
};

/** Elements that each running statistic of a case is a mean of. */
const counts: Record<string, Record<string, number>> = {
  'batchNorm.training': { '': 4 * 2 * 3 },
  'preActivationBlock.pad': { 'norm1.': 3 * 5 * 4, 'norm2.': 3 * 3 * 2 },
  'preActivationBlock.project': { 'norm1.': 3 * 5 * 4, 'norm2.': 3 * 3 * 2 },
};

test.each(Object.entries(layers))('%s: output, gradients and running statistics of PyTorch', async (name, layer) => {
  const { x, params, cotangent, output, grads, running } = cases[name]!;
  const paths = tree.paths(layer.spec);
  const weights = tree.unflatten(
    layer.spec,
    paths.map((path) => f64(params[path]!)),
  );
  const training = !name.endsWith('evaluation');
  const one = (w: unknown, input: Tensor) => {
    const updates: Record<string, Tensor> = {};
    const update = (path: string, delta: Tensor) => {
      updates[path] = delta;
    };
    return { y: layer.apply(w as never, input, { training, update }), updates };
  };
  const score = (all: { readonly weights: unknown; readonly x: Tensor }) => {
    const { y, updates } = vmap(one, { in: [null, 0], name: 'batch' })(all.weights, all.x);
    return [
      sum(mul(cast(constant(f64(cotangent)), y.dtype), y)),
      { y, updates: tree.map((delta: Tensor) => mean(delta, { axis: 0 }), updates) },
    ] as const;
  };
  const wrt = { weights, x: f64(x) };
  const traced = trace(valueAndGrad(score, { aux: true }), wrt);
  const exact = evaluate(traced.program, tree.leaves<NdArray>(wrt));
  const results = tree.unflatten(traced.output, exact);
  const found = tree.flatten<NdArray>(results);
  expectClose('output', found['0.1.y'], output);
  for (const [path, expected] of Object.entries(grads)) {
    expectClose(path, found[path === 'x' ? '1.x' : `1.weights.${path}`], expected);
  }
  const [[, { updates }]] = results as unknown as [[unknown, { readonly updates: Record<string, NdArray> }]];
  for (const [path, expected] of Object.entries((training && running) || {})) {
    const before = params[path]!;
    const [prefix] = path.match(/^.*\./) ?? [''];
    const n = counts[name]![prefix]!;
    // PyTorch's variances are divided by n - 1, ours by n: with momentum 0.1, new = 0.9 old + 0.1 variance.
    const ours = (theirs: number, old: number) =>
      path.endsWith('variance') ? ((theirs - 0.9 * old) * (n - 1)) / n + 0.9 * old : theirs;
    const moved = expected.data.map((v, i) => ours(v, before.data[i]!) - before.data[i]!);
    expectClose(path, updates[path], { shape: expected.shape, data: moved });
  }

  // The engine that trains, in float32.
  const single = tree.map(({ shape, data }: NdArray) => ndarray(Float32Array.from(data), shape), wrt);
  const { program } = trace(valueAndGrad(score, { aux: true }), single);
  const compiled = await engine.compile(program);
  const rounded = await compiled.run(tree.leaves<NdArray>(single));
  exact.forEach(({ shape, data }, k) => {
    expect(rounded[k]!.shape).toEqual(shape);
    data.forEach((v, i) => {
      expect(Math.abs(rounded[k]!.data[i]! - v)).toBeLessThan(1e-4 * (1 + Math.abs(v)));
    });
  });
});

test('every golden case is checked', () => {
  expect(Object.keys(cases).filter((name) => !(name in layers))).toEqual([]);
});

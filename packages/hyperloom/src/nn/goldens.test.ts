import { describe, expect, test } from 'vitest';
import { ortEngine } from '../engine/ort/index.ts';
import { evaluate } from '../engine/reference/index.ts';
import {
  type Aval,
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
  readonly attrs: Record<string, never>;
  readonly inputs: Record<string, Flat>;
  readonly params: Record<string, Flat>;
  readonly grads: Record<string, Flat>;
  readonly loss: number;
  readonly cotangent: Flat;
  readonly output: Flat;
}
const golden = goldenCases<Case>('nets.json');
const caseOf = (name: string) => golden[name] as Case;
const i32 = ({ shape, data }: Flat): NdArray => ndarray(Int32Array.from(data), shape);

/** PyTorch keeps a linear weight as [out, in]. */
const turned = ({ shape: [rows = 0, columns = 0], data }: Flat): Flat => ({
  shape: [columns, rows],
  data: data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)] as number),
});

type Names = Readonly<Record<string, string>>;

/** A whole network: our path to PyTorch's name for each weight; `linear` weights are turned. */
async function checkNetwork(name: string, net: nn.AnyModule, names: Names, linear: readonly string[]): Promise<void> {
  const { inputs, params, grads, loss } = caseOf(name);
  const layout = (path: string, flat: Flat) => (linear.includes(path) ? turned(flat) : flat);
  const paths = tree.paths(net.spec);
  const flatOf = (from: Record<string, Flat>) => paths.map((path) => layout(path, from[names[path] ?? path] as Flat));
  const weights = tree.unflatten(net.spec, flatOf(params).map(f64));
  const batchLoss = (p: { readonly weights: unknown; readonly x: Tensor }, labels: Tensor) =>
    mean(
      vmap((x: Tensor, label: Tensor) => nn.losses.crossEntropy(net.apply(p.weights as never, x), label))(p.x, labels),
    );
  const { program } = trace(
    valueAndGrad(batchLoss),
    { weights, x: f64(inputs.x as Flat) },
    i32(inputs.targets as Flat),
  );
  const args = [...flatOf(params).map(f64), f64(inputs.x as Flat), i32(inputs.targets as Flat)];
  const [value, ...gradients] = evaluate(program, args);
  expect(value?.dtype).toBe('float64');
  expect(value?.data[0]).toBeCloseTo(loss, 10);
  expect(gradients).toHaveLength(Object.keys(grads).length);
  [...flatOf(grads), grads.x as Flat].forEach((expected, i) => {
    expectClose(`gradient ${i}`, gradients[i], expected);
  });

  // The engine that trains, in float32.
  const single = (array: NdArray): NdArray =>
    array.dtype === 'float64' ? ndarray(Float32Array.from(array.data), array.shape) : array;
  const engine = ortEngine({ threads: 1, spinning: false });
  const step = trace(
    valueAndGrad(batchLoss),
    { weights: tree.unflatten(net.spec, flatOf(params).map(f64).map(single)), x: single(f64(inputs.x as Flat)) },
    i32(inputs.targets as Flat),
  );
  const results = await (await engine.compile(step.program)).run(args.map(single));
  await engine.dispose();
  [value, ...gradients].forEach((expected, k) => {
    const got = results[k] as NdArray;
    expect(got.dtype).toBe('float32');
    expect(got.shape).toEqual(expected?.shape);
    got.data.forEach((x, at) => {
      const exact = expected?.data[at] as number;
      expect(Math.abs(x - exact)).toBeLessThan(1e-5 * (1 + Math.abs(exact)));
    });
  });
}

describe('whole networks: loss and every gradient', () => {
  test('MLP', () => {
    const net = nn.mlp({ in: 5, hidden: [7], out: 3, activation: nn.tanh });
    return checkNetwork('mlp', net, {}, ['layer0.weight', 'layer1.weight']);
  });
  test('SIREN', () => {
    const net = nn.siren({ in: 2, hidden: [6, 5], out: 3 });
    return checkNetwork('siren', net as unknown as nn.AnyModule, {}, [
      'layer0.weight',
      'layer1.weight',
      'layer2.weight',
    ]);
  });
  test('CNN', () => {
    const net = nn.sequential({
      conv1: nn.conv2d({ in: 2, out: 4, kernel: 3, padding: 1 }),
      relu: nn.relu,
      pool: nn.maxPool({ window: 2 }),
      conv2: nn.conv2d({ in: 4, out: 3, kernel: 3, stride: 2, padding: 1 }),
      norm: nn.groupNorm({ channels: 3, groups: 1 }),
      gelu: nn.gelu,
      flatten: nn.flatten,
      fc: nn.linear({ in: 12, out: 5 }),
    });
    return checkNetwork('cnn', net, { 'norm.scale': 'norm.weight', 'norm.shift': 'norm.bias' }, ['fc.weight']);
  });
});

/** One layer over a batch: its output, and the gradients of sum(cotangent * output) for the input and each weight. */
function checkLayer(name: string, layer: nn.AnyModule, names: Names = {}): void {
  const { inputs, cotangent, output, grads } = caseOf(name);
  const linear = layer.name === 'linear';
  const read = (from: Record<string, Flat>, key: string) =>
    linear && key === 'weight' ? turned(from.weight as Flat) : (from[key] as Flat);
  const keys = tree.paths(layer.spec).map((path) => names[path] ?? path);
  const weights = tree.unflatten(
    layer.spec,
    keys.map((key) => f64(read(inputs, key))),
  );
  const indices = inputs.indices && constant(i32(inputs.indices));
  const apply = (w: unknown, x: Tensor) => layer.apply(w as never, x);
  const wrt = indices ? { weights } : { weights, x: f64(inputs.x as Flat) };
  const { program } = trace(
    valueAndGrad(
      (p: { readonly weights: unknown; readonly x?: Tensor }) => {
        const y = vmap(apply, { in: [null, 0] })(p.weights, (p.x ?? indices) as Tensor);
        return [sum(mul(constant(f64(cotangent)), y)), y] as const;
      },
      { aux: true },
    ),
    wrt,
  );
  const [, y, ...gradients] = evaluate(program, tree.leaves<NdArray>(wrt));
  expectClose('output', y, output);
  [...keys, ...(indices ? [] : ['x'])].forEach((key, i) => {
    expectClose(key, gradients[i], read(grads, key));
  });
}

const plain: Record<string, nn.AnyModule> = {
  linear: nn.linear({ in: 5, out: 3 }),
  conv1d: nn.conv1d({ in: 3, out: 4, kernel: 5, stride: 2, padding: 2 }),
  'conv1d.dilated.grouped': nn.conv1d({ in: 4, out: 6, kernel: 3, padding: 3, dilation: 2, groups: 2, bias: false }),
  'conv2d.dilated': nn.conv2d({ in: 2, out: 3, kernel: 3, padding: [2, 1], dilation: 2, bias: false }),
  'conv2d.grouped': nn.conv2d({ in: 4, out: 6, kernel: 3, stride: [2, 1], padding: 1, groups: 2 }),
  'conv2d.depthwise.strided': nn.conv2d({ in: 3, out: 3, kernel: 4, stride: 2, padding: 1, groups: 3, bias: false }),
  'conv2d.asymmetric': nn.conv2d({
    in: 2,
    out: 3,
    kernel: [2, 3],
    padding: [
      [0, 1],
      [2, 1],
    ],
    dilation: [1, 2],
    bias: false,
  }),
  'maxPool.overlapping': nn.maxPool({ window: 3, stride: 2, padding: 1 }),
  'maxPool.ties': nn.maxPool({ window: 2 }),
  maxPool1d: nn.maxPool({ window: 3, stride: 1, padding: 1 }),
  'avgPool.padded': nn.avgPool({ window: 3, stride: 2, padding: 1 }),
  avgPool1d: nn.avgPool({ window: 2 }),
  embedding: nn.embedding({ count: 7, size: 4 }),
  gelu: nn.gelu,
  silu: nn.silu,
  softplus: nn.softplus,
  leakyRelu: nn.leakyRelu(),
  sigmoid: nn.sigmoid,
};
const norms: Record<string, nn.AnyModule> = {
  layerNorm: nn.layerNorm({ shape: 6 }),
  groupNorm: nn.groupNorm({ channels: 4, groups: 2 }),
};

test.each(Object.entries(plain))('%s: output and gradients', (name, layer) => checkLayer(name, layer));
test.each(Object.entries(norms))('%s: output and gradients', (name, layer) =>
  checkLayer(name, layer, { scale: 'weight', shift: 'bias' }),
);

type Loss = (x: Tensor, target: Tensor) => Tensor;
const losses: Record<string, Loss> = {
  'loss.crossEntropy': nn.losses.crossEntropy,
  'loss.crossEntropy.smoothed': (x, target) => nn.losses.crossEntropy(x, target, { labelSmoothing: 0.1 }),
  'loss.mse': nn.losses.mse,
  'loss.mae': nn.losses.mae,
  'loss.huber': (x, target) => nn.losses.huber(x, target, { delta: 0.7 }),
  'loss.binaryCrossEntropyWithLogits': nn.losses.binaryCrossEntropy,
};

test.each(Object.entries(losses))('%s: value and gradient, whole and as a mean over examples', (name, loss) => {
  const { inputs, cotangent, output, grads } = caseOf(name);
  const target = name.startsWith('loss.crossEntropy') ? i32(inputs.targets as Flat) : f64(inputs.targets as Flat);
  const x = f64(inputs.x as Flat);
  const overExamples: Loss = (all, targets) => mean(vmap(loss)(all, targets));
  for (const whole of [loss, overExamples]) {
    const scaled = (logits: Tensor, t: Tensor) => mul(whole(logits, t), cotangent.data[0] as number);
    const { program } = trace(valueAndGrad(scaled), x, target as Aval);
    const [value, gradient] = evaluate(program, [x, target]);
    expect(value?.data[0]).toBeCloseTo((output.data[0] as number) * (cotangent.data[0] as number), 9);
    expectClose('x', gradient, grads.x as Flat);
  }
});

test('every golden case of a layer or loss is checked', () => {
  const checked = new Set([
    ...Object.keys(plain),
    ...Object.keys(norms),
    ...Object.keys(losses),
    'mlp',
    'siren',
    'cnn',
  ]);
  const tensorOnly = ['gelu.tanh', 'elu', 'softmax', 'logSoftmax', 'logSumExp', 'variance'];
  expect(Object.keys(golden).filter((name) => !checked.has(name) && !tensorOnly.includes(name))).toEqual([]);
});

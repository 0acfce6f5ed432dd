import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import {
  add,
  avgPool,
  type ConvOptions,
  conv,
  gather,
  gelu,
  layerNorm,
  logSoftmax,
  logSumExp,
  matmul,
  maxPool,
  mul,
  type NdArray,
  ndarray,
  type PoolAttrs,
  pullback,
  reshape,
  sigmoid,
  silu,
  softmax,
  softplus,
  type Tensor,
  trace,
  transposeMatrix,
  variance,
} from '../tensor/index.ts';
import { relativeError } from './contract.suite.ts';
import { ortEngine } from './ort/index.ts';

interface Flat {
  readonly shape: number[];
  readonly data: number[];
}

interface Layer {
  readonly attrs: object;
  readonly inputs: Readonly<Record<string, Flat>>;
  readonly cotangent: Flat;
  readonly output: Flat;
  readonly grads: Readonly<Record<string, Flat>>;
}

/** Values and vector-Jacobian products from PyTorch in float64; goldens/nets.py made them. */
const { cases }: { cases: Readonly<Record<string, Layer>> } = JSON.parse(
  readFileSync(new URL('../../goldens/nets.json', import.meta.url), 'utf8'),
);

/** A vector of channels that meets [N, C, ...s]. */
const channels = (bias: Tensor, like: Tensor): Tensor =>
  reshape(bias, [like.shape[1]!, ...like.shape.slice(2).map(() => 1)]);

const convolution =
  (attrs: object) =>
  ({ x, weight, w, bias, b }: Record<string, Tensor>): Tensor => {
    const y = conv(x!, (weight ?? w)!, attrs as ConvOptions);
    const shift = bias ?? b;
    return shift === undefined ? y : add(y, channels(shift, y));
  };

const pooled =
  (pool: typeof maxPool) =>
  (attrs: object) =>
  ({ x }: Record<string, Tensor>): Tensor =>
    pool(x!, (attrs as PoolAttrs).window, attrs);

type Net = (inputs: Record<string, Tensor>) => Tensor;
const single =
  (f: (x: Tensor) => Tensor) =>
  (): Net =>
  ({ x }) =>
    f(x!);

/** Our form of PyTorch's layers, by the beginning of the case's name. */
const layers: Readonly<Record<string, (attrs: object) => Net>> = {
  conv1d: convolution,
  conv2d: convolution,
  maxPool: pooled(maxPool),
  maxPool1d: pooled(maxPool),
  avgPool: pooled(avgPool),
  avgPool1d: pooled(avgPool),
  layerNorm: () => (t) => add(mul(layerNorm(t.x!), t.weight!), t.bias!),
  embedding: () => (t) => gather(t.table!, t.indices!),
  linear: () => (t) => add(matmul(t.x!, transposeMatrix(t.weight!)), t.bias!),
  gelu: single((x) => gelu(x)),
  silu: single(silu),
  softplus: single(softplus),
  sigmoid: single(sigmoid),
  softmax: single((x) => softmax(x)),
  logSoftmax: single((x) => logSoftmax(x)),
  logSumExp: single((x) => logSumExp(x)),
  variance: single((x) => variance(x, { axis: -1 })),
};

const array = ({ shape, data }: Flat, name: string): NdArray =>
  name === 'indices' ? ndarray(Int32Array.from(data), shape) : ndarray(Float32Array.from(data), shape);

describe("ONNX Runtime gives PyTorch's values and gradients", () => {
  const engine = ortEngine({ threads: 1, spinning: false });
  afterAll(() => engine.dispose());
  const known = Object.entries(cases).filter(([name]) => layers[name.split('.')[0]!] && name !== 'gelu.tanh');
  test.each(known)('%s', async (name, { attrs, inputs, cotangent, output, grads }) => {
    const net = layers[name.split('.')[0]!]!(attrs);
    const names = Object.keys(inputs);
    const wanted = Object.keys(grads);
    const f = (t: Record<string, Tensor>, dy: Tensor) => {
      const y = net(t);
      return [
        y,
        ...pullback(
          [y],
          [dy],
          wanted.map((key) => t[key]!),
        ).map((g) => g!),
      ];
    };
    const arrays = Object.fromEntries(names.map((key) => [key, array(inputs[key]!, key)]));
    const dy = array(cotangent, 'dy');
    const run = await engine.compile(trace(f, arrays, dy).program);
    const found = await run.run([...names.map((key) => arrays[key]!), dy]);
    [output, ...wanted.map((key) => grads[key]!)].forEach((expected, i) => {
      expect(found[i]!.shape).toEqual(expected.shape);
      expect(relativeError(found[i]!.data, Float64Array.from(expected.data))).toBeLessThan(1e-4);
    });
    await run.dispose();
  });
});

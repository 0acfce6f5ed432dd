import * as nn from '../nn/index.ts';
import { type NdArray, ndarray, type Shape, sizeOf, type Tensor, tree } from '../tensor/index.ts';
import { heads, hypernetwork, type TargetSpec, type Weights } from './index.ts';

/** An input of one example: numbers, or integers below a bound. */
export interface ZooInput {
  readonly dtype: 'float32' | 'int32';
  readonly shape: Shape;
  readonly below?: number;
}

/** A small target of one kind, its types forgotten. */
export interface ZooTarget {
  readonly module: nn.AnyModule;
  /** The input of one example: a tree of {@link ZooInput}. */
  readonly input: unknown;
  /** The weights to generate; the others are stored. */
  readonly generate: string | readonly string[];
}

/** A hypernetwork of which tests know no more than that it is one. */
export interface AnyHypernetwork {
  readonly spec: { readonly code: unknown; readonly head: unknown; readonly target: unknown };
  readonly generated: TargetSpec;
  readonly target: nn.AnyModule;
  init(key: Tensor): unknown;
  apply(params: unknown, input: { readonly code?: Tensor; readonly input: unknown }): Tensor;
  generate(params: unknown, code?: Tensor): Weights;
}

const numbers = (...shape: number[]): ZooInput => ({ dtype: 'float32', shape });

const entry = (module: unknown, input: unknown, generate: string | readonly string[] = '**'): ZooTarget => ({
  module: module as nn.AnyModule,
  input,
  generate,
});

/** One target of each kind, as small as shows the kind. Where units are few, tanh: a dead ReLU would stop gradients. */
export const zoo: Readonly<Record<string, () => ZooTarget>> = {
  mlp: () => entry(nn.mlp({ in: 3, hidden: [5, 4], out: 2, activation: nn.tanh }), numbers(3)),
  cnn: () =>
    entry(
      nn.sequential({
        conv1: nn.conv2d({ in: 1, out: 4, kernel: 3, padding: 'same', bias: false }),
        norm: nn.groupNorm({ channels: 4, groups: 2 }),
        relu1: nn.relu,
        pool: nn.maxPool({ window: 2 }),
        conv2: nn.conv2d({ in: 4, out: 3, kernel: 2 }),
        tanh: nn.tanh,
        flatten: nn.flatten,
        fc: nn.linear({ in: 12, out: 2 }),
      }),
      numbers(1, 6, 6),
      ['conv*.*', 'norm.*'],
    ),
  residual: () =>
    entry(
      nn.sequential({
        in: nn.linear({ in: 3, out: 4 }),
        block: nn.residual(
          nn.sequential({
            mlp: nn.mlp({ in: 4, hidden: [5], out: 4, activation: nn.tanh }),
            norm: nn.layerNorm({ shape: 4 }),
          }),
        ),
        out: nn.linear({ in: 4, out: 2 }),
      }),
      numbers(3),
    ),
  gated: () =>
    entry(
      nn.sequential({
        conv: nn.conv1d({ in: 1, out: 4, kernel: 2 }),
        width: nn.gate({ channels: 4 }),
        tanh: nn.tanh,
        flatten: nn.flatten,
        block: nn.residual(nn.sequential({ fc: nn.linear({ in: 8, out: 8 }), depth: nn.gate() })),
        out: nn.linear({ in: 8, out: 2 }),
      }),
      numbers(1, 3),
    ),
  strided: () =>
    entry(
      nn.sequential({
        stem: nn.conv2d({ in: 1, out: 2, kernel: 3, padding: 'same' }),
        block: nn.preActivationBlock({
          in: 2,
          out: 4,
          stride: 2,
          norm: (channels) => nn.groupNorm({ channels, groups: 1 }),
        }),
        depthwise: nn.depthwiseConv2d({ channels: 4, kernel: 2 }),
        tanh: nn.tanh,
        up: nn.convTranspose2d({ in: 4, out: 2, kernel: 2, stride: 2 }),
        pool: nn.globalAvgPool,
        fc: nn.linear({ in: 2, out: 2 }),
      }),
      numbers(1, 6, 6),
    ),
  // All matrices are 4x4, so that heads that share by shape share them all: what follows a layer norm has inputs whose
  // sum is 0, and there a number that is added to all its weights would change nothing.
  attention: () =>
    entry(
      nn.visionTransformer({
        in: 1,
        image: 4,
        patch: 2,
        size: 4,
        depth: 1,
        heads: 2,
        hidden: 4,
        activation: nn.tanh,
        classes: 4,
      }),
      numbers(1, 4, 4),
    ),
  embedding: () =>
    entry(nn.sequential({ table: nn.embedding({ count: 5, size: 3 }), fc: nn.linear({ in: 3, out: 2 }) }), {
      dtype: 'int32',
      shape: [],
      below: 5,
    }),
  recurrent: () =>
    entry(nn.sequential({ lstm: nn.lstm({ in: 2, hidden: 3 }), fc: nn.linear({ in: 3, out: 2 }) }), numbers(4, 2)),
  hypernetwork: () =>
    entry(hypernetwork(nn.mlp({ in: 2, hidden: [3], out: 1, activation: nn.tanh }), { code: 2, head: heads.dense() }), {
      code: numbers(2),
      input: numbers(2),
    }),
};

/** {@link hypernetwork} without its types, which heads and targets of any kind would make too deep. */
const untyped = hypernetwork as unknown as (target: unknown, options: object) => AnyHypernetwork;

/** A hypernetwork over a target of the zoo; a code of size 0 is none. */
export const overZoo = (head: unknown, code: number, { module, generate }: ZooTarget): AnyHypernetwork =>
  untyped(module, { head, generate, ...(code > 0 && { code }) });

/** A batch of inputs, the same in every run. */
export const zooInputs = (input: unknown, batch: number): unknown =>
  tree.map(({ dtype, shape, below = 1 }: ZooInput): NdArray => {
    const full = [batch, ...shape];
    const data = Array.from({ length: sizeOf(full) }, (_, i) =>
      dtype === 'int32' ? (7 * i + 3) % below : Math.sin(12.9898 * (i + 1)),
    );
    return ndarray(dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data), full);
  }, input);

/** A batch of codes of the norm that heads expect: every element is 1 or -1. */
export const zooCodes = (size: number, batch: number): NdArray =>
  ndarray(
    Float32Array.from({ length: batch * size }, (_, i) => (Math.sin(12.9898 * (i + 7)) < 0 ? -1 : 1)),
    [batch, size],
  );

/** Eight layers of one width, ReLU between them: a wrong scale shows as its eighth power. */
export const deepMlp = (width: number): ZooTarget =>
  entry(nn.mlp({ in: width, hidden: new Array<number>(7).fill(width), out: width }), numbers(width));

/** The same layers, each with a gate on its units. */
export const deepGated = (width: number): ZooTarget =>
  entry(
    nn.sequential(
      Object.fromEntries(
        Array.from({ length: 8 }, (_, i) => [
          `layer${i}`,
          nn.sequential({
            fc: nn.linear({ in: width, out: width, ...(i < 7 && { init: nn.init.kaimingNormal() }) }),
            open: nn.gate({ channels: width }),
            ...(i < 7 && { relu: nn.relu }),
          }),
        ]),
      ),
    ),
    numbers(width),
  );

/** A key as an argument of traced functions, and its array. */
export const keySpec = { dtype: 'uint32', shape: [2] } as const;
export const keyArray = (seed: number): NdArray => ndarray(new Uint32Array([0, seed]), [2]);

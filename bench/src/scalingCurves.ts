import { codes, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { type NdArray, ndarray, type Tensor } from 'hyperloom/tensor';
import type { Example, Measure, Trainable } from 'hyperloom/train';

/** A model with a batch to train it on. */
export interface Point {
  readonly model: Trainable;
  readonly loss: Measure;
  readonly batch: Example;
}

const noise = (...shape: number[]): NdArray =>
  ndarray(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 12.9898) * 1.5),
    shape,
  );
const symbols = (...shape: number[]): NdArray =>
  ndarray(
    Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 7919) % 64),
    shape,
  );

/** A chunked head over 64-width-width-10, 32 examples under one code. */
function chunkedOver(width: number, chunk: number): Point {
  const target = nn.mlp({ in: 64, hidden: [width, width], out: 10 });
  const head = heads.chunked({ chunk, embedding: 8, hidden: [64] });
  return {
    model: hypernetwork(target, { code: codes.learned({ size: 8 }), head }) as unknown as Trainable,
    loss: nn.losses.mse,
    batch: { input: { input: noise(32, 64) }, target: noise(32, 10) },
  };
}

/** A network 1-40-40-1 for each code, ten points each. */
const forCodes = (count: number): Point => ({
  model: hypernetwork(nn.mlp({ in: 1, hidden: [40, 40], out: 1 }), {
    code: 16,
    head: heads.dense({ hidden: [64] }),
  }) as unknown as Trainable,
  loss: nn.losses.mse,
  batch: { input: { code: noise(count, 16), input: noise(count, 10, 1) }, target: noise(count, 10, 1) },
});

/** A HyperLSTM of 64 units, eight sequences. */
const ofLength = (steps: number): Point => ({
  model: nn.characterModel({
    symbols: 64,
    core: nn.hyperLstm({ in: 64, hidden: 64, hyper: 16, code: 4, layerNorm: true }),
  }) as unknown as Trainable,
  loss: (({ y }: { readonly y: Tensor }, target: Tensor) => nn.losses.crossEntropy(y, target)) as Measure,
  batch: { input: { x: symbols(8, steps) }, target: symbols(8, steps) },
});

/** Hidden units of 64-width-width-10 with about so many weights. */
const widthFor = (weights: number): number => Math.round((-76 + Math.sqrt(76 ** 2 + 4 * (weights - 10))) / 2);

/** What grows along each curve, and the model at each size. */
export const curves: Readonly<
  Record<string, { readonly title: string; readonly sizes: readonly number[]; make(size: number): Point }>
> = {
  target: {
    title: 'weights of the target; chunked head, chunks of 4,096',
    sizes: [1e3, 1e4, 1e5, 1e6, 1e7],
    make: (size) => chunkedOver(widthFor(size), 4096),
  },
  batch: {
    title: 'codes in a batch; a network 1-40-40-1 for each, dense head',
    sizes: [1, 16, 64, 256, 1024, 4096],
    make: forCodes,
  },
  length: {
    title: 'steps of a sequence; HyperLSTM of 64 units, 8 sequences',
    sizes: [10, 30, 100, 300, 1000],
    make: ofLength,
  },
  chunk: {
    title: 'weights of a chunk; a target of a million weights',
    sizes: [500, 2000, 8000, 32_000, 128_000],
    make: (size) => chunkedOver(widthFor(1e6), size),
  },
};

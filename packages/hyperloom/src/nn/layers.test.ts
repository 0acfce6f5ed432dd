import { expect, test } from 'vitest';
import { constant, random, type Shape, type Tensor, zerosArray } from '../tensor/index.ts';
import { keepsContract, type LayerCase } from './contract.suite.ts';
import * as nn from './index.ts';
import { overVector } from './recurrent/testing.ts';

type NoLayer =
  | 'applyChild'
  | 'childContext'
  | 'countParams'
  | 'defineCell'
  | 'defineModule'
  | 'init'
  | 'initTree'
  | 'losses'
  | 'metrics'
  | 'pathHash'
  | 'reportUpdate'
  | 'weight';

/** A model of characters as a layer: x to logits, from the state at the start. */
const logitsOf = <S, State>(model: nn.CharacterModel<S, State>): nn.AnyModule =>
  nn.defineModule({
    name: model.name,
    spec: model.spec,
    init: model.init,
    apply: (params, x: Tensor, context) => model.apply(params, { x }, context).y,
  }) as unknown as nn.AnyModule;

/** At least one case for every export that is or makes a layer; the compiler names any that is missing. */
const table: Record<Exclude<keyof typeof nn, NoLayer>, readonly LayerCase[]> = {
  avgPool: [{ layer: nn.avgPool({ window: 2, padding: 1 }), input: [2, 4, 5], output: [2, 3, 3] }],
  runningNorm: [{ layer: nn.runningNorm({ size: 4 }), input: [3, 4], output: [3, 4] }],
  batchNorm: [
    { layer: nn.batchNorm({ channels: 3 }), input: [3, 4], output: [3, 4] },
    { layer: nn.batchNorm({ channels: 2, scale: false }), input: [2, 2, 3], output: [2, 2, 3] },
  ],
  characterModel: [
    {
      layer: logitsOf(nn.characterModel({ symbols: 3, core: nn.gru({ in: 3, hidden: 2 }) })),
      input: { below: 3, shape: [4] },
      output: [4, 3],
    },
    {
      layer: logitsOf(nn.characterModel({ symbols: 4, embedding: 2, core: nn.lstm({ in: 2, hidden: 3, layers: 2 }) })),
      input: { below: 4, shape: [3] },
      output: [3, 4],
    },
  ],
  conv1d: [
    { layer: nn.conv1d({ in: 2, out: 3, kernel: 3, padding: 'same' }), input: [2, 7], output: [3, 7] },
    {
      layer: nn.conv1d({ in: 4, out: 4, kernel: 2, groups: 2, stride: 2, bias: false }),
      input: [4, 6],
      output: [4, 3],
    },
  ],
  conv2d: [
    {
      layer: nn.conv2d({ in: 2, out: 3, kernel: [3, 2], stride: 2, padding: 'same' }),
      input: [2, 5, 6],
      output: [3, 3, 3],
    },
    { layer: nn.conv2d({ in: 4, out: 6, kernel: 2, groups: 2, dilation: 2 }), input: [4, 5, 4], output: [6, 3, 2] },
  ],
  convTranspose1d: [
    {
      layer: nn.convTranspose1d({ in: 2, out: 3, kernel: 3, stride: 2, padding: 1, outputPadding: 1 }),
      input: [2, 4],
      output: [3, 8],
    },
  ],
  convTranspose2d: [
    {
      layer: nn.convTranspose2d({ in: 4, out: 2, kernel: [3, 2], stride: 2, groups: 2 }),
      input: [4, 3, 2],
      output: [2, 7, 4],
    },
    {
      layer: nn.convTranspose2d({ in: 2, out: 1, kernel: [4, 1], stride: [2, 3], padding: 'same', bias: false }),
      input: [2, 3, 2],
      output: [1, 6, 6],
    },
  ],
  depthwiseConv2d: [
    { layer: nn.depthwiseConv2d({ channels: 3, kernel: 3, padding: 'same' }), input: [3, 4, 5], output: [3, 4, 5] },
    {
      layer: nn.depthwiseConv2d({ channels: 2, kernel: 2, multiplier: 2, stride: 2, bias: false }),
      input: [2, 4, 4],
      output: [4, 2, 2],
    },
  ],
  dropout: [{ layer: nn.dropout({ rate: 0.3 }), input: [4, 5], output: [4, 5] }],
  each: [
    { layer: nn.each(nn.linear({ in: 3, out: 2 })), input: [4, 3], output: [4, 2] },
    { layer: nn.each(nn.conv1d({ in: 2, out: 3, kernel: 2 })), input: [3, 2, 4], output: [3, 3, 3] },
  ],
  embedding: [
    { layer: nn.embedding({ count: 5, size: 3 }), input: { below: 5, shape: [] }, output: [3] },
    { layer: nn.embedding({ count: 5, size: 3 }), input: { below: 5, shape: [4] }, output: [4, 3] },
  ],
  flatten: [{ layer: nn.flatten, input: [2, 3, 2], output: [12] }],
  gate: [
    { layer: nn.gate({ channels: 2 }), input: [2, 3, 4], output: [2, 3, 4] },
    { layer: nn.gate(), input: [2, 3], output: [2, 3] },
  ],
  gelu: [{ layer: nn.gelu, input: [3], output: [3] }],
  globalAvgPool: [{ layer: nn.globalAvgPool, input: [2, 3, 4], output: [2] }],
  groupNorm: [
    { layer: nn.groupNorm({ channels: 4, groups: 2 }), input: [4, 3, 2], output: [4, 3, 2] },
    { layer: nn.groupNorm({ channels: 4, groups: 2, shift: false }), input: [4], output: [4] },
  ],
  gru: [{ layer: nn.gru({ in: 3, hidden: 2, dropout: 0.2 }), input: [4, 3], output: [4, 2] }],
  gruCell: [
    overVector(nn.gruCell({ in: 3, hidden: 2 })),
    overVector(nn.gruCell({ in: 2, hidden: 3, layerNorm: true, dropout: 0.4 })),
  ],
  hyperLstm: [
    {
      layer: nn.hyperLstm({ in: 3, hidden: 4, hyper: 3, code: 2, layerNorm: true, dropout: 0.2 }),
      input: [3, 3],
      output: [3, 4],
    },
  ],
  hyperLstmCell: [
    overVector(nn.hyperLstmCell({ in: 3, hidden: 4, hyper: 3, code: 2 })),
    overVector(nn.hyperLstmCell({ in: 2, hidden: 4, hyper: 3, code: 2, layerNorm: true, dropout: 0.4 })),
    overVector(nn.hyperLstmCell({ in: 2, hidden: 3, hyper: 4, code: 1, current: false })),
  ],
  hyperRnn: [{ layer: nn.hyperRnn({ in: 3, hidden: 4, hyper: 3, code: 2 }), input: [3, 3], output: [3, 4] }],
  hyperRnnCell: [
    overVector(nn.hyperRnnCell({ in: 3, hidden: 4, hyper: 3, code: 2 })),
    overVector(nn.hyperRnnCell({ in: 3, hidden: 4, hyper: 3, code: 2, layerNorm: true, current: false })),
  ],
  identity: [{ layer: nn.identity, input: [3], output: [3] }],
  kernelGate: [
    { layer: nn.kernelGate(nn.conv2d({ in: 2, out: 3, kernel: 2 })), input: [2, 3, 4], output: [3, 2, 3] },
    { layer: nn.kernelGate(nn.conv1d({ in: 4, out: 2, kernel: 3, groups: 2 })), input: [4, 5], output: [2, 3] },
  ],
  layerNorm: [
    { layer: nn.layerNorm({ shape: 4 }), input: [3, 4], output: [3, 4] },
    { layer: nn.layerNorm({ shape: [3, 4], scale: false }), input: [3, 4], output: [3, 4] },
  ],
  leakyRelu: [{ layer: nn.leakyRelu({ slope: 0.2 }), input: [3], output: [3] }],
  linear: [
    { layer: nn.linear({ in: 3, out: 2 }), input: [3], output: [2] },
    { layer: nn.linear({ in: 3, out: 2 }), input: [4, 3], output: [4, 2] },
    { layer: nn.linear({ in: 3, out: 2, bias: false }), input: [2, 4, 3], output: [2, 4, 2] },
  ],
  lstm: [
    { layer: nn.lstm({ in: 3, hidden: 2 }), input: [4, 3], output: [4, 2] },
    {
      layer: nn.lstm({ in: 3, hidden: 2, layers: 2, bidirectional: true, layerNorm: true, layerDropout: 0.2 }),
      input: [4, 3],
      output: [4, 4],
    },
  ],
  lstmCell: [
    overVector(nn.lstmCell({ in: 3, hidden: 2 })),
    overVector(nn.lstmCell({ in: 2, hidden: 3, layerNorm: true, dropout: 0.4 })),
  ],
  maxPool: [
    { layer: nn.maxPool({ window: 2 }), input: [2, 4, 5], output: [2, 2, 2] },
    { layer: nn.maxPool({ window: 3, stride: 1, padding: 1 }), input: [2, 5], output: [2, 5] },
  ],
  mlp: [{ layer: nn.mlp({ in: 3, hidden: [4, 5], out: 2, activation: nn.silu }), input: [3], output: [2] }],
  multiHeadAttention: [
    { layer: nn.multiHeadAttention({ size: 4, heads: 2 }), input: [3, 4], output: [3, 4] },
    { layer: nn.multiHeadAttention({ size: 6, heads: 2, causal: true, dropout: 0.2 }), input: [4, 6], output: [4, 6] },
  ],
  patchEmbedding: [
    { layer: nn.patchEmbedding({ channels: 2, patch: [2, 3], size: 4 }), input: [2, 4, 3], output: [2, 4] },
  ],
  positions: [{ layer: nn.positions({ tokens: 3, size: 2 }), input: [3, 2], output: [3, 2] }],
  preActivationBlock: [
    { layer: nn.preActivationBlock({ in: 2, out: 2 }), input: [2, 4, 3], output: [2, 4, 3] },
    { layer: nn.preActivationBlock({ in: 2, out: 3, stride: 2 }), input: [2, 5, 4], output: [3, 3, 2] },
    {
      layer: nn.preActivationBlock({
        in: 4,
        out: 3,
        stride: 2,
        shortcut: 'project',
        norm: (channels) => nn.groupNorm({ channels, groups: 1 }),
      }),
      input: [4, 5, 5],
      output: [3, 3, 3],
    },
  ],
  recurrent: [
    {
      layer: nn.recurrent({ in: 2, layers: 2, checkpoint: 2, cell: (inputs) => nn.rnnCell({ in: inputs, hidden: 3 }) }),
      input: [5, 2],
      output: [5, 3],
    },
  ],
  relu: [{ layer: nn.relu, input: [3], output: [3] }],
  residual: [
    { layer: nn.residual(nn.linear({ in: 3, out: 3 })), input: [3], output: [3] },
    {
      layer: nn.residual(nn.linear({ in: 3, out: 2 }), { project: nn.linear({ in: 3, out: 2, bias: false }) }),
      input: [3],
      output: [2],
    },
  ],
  rnn: [{ layer: nn.rnn({ in: 3, hidden: 2, bidirectional: true }), input: [4, 3], output: [4, 4] }],
  rnnCell: [
    overVector(nn.rnnCell({ in: 3, hidden: 2 })),
    overVector(nn.rnnCell({ in: 2, hidden: 3, layerNorm: true })),
  ],
  sequential: [
    {
      layer: nn.sequential({
        conv: nn.conv2d({ in: 1, out: 2, kernel: 3 }),
        norm: nn.groupNorm({ channels: 2, groups: 1 }),
        act: nn.softplus,
        pool: nn.maxPool({ window: 2 }),
        flatten: nn.flatten,
        drop: nn.dropout({ rate: 0.2 }),
        fc: nn.sequential([nn.linear({ in: 8, out: 3 }), nn.tanh]),
      }),
      input: [1, 6, 6],
      output: [3],
    },
  ],
  sigmoid: [{ layer: nn.sigmoid, input: [3], output: [3] }],
  silu: [{ layer: nn.silu, input: [3], output: [3] }],
  siren: [
    { layer: nn.siren({ in: 2, hidden: [4, 3], out: 3 }), input: [2], output: [3] },
    { layer: nn.siren({ in: 2, hidden: [5], out: 1, frequency: 7 }), input: [4, 2], output: [4, 1] },
  ],
  softplus: [{ layer: nn.softplus, input: [3], output: [3] }],
  squeezeExcite: [
    { layer: nn.squeezeExcite({ channels: 5, reduction: 1 }), input: [5, 3, 2], output: [5, 3, 2] },
    { layer: nn.squeezeExcite({ channels: 7, reduction: 2 }), input: [7, 5], output: [7, 5] },
  ],
  tanh: [{ layer: nn.tanh, input: [3], output: [3] }],
  transformerBlock: [
    { layer: nn.transformerBlock({ size: 4, heads: 2 }), input: [3, 4], output: [3, 4] },
    {
      layer: nn.transformerBlock({ size: 2, heads: 1, hidden: 5, causal: true, activation: nn.tanh, dropout: 0.2 }),
      input: [4, 2],
      output: [4, 2],
    },
  ],
  visionTransformer: [
    {
      layer: nn.visionTransformer({
        in: 2,
        image: [4, 2],
        patch: 2,
        size: 4,
        depth: 2,
        heads: 2,
        hidden: 3,
        classes: 3,
        dropout: 0.1,
      }),
      input: [2, 4, 2],
      output: [3],
    },
  ],
  wideResNet: [
    {
      layer: nn.wideResNet({ depth: 10, width: 2, in: 1, classes: 2, channels: [2, 2, 3], stride: 2 }),
      input: [1, 16, 16],
      output: [2],
    },
  ],
};

const cases = Object.entries(table).flatMap(([name, list]) => list.map((item, i) => ({ name: `${name} ${i}`, item })));

test.each(cases)('$name keeps the contract of layers', ({ item }) => {
  keepsContract(item);
});

test('wrong shapes are named where they meet the layer', () => {
  const apply = (layer: nn.AnyModule, shape: Shape) => () =>
    layer.apply(layer.init(random.key(0)) as never, constant(zerosArray('float32', shape)));
  expect(apply(nn.linear({ in: 3, out: 2 }), [4, 2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: linear: expected [..., 3], got [4, 2]]`,
  );
  expect(apply(nn.linear({ in: 3, out: 2 }), [])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: linear: expected [..., 3], got []]`,
  );
  expect(apply(nn.mlp({ in: 3, hidden: [4], out: 2 }), [2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: linear "layer0": expected [..., 3], got [2]]`,
  );
  expect(apply(nn.conv1d({ in: 3, out: 2, kernel: 3 }), [2, 8])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: conv1d: expected [3, L], got [2, 8]]`,
  );
  expect(apply(nn.conv2d({ in: 3, out: 2, kernel: 3 }), [1, 3, 8, 8])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: conv2d: expected [3, H, W], got [1, 3, 8, 8]]`,
  );
  expect(apply(nn.conv2d({ in: 3, out: 2, kernel: 3 }), [3, 2, 8])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: conv: expected at least 3 elements along spatial axis 0 with its padding, got 2]`,
  );
  expect(apply(nn.maxPool({ window: 2 }), [8])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: maxPool: expected [C, L] or [C, H, W], got [8]]`,
  );
  expect(apply(nn.maxPool({ window: [2, 2] }), [3, 8])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: maxPool: expected window of length 1, got 2]`,
  );
  expect(apply(nn.avgPool({ window: 4 }), [3, 2, 8])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: avgPool: expected padding below the window and an input of at least 4 along spatial axis 0, got [1, 3, 2, 8]]`,
  );
  expect(apply(nn.globalAvgPool, [3])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: globalAvgPool: expected [C, ...] with at least one more axis, got [3]]`,
  );
  expect(apply(nn.layerNorm({ shape: [2, 3] }), [3])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: layerNorm: expected [..., 2, 3], got [3]]`,
  );
  expect(apply(nn.groupNorm({ channels: 4, groups: 2 }), [2, 3])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: groupNorm: expected [4, ...], got [2, 3]]`,
  );
  expect(apply(nn.embedding({ count: 3, size: 2 }), [3])).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: embedding: expected int32 indices, got float32 [3]]`,
  );
  expect(apply(nn.residual(nn.linear({ in: 3, out: 2 })), [3])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: residual: expected the body to give [3], got [2]]`,
  );
});

test('options out of range are refused', () => {
  expect(() => nn.linear({ in: 0, out: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: linear: expected in to be a whole number of at least 1, got 0]`,
  );
  expect(() => nn.mlp({ in: 3, hidden: [2.5], out: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: linear: expected out to be a whole number of at least 1, got 2.5]`,
  );
  expect(() => nn.conv2d({ in: 3, out: 4, kernel: 3, groups: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: conv2d: expected in / groups to be a whole number of at least 1, got 1.5]`,
  );
  expect(() => nn.conv2d({ in: 3, out: 4, kernel: [3] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: conv2d: expected kernel of length 2, got 1]`,
  );
  expect(() => nn.conv1d({ in: 3, out: 4, kernel: 3, padding: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: conv1d: expected padding to be a whole number of at least 0, got -1]`,
  );
  expect(() => nn.maxPool({ window: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: maxPool: expected window to be a whole number of at least 1, got 0]`,
  );
  expect(() => nn.layerNorm({ shape: [] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: layerNorm: expected shape of length 1, got 0]`,
  );
  expect(() => nn.layerNorm({ shape: 3, epsilon: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: layerNorm: expected a positive epsilon, got 0]`,
  );
  expect(() => nn.groupNorm({ channels: 4, groups: 3 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: groupNorm: expected channels / groups to be a whole number of at least 1, got 1.3333333333333333]`,
  );
  expect(() => nn.embedding({ count: 3, size: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: embedding: expected size to be a whole number of at least 1, got -1]`,
  );
  expect(() => nn.dropout({ rate: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: dropout: expected a rate of at least 0 and below 1, got 1]`,
  );
  expect(() => nn.leakyRelu({ slope: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: leakyRelu: expected a positive slope, got 0]`,
  );
});

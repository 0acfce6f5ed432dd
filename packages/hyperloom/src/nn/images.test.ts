import { describe, expect, test } from 'vitest';
import {
  constant,
  mean,
  type NdArray,
  ndarray,
  programCost,
  random,
  type Shape,
  type Tensor,
  trace,
  tree,
  zerosArray,
} from '../tensor/index.ts';
import { distance, f64, numbers, run1 } from '../tensor/testing.ts';
import * as nn from './index.ts';

const key = random.keyArray(1);
const single = (shape: readonly number[], seed?: number): NdArray =>
  ndarray(Float32Array.from(numbers(shape, seed).data), shape);

/** First weights, of which those whose paths end so are one number. */
const weightsOf = (module: nn.AnyModule, key: Tensor, fixed: Readonly<Record<string, number>>) =>
  tree.mapWithPath((w: Tensor, path) => {
    const end = Object.keys(fixed).find((name) => path.endsWith(name));
    return end === undefined ? w : nn.init.constantInit(fixed[end]!)(key, nn.weight({ shape: w.shape }));
  }, module.init(key)) as never;

/** What a module gives for an input, with the weights of {@link weightsOf}. */
const outputOf = (
  module: nn.AnyModule,
  x: NdArray,
  { fixed = {}, training = false }: { fixed?: Readonly<Record<string, number>>; training?: boolean } = {},
) =>
  run1(
    (at, input) =>
      module.apply(weightsOf(module, at, fixed), input, { training, ...(training && { key: at }) }) as Tensor,
    key,
    x,
  );

/** A block that adds nothing to its tokens. */
const silent = { 'attention.out.weight': 0, 'attention.out.bias': 0, 'layer1.weight': 0, 'layer1.bias': 0 };

describe('transformers', () => {
  const block = nn.transformerBlock({ size: 8, heads: 2, dropout: 0.5 }) as unknown as nn.AnyModule;
  const tokens = single([20, 8]);

  test.each([
    ['attention', 'attention.out.bias'],
    ['the network', 'layer1.bias'],
  ])('training drops a share of what %s adds', (_, bias) => {
    const dropped = outputOf(block, tokens, { fixed: { ...silent, [bias]: 1 }, training: true });
    const added = dropped.map((y, i) => Math.round(1e4 * (y - tokens.data[i]!)) / 1e4);
    expect(new Set(added)).toEqual(new Set([0, 2]));
    expect(Math.abs(added.filter((n) => n === 0).length / added.length - 0.5)).toBeLessThan(0.15);
  });

  test('training drops a share of the attention', () => {
    const layer = nn.multiHeadAttention({ size: 8, heads: 2, dropout: 0.5 }) as unknown as nn.AnyModule;
    expect(distance(outputOf(layer, tokens), outputOf(layer, tokens, { training: true }))).toBeGreaterThan(0.1);
  });

  test('a block has four times the units between, unless it is told otherwise', () => {
    expect(nn.transformerBlock({ size: 4, heads: 2 }).spec.mlp.layer0!.weight.shape).toEqual([4, 16]);
  });

  test('a vision transformer is its parts in a row, and training drops a share of its tokens', () => {
    const sizes = { size: 4, heads: 2, hidden: 3 };
    const image = single([2, 4, 2]);
    const options = { in: 2, image: [4, 2], patch: 2, depth: 1, classes: 3, ...sizes };
    const net = nn.visionTransformer(options) as unknown as nn.AnyModule;
    const parts = (at: Tensor, x: Tensor) => {
      const params = net.init(at) as Record<string, never> & { readonly blocks: readonly never[] };
      const patches = nn.patchEmbedding({ channels: 2, patch: 2, size: 4 }).apply(params.patches!, x);
      const placed = nn.positions({ tokens: 2, size: 4 }).apply(params.positions!, patches);
      const seen = nn.transformerBlock(sizes).apply(params.blocks[0]!, placed);
      const last = nn.layerNorm({ shape: 4 }).apply(params.norm!, seen);
      return nn.linear({ in: 4, out: 3 }).apply(params.fc!, mean(last, { axis: 0 }));
    };
    expect(distance(outputOf(net, image), run1(parts, key, image))).toBeLessThan(1e-9);
    const dropping = nn.visionTransformer({ ...options, dropout: 0.5 }) as unknown as nn.AnyModule;
    const [still, dropped] = [false, true].map((training) => outputOf(dropping, image, { fixed: silent, training }));
    expect(distance(still!, dropped!)).toBeGreaterThan(1e-3);
  });
});

test('first positions have the deviation of the paper', () => {
  const { table } = nn.positions({ tokens: 3, size: 2 }).spec;
  expect(table.init.std!(table)).toBe(0.02);
});

test('a squeeze has a sixteenth of the channels, unless it is told otherwise', () => {
  expect(nn.squeezeExcite({ channels: 32 }).spec.squeeze.weight.shape).toEqual([32, 2]);
});

test('a gate takes its own number of channels alone', () => {
  const apply = () => nn.gate({ channels: 2 }).apply({ gate: constant([1, 1]) } as never, constant([1, 2, 3]));
  expect(apply).toThrowErrorMatchingInlineSnapshot(`[ShapeError: gate: expected [2, ...], got [3]]`);
});

test('sines are of all layers but the last', () => {
  const net = nn.siren({ in: 1, hidden: [1], out: 1, frequency: 3 });
  const weights = (w: Tensor, b: Tensor) => ({ weight: w, bias: b });
  const y = (x: Tensor, w: Tensor, b: Tensor) =>
    net.apply({ layer0: weights(w, b), layer1: weights(w, b) } as never, x);
  expect(run1(y, f64([0.3]), f64([[5]]), f64([0.1]))[0]).toBeCloseTo(5 * Math.sin(3 * (5 * 0.3 + 0.1)) + 0.1, 12);
});

describe('transposed convolutions', () => {
  test('padding that does not halve is cut at the far end', () => {
    const layer = nn.convTranspose1d({ in: 1, out: 1, kernel: 4, padding: 'same', bias: false });
    const y = (x: Tensor, w: Tensor) => layer.apply({ weight: w } as never, x);
    expect(run1(y, f64([[0, 0, 1, 0, 0]]), f64([[[1, 2, 3, 4]]]))).toEqual([0, 1, 2, 3, 4]);
  });

  test('an output meets the inputs that a stride leaves it, an input meets the whole kernel', () => {
    const { weight } = nn.convTranspose2d({ in: 4, out: 6, kernel: 4, stride: 2, groups: 2 }).spec;
    expect([weight.fanIn, weight.fanOut]).toEqual([(2 * 16) / 4, 3 * 16]);
  });
});

describe('wideResNet', () => {
  const options = { depth: 16, in: 1, classes: 5, channels: [2, 3, 4] } as const;
  const net = nn.wideResNet(options) as unknown as nn.AnyModule;

  test.each([1, 2])(
    'halves the image at the start of the second and third group, after a stem of stride %i',
    (stride) => {
      const strided = nn.wideResNet({ ...options, stride });
      const image = { dtype: 'float32', shape: [1, 8 * stride, 8 * stride] } as const;
      const { program } = trace((w, x) => strided.apply(w, x, { training: false }), strided.spec, image);
      const [stem, first, second, third] = [2, 4 * 4, 2 * 3 + 3 * 9, 3 * 4 + 3 * 16];
      expect(programCost(program).multiplyAdds).toBe(9 * (64 * (stem + first) + 16 * second + 4 * third) + 4 * 5);
    },
  );

  test('ReLUs follow the first normalisation and the last', () => {
    const fixed = (path: string) => ({ [path]: -1e3, 'fc.bias': 0.5 });
    const [a, b] = [single([1, 8, 8], 1), single([1, 8, 8], 2)];
    expect(outputOf(net, a, { fixed: fixed('stemNorm.shift') })).toEqual(
      outputOf(net, b, { fixed: fixed('stemNorm.shift') }),
    );
    expect(outputOf(net, a, { fixed: fixed('norm.shift') })).toEqual(new Array(5).fill(0.5));
  });
});

test('wrong images and tokens are named where they meet the layer', () => {
  const apply = (layer: nn.AnyModule, shape: Shape) => () =>
    layer.apply(layer.init(random.key(0)) as never, constant(zerosArray('float32', shape)));
  expect(apply(nn.convTranspose2d({ in: 3, out: 2, kernel: 3 }), [2, 4, 4])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: convTranspose2d: expected [3, H, W], got [2, 4, 4]]`,
  );
  expect(
    apply(nn.convTranspose1d({ in: 1, out: 1, kernel: 2, padding: 2 }), [1, 3]),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: convTranspose1d: expected the output along spatial axis 0 to be a whole number of at least 1, got 0]`,
  );
  expect(apply(nn.squeezeExcite({ channels: 4 }), [3, 2, 2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: squeezeExcite: expected [4, ...], got [3, 2, 2]]`,
  );
  expect(apply(nn.preActivationBlock({ in: 2, out: 2 }), [3, 4, 4])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: preActivationBlock: expected [2, H, W], got [3, 4, 4]]`,
  );
  expect(apply(nn.patchEmbedding({ channels: 1, patch: 3, size: 2 }), [1, 6, 7])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: patchEmbedding: expected a height and width of whole 3x3 patches, got [1, 6, 7]]`,
  );
  expect(apply(nn.positions({ tokens: 3, size: 2 }), [4, 2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: positions: expected [3, 2], got [4, 2]]`,
  );
  expect(apply(nn.multiHeadAttention({ size: 4, heads: 2 }), [3, 5])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: multiHeadAttention: expected [T, 4], got [3, 5]]`,
  );
});

test('options of layers of images out of range are refused', () => {
  const pair = { in: 4, out: 2 };
  expect(() => nn.depthwiseConv2d({ channels: 2, kernel: 3, multiplier: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: depthwiseConv2d: expected multiplier to be a whole number of at least 1, got 0]`,
  );
  expect(() =>
    nn.convTranspose2d({ ...pair, kernel: 3, stride: 2, outputPadding: 2 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: convTranspose2d: expected an outputPadding below the stride of 2, got 2]`,
  );
  expect(() =>
    nn.convTranspose2d({ ...pair, kernel: 3, padding: 'same', outputPadding: 1 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: convTranspose2d: expected no outputPadding beside padding same, got 1]`,
  );
  expect(() => nn.preActivationBlock(pair)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: preActivationBlock: expected at least 4 channels out over a padded shortcut, got 2]`,
  );
  expect(() => nn.preActivationBlock({ ...pair, shortcut: 'none' as never })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: preActivationBlock: expected a shortcut of pad or project, got none]`,
  );
  expect(() => nn.wideResNet({ depth: 12, in: 1, classes: 2 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: wideResNet: expected a depth of 6 n + 4 (10, 16, 22, ...), got 12]`,
  );
  expect(() => nn.multiHeadAttention({ size: 6, heads: 4 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: multiHeadAttention: expected size / heads to be a whole number of at least 1, got 1.5]`,
  );
  expect(() =>
    nn.visionTransformer({ in: 1, image: 28, patch: 5, size: 4, depth: 1, heads: 2, classes: 2 }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: visionTransformer: expected patches that fill an image of 28x28, got 5x5]`,
  );
});

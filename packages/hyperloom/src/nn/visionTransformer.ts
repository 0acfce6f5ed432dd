import { ArgumentError, mean, type Tensor } from '../tensor/index.ts';
import { dropout } from './dropout.ts';
import { type LinearSpec, linear } from './linear.ts';
import { type AnyModule, defineModule, type Module, type NoWeights } from './module.ts';
import { layerNorm, type NormSpec } from './norm.ts';
import { perAxis, whole } from './options.ts';
import { type PositionsSpec, patchEmbedding, positions } from './patches.ts';
import { type Layers, sequential } from './sequential.ts';
import { type TransformerOptions, type TransformerSpec, transformerBlock } from './transformer.ts';

/** Weights of {@link visionTransformer}. */
export type VisionTransformerSpec = {
  readonly patches: LinearSpec;
  readonly positions: PositionsSpec;
  readonly dropout: NoWeights;
  readonly blocks: readonly TransformerSpec[];
  readonly norm: NormSpec;
  readonly pool: NoWeights;
  readonly fc: LinearSpec;
};

/** Options of {@link visionTransformer}. */
export interface VisionTransformerOptions extends Omit<TransformerOptions, 'causal'> {
  /** Channels of the image. */
  readonly in: number;
  /** Height and width of the image; one number for both. */
  readonly image: number | readonly number[];
  /** Height and width of a patch, which divide the image's. */
  readonly patch: number | readonly number[];
  /** Blocks. */
  readonly depth: number;
  readonly classes: number;
}

/**
 * A vision transformer: [in, H, W] to [classes] logits (Dosovitskiy et al. 2021). Patches as tokens, learned positions,
 * {@link transformerBlock}s, a last normalisation, the mean of the tokens (Beyer et al. 2022, in place of a token for
 * the class), and one linear layer.
 * @throws ArgumentError for options out of range, or patches that do not fill the image; when applied, ShapeError
 * @example
 * const net = nn.visionTransformer({ in: 1, image: 28, patch: 7, size: 32, depth: 2, heads: 4, classes: 10 });
 * const logits = net.apply(net.init(random.key(0)), constant(zerosArray('float32', [1, 28, 28]))); // [10]
 * const model = hypernetwork(net, { code: 4, head: heads.lowRank({ rank: 2 }), generate: '**.query.weight' });
 */
export function visionTransformer({
  in: channels,
  image,
  patch,
  depth,
  classes,
  ...block
}: VisionTransformerOptions): Module<VisionTransformerSpec> {
  const name = 'visionTransformer';
  const { size, dropout: rate = 0 } = block;
  const sides = perAxis(name, 'image', image, 2);
  const parts = perAxis(name, 'patch', patch, 2);
  const counts = sides.map((side, i) => side / parts[i]!);
  if (!counts.every(Number.isInteger))
    throw new ArgumentError(
      `${name}: expected patches that fill an image of ${sides.join('x')}, got ${parts.join('x')}`,
    );
  const tokens = counts.reduce((n, count) => n * count, 1);
  const layers: Readonly<Record<keyof VisionTransformerSpec, AnyModule>> = {
    patches: patchEmbedding({ channels, patch, size }),
    positions: positions({ tokens, size }),
    dropout: dropout({ rate }),
    blocks: sequential(Array.from({ length: whole(name, 'depth', depth) }, () => transformerBlock(block))),
    norm: layerNorm({ shape: size }),
    pool: tokenMean,
    fc: linear({ in: size, out: classes }),
  };
  // The types of the layers, all together, are more than the compiler follows.
  const inOrder = sequential as unknown as (layers: Layers) => Module<VisionTransformerSpec>;
  return { ...inOrder(layers), name };
}

/** The mean of the tokens: [T, size] to [size]. */
const tokenMean = defineModule<NoWeights>({
  name: 'tokenMean',
  spec: {},
  apply: (_, x: Tensor) => mean(x, { axis: 0 }),
});

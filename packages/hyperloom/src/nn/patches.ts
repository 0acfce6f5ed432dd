import { add, reshape, ShapeError, showShape, transpose } from '../tensor/index.ts';
import { normal } from './init.ts';
import { type LinearSpec, linear } from './linear.ts';
import { defineModule, type Module, type WeightSpec, weight } from './module.ts';
import { expectShape, perAxis, whole } from './options.ts';

/** Options of {@link patchEmbedding}. */
export interface PatchOptions {
  /** Channels of the image. */
  readonly channels: number;
  /** Height and width of a patch; one number for both. */
  readonly patch: number | readonly number[];
  /** Elements of a token. */
  readonly size: number;
}

/**
 * An image as tokens: [channels, H, W] to [H / patch * W / patch, size], row by row, each patch through one linear
 * layer (Dosovitskiy et al. 2021, eq. 1). The weight [channels * patch height * patch width, size] is a convolution's
 * kernel [size, channels, ...patch] with its outputs last.
 * @throws ArgumentError for sizes below 1; when applied, ShapeError for other channels, or patches that do not fill it
 * @example
 * const layer = nn.patchEmbedding({ channels: 1, patch: 7, size: 32 });
 * const y = layer.apply(layer.init(random.key(0)), constant(zerosArray('float32', [1, 28, 28]))); // [16, 32]
 */
export function patchEmbedding({ channels, patch, size }: PatchOptions): Module<LinearSpec> {
  const name = 'patchEmbedding';
  const [tall, wide] = perAxis(name, 'patch', patch, 2) as [number, number];
  const layer = linear({ in: whole(name, 'channels', channels) * tall * wide, out: whole(name, 'size', size) });
  return defineModule<LinearSpec>({
    name,
    spec: layer.spec,
    apply: (params, x) => {
      expectShape(name, [channels, 'H', 'W'], x.shape);
      const [, height, width] = x.shape as [number, number, number];
      if (height % tall !== 0 || width % wide !== 0)
        throw new ShapeError(
          `${name}: expected a height and width of whole ${tall}x${wide} patches, got ${showShape(x.shape)}`,
        );
      const [down, across] = [height / tall, width / wide];
      // Two moves of four axes at most: engines are slow with more.
      const rows = transpose(reshape(x, [channels * down, tall, across, wide]), [0, 2, 1, 3]);
      const patches = transpose(reshape(rows, [channels, down * across, tall * wide]), [1, 0, 2]);
      return layer.apply(params, reshape(patches, [down * across, -1]));
    },
  });
}

/** Weights of {@link positions}: table [tokens, size]. */
export type PositionsSpec = { readonly table: WeightSpec };

/**
 * Adds a learned vector for each position: [tokens, size] to the same. They start at normal values of deviation 0.02
 * (Dosovitskiy et al. 2021).
 * @throws ArgumentError for sizes below 1; when applied, ShapeError for another number of tokens
 * @example
 * const layer = nn.positions({ tokens: 16, size: 32 });
 * const y = layer.apply(layer.init(random.key(0)), constant(zerosArray('float32', [16, 32])));
 */
export function positions({ tokens, size }: { readonly tokens: number; readonly size: number }): Module<PositionsSpec> {
  const shape = [whole('positions', 'tokens', tokens), whole('positions', 'size', size)];
  return defineModule<PositionsSpec>({
    name: 'positions',
    // Each element meets one of the input's.
    spec: { table: weight({ shape, fanIn: 1, fanOut: 1, role: 'embedding', init: normal({ std: 0.02 }) }) },
    apply: ({ table }, x) => {
      expectShape('positions', shape, x.shape);
      return add(x, table);
    },
  });
}

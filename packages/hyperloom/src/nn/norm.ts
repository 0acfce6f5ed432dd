import {
  add,
  mul,
  layerNorm as normalise,
  reshape,
  type Shape,
  ShapeError,
  showShape,
  type Tensor,
} from '../tensor/index.ts';
import { ones, zeros } from './init.ts';
import { defineModule, type Module, type WeightSpec, weight } from './module.ts';
import { perAxis, positive, whole } from './options.ts';

/** Weights of a normalisation: a scale that starts at 1 and a shift that starts at 0, unless left out. */
export type NormSpec = { readonly scale?: WeightSpec; readonly shift?: WeightSpec };

/** What both normalisations share: `epsilon` is added to the variance. */
export interface NormOptions {
  readonly epsilon?: number;
  readonly scale?: boolean;
  readonly shift?: boolean;
}

/** Scale and shift of a normalisation. Each meets one element, so both fans are 1. */
export const normSpec = (shape: Shape, { scale = true, shift = true }: NormOptions): NormSpec => ({
  ...(scale && { scale: weight({ shape, fanIn: 1, fanOut: 1, role: 'scale', init: ones }) }),
  ...(shift && { shift: weight({ shape, fanIn: 1, fanOut: 1, role: 'shift', init: zeros }) }),
});

const affine = (x: Tensor, scale: Tensor | undefined, shift: Tensor | undefined): Tensor => {
  const scaled = scale ? mul(x, scale) : x;
  return shift ? add(scaled, shift) : scaled;
};

/**
 * Zero mean and unit variance over the trailing axes of the given sizes, then a learned scale and shift of those axes:
 * [..., ...shape] to the same (Ba et al. 2016).
 * @throws ArgumentError for sizes below 1 or an epsilon that is not positive; when applied, ShapeError
 * @example
 * const layer = nn.layerNorm({ shape: 3 });
 * const y = layer.apply(layer.init(random.key(0)), constant([1, 2, 3])); // [-1.22, 0, 1.22]
 */
export function layerNorm({
  shape,
  epsilon = 1e-5,
  ...options
}: NormOptions & { readonly shape: number | Shape }): Module<NormSpec> {
  const sizes = typeof shape === 'number' ? [shape] : shape;
  perAxis('layerNorm', 'shape', sizes, Math.max(1, sizes.length));
  positive('layerNorm', 'epsilon', epsilon);
  const axes = sizes.map((_, i) => i - sizes.length);
  return defineModule<NormSpec>({
    name: 'layerNorm',
    spec: normSpec(sizes, options),
    apply: ({ scale, shift }, x) => {
      if (!sizes.every((d, i) => d === x.shape.at(i - sizes.length))) {
        throw new ShapeError(`layerNorm: expected [..., ${sizes.join(', ')}], got ${showShape(x.shape)}`);
      }
      return affine(normalise(x, { axis: axes, epsilon }), scale, shift);
    },
  });
}

/**
 * Zero mean and unit variance over each group of channels and all places, then a learned scale and shift of each
 * channel: [channels, ...] to the same (Wu and He 2018).
 * @throws ArgumentError when the groups do not divide the channels; when applied, ShapeError for other channels
 * @example
 * const layer = nn.groupNorm({ channels: 16, groups: 4 });
 * const y = layer.apply(layer.init(random.key(0)), constant(zerosArray('float32', [16, 7, 7])));
 */
export function groupNorm(
  options: NormOptions & { readonly channels: number; readonly groups: number },
): Module<NormSpec> {
  const { channels, groups, epsilon = 1e-5 } = options;
  whole(
    'groupNorm',
    'channels / groups',
    whole('groupNorm', 'channels', channels) / whole('groupNorm', 'groups', groups),
  );
  positive('groupNorm', 'epsilon', epsilon);
  return defineModule<NormSpec>({
    name: 'groupNorm',
    spec: normSpec([channels], options),
    apply: ({ scale, shift }, x) => {
      if (x.shape[0] !== channels)
        throw new ShapeError(`groupNorm: expected [${channels}, ...], got ${showShape(x.shape)}`);
      const normalised = reshape(normalise(reshape(x, [groups, -1]), { axis: 1, epsilon }), x.shape);
      const column = (w: Tensor | undefined) => w && reshape(w, [channels, ...x.shape.slice(1).map(() => 1)]);
      return affine(normalised, column(scale), column(shift));
    },
  });
}

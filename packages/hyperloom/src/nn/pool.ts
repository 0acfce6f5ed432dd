import {
  mean,
  reshape,
  ShapeError,
  showShape,
  type Tensor,
  maxPool as windowMaximum,
  avgPool as windowMean,
} from '../tensor/index.ts';
import { defineModule, type Module, type NoWeights } from './module.ts';
import { type Padding, paddingPairs, perAxis } from './options.ts';

/** Options of {@link maxPool} and {@link avgPool}; one number stands for all spatial axes. */
export interface PoolLayerOptions {
  readonly window: number | readonly number[];
  /** The window by default, so that windows do not overlap. */
  readonly stride?: number | readonly number[];
  readonly padding?: Padding;
}

const pool = (
  name: string,
  f: typeof windowMaximum,
  { window, stride = window, padding = 0 }: PoolLayerOptions,
): Module<NoWeights> => {
  const attrsFor = (axes: number) => ({
    window: perAxis(name, 'window', window, axes),
    strides: perAxis(name, 'stride', stride, axes),
    padding: paddingPairs(name, padding, axes),
  });
  // Options are checked now for the number of axes that they name; the input has the last word.
  attrsFor([window, stride, padding].find((option) => typeof option !== 'number')?.length ?? 2);
  return defineModule<NoWeights>({
    name,
    spec: {},
    apply: (_, x) => {
      if (x.rank < 2 || x.rank > 3)
        throw new ShapeError(`${name}: expected [C, L] or [C, H, W], got ${showShape(x.shape)}`);
      const { window: sizes, ...rest } = attrsFor(x.rank - 1);
      const batch = f(reshape(x, [1, ...x.shape]), sizes, rest);
      return reshape(batch, batch.shape.slice(1));
    },
  });
};

/**
 * Largest element of each window: [C, ...] to [C, ...'] over one or two spatial axes. Padding never wins.
 * @throws ArgumentError for sizes below 1; when applied, ShapeError for a window that does not fit
 * @example
 * const layer = nn.maxPool({ window: 2 });
 * const y = layer.apply({}, constant(zerosArray('float32', [16, 28, 28]))); // [16, 14, 14]
 */
export const maxPool = (options: PoolLayerOptions): Module<NoWeights> => pool('maxPool', windowMaximum, options);

/**
 * Mean of each window: [C, ...] to [C, ...'] over one or two spatial axes. Padding counts as zeros.
 * @throws ArgumentError for sizes below 1; when applied, ShapeError for a window that does not fit
 * @example
 * const layer = nn.avgPool({ window: 3, stride: 2, padding: 1 });
 * const y = layer.apply({}, constant(zerosArray('float32', [16, 28, 28]))); // [16, 14, 14]
 */
export const avgPool = (options: PoolLayerOptions): Module<NoWeights> => pool('avgPool', windowMean, options);

/**
 * Mean of each channel over all places: [C, ...] to [C].
 * @example
 * const y = nn.globalAvgPool.apply({}, constant(zerosArray('float32', [16, 7, 7]))); // [16]
 */
export const globalAvgPool: Module<NoWeights> = defineModule<NoWeights>({
  name: 'globalAvgPool',
  spec: {},
  apply: (_, x: Tensor) => {
    if (x.rank < 2)
      throw new ShapeError(`globalAvgPool: expected [C, ...] with at least one more axis, got ${showShape(x.shape)}`);
    return mean(x, { axis: [...x.shape.keys()].slice(1) });
  },
});

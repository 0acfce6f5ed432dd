import {
  add,
  clip,
  constant,
  div,
  maximum,
  mean,
  mul,
  reshape,
  rsqrt,
  ShapeError,
  showShape,
  square,
  stopGradient,
  sub,
  type Tensor,
} from '../tensor/index.ts';
import { ones, zeros } from './init.ts';
import { defineModule, type Module, reportUpdate, type WeightSpec, weight } from './module.ts';
import { positive, whole } from './options.ts';

/** Weights of {@link runningNorm}: means of all that was seen, and how many batches that was. None is trained. */
export type RunningNormSpec = {
  readonly mean: WeightSpec;
  /** The mean of squares. */
  readonly square: WeightSpec;
  readonly count: WeightSpec;
};

/** Options of {@link runningNorm}. */
export interface RunningNormOptions {
  readonly size: number;
  /** Added to the variance. Default 1e-4. */
  readonly epsilon?: number;
  /** Outputs are cut off at this many standard deviations. Default 10. */
  readonly limit?: number;
}

/**
 * Zero mean and unit variance by the statistics of all that was seen so far, [..., size] to the same: what agents do
 * with observations, whose distribution moves as they learn. Nothing changes before the first batch. In training each
 * batch counts as much as any before it, and what is given is still normalised by the statistics before it.
 * @throws ArgumentError for options out of range; when applied, ShapeError for another last axis
 * @example
 * const layer = nn.runningNorm({ size: 2 });
 * const y = layer.apply(layer.init(random.key(0)), constant([1, 2])); // [1, 2]
 */
export function runningNorm({ size, epsilon = 1e-4, limit = 10 }: RunningNormOptions): Module<RunningNormSpec> {
  whole('runningNorm', 'size', size);
  positive('runningNorm', 'epsilon', epsilon);
  positive('runningNorm', 'limit', limit);
  const statistic = { shape: [size], fanIn: 1, fanOut: 1, role: 'statistic', trained: false } as const;
  return defineModule<RunningNormSpec>({
    name: 'runningNorm',
    spec: {
      mean: weight({ ...statistic, init: zeros }),
      square: weight({ ...statistic, init: ones }),
      count: weight({ ...statistic, shape: [], init: zeros }),
    },
    apply: (params, x, context) => {
      if (x.shape.at(-1) !== size)
        throw new ShapeError(`runningNorm: expected [..., ${size}], got ${showShape(x.shape)}`);
      if (context?.training) {
        const rate = div(1, add(params.count, 1));
        const rows = reshape(x, [-1, size]);
        const towards = (seen: Tensor, before: Tensor) => mul(sub(mean(seen, { axis: 0 }), before), rate);
        reportUpdate(context, 'mean', towards(rows, params.mean));
        reportUpdate(context, 'square', towards(square(rows), params.square));
        reportUpdate(context, 'count', constant(1));
      }
      const centre = stopGradient(params.mean);
      const variance = maximum(sub(stopGradient(params.square), square(centre)), 0);
      return clip(mul(sub(x, centre), rsqrt(add(variance, epsilon))), -limit, limit);
    },
  });
}

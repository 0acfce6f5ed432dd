import {
  ArgumentError,
  add,
  batchMean,
  mean,
  mul,
  reshape,
  rsqrt,
  ShapeError,
  showShape,
  square,
  sub,
  type Tensor,
} from '../tensor/index.ts';
import { ones, zeros } from './init.ts';
import { defineModule, type Module, reportUpdate, type WeightSpec, weight } from './module.ts';
import { normSpec } from './norm.ts';
import { positive, whole } from './options.ts';

/** Weights of {@link batchNorm}: a learned scale and shift, and the running statistics, which gradients leave alone. */
export type BatchNormSpec = {
  readonly scale?: WeightSpec;
  readonly shift?: WeightSpec;
  readonly mean: WeightSpec;
  readonly variance: WeightSpec;
};

/** Options of {@link batchNorm}. */
export interface BatchNormOptions {
  readonly channels: number;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** Share of a batch in the running statistics, at most 1. Default 0.1. */
  readonly momentum?: number;
  readonly scale?: boolean;
  readonly shift?: boolean;
}

/**
 * Zero mean and unit variance of each channel over the batch and all places, then a learned scale and shift:
 * [channels, ...] to the same (Ioffe and Szegedy 2015). In training the statistics are those of the batch, found by
 * `batchMean`, and the running ones move towards them by `momentum` (variances are divided by n); otherwise the
 * running ones are used. The running statistics are weights that are not trained: `train` keeps them up to date.
 * @throws ArgumentError for options out of range; when applied, ShapeError for other channels
 * @example
 * const layer = nn.batchNorm({ channels: 2 });
 * const params = layer.init(random.key(0));
 * const one = (x: Tensor) => layer.apply(params, x, { training: true });
 * const y = vmap(one, { name: 'batch' })(constant(ndarray([[1, 5], [3, 9]]))); // [[-1, -1], [1, 1]]
 */
export function batchNorm({
  channels,
  epsilon = 1e-5,
  momentum = 0.1,
  ...options
}: BatchNormOptions): Module<BatchNormSpec> {
  const shape = [whole('batchNorm', 'channels', channels)];
  positive('batchNorm', 'epsilon', epsilon);
  if (positive('batchNorm', 'momentum', momentum) > 1)
    throw new ArgumentError(`batchNorm: expected a momentum of at most 1, got ${momentum}`);
  const statistic = { shape, fanIn: 1, fanOut: 1, role: 'statistic', trained: false } as const;
  return defineModule<BatchNormSpec>({
    name: 'batchNorm',
    spec: {
      ...normSpec(shape, options),
      mean: weight({ ...statistic, init: zeros }),
      variance: weight({ ...statistic, init: ones }),
    },
    apply: (params, x, context) => {
      if (x.shape[0] !== channels)
        throw new ShapeError(`batchNorm: expected [${channels}, ...], got ${showShape(x.shape)}`);
      const column = (t: Tensor) => reshape(t, [channels, ...x.shape.slice(1).map(() => 1)]);
      const axis = x.shape.slice(1).map((_, i) => i + 1);
      const overBatch = (t: Tensor) => batchMean(mean(t, { axis }));
      let { mean: centre, variance } = params;
      if (context?.training) {
        centre = overBatch(x);
        variance = overBatch(square(sub(x, column(centre))));
        reportUpdate(context, 'mean', mul(sub(centre, params.mean), momentum));
        reportUpdate(context, 'variance', mul(sub(variance, params.variance), momentum));
      }
      const normalised = mul(sub(x, column(centre)), column(rsqrt(add(variance, epsilon))));
      const scaled = params.scale ? mul(normalised, column(params.scale)) : normalised;
      return params.shift ? add(scaled, column(params.shift)) : scaled;
    },
  });
}

import { applyChild, type MlpSpec, mlp, type Params, init as start } from '../../nn/index.ts';
import {
  ArgumentError,
  cast,
  where as choose,
  div,
  maximum,
  mul,
  relu,
  reshape,
  ShapeError,
  showShape,
  sum,
  type Tensor,
} from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';
import { atLeastOne, positive } from './checks.ts';

/** Settings of {@link setEncoder}. */
export interface SetEncoderOptions {
  /** Numbers of each point: 2 for pairs [x, y]. */
  readonly in: number;
  /** Widths of the ReLU layers that each point goes through alone, before pooling; at least one. */
  readonly hidden: readonly number[];
  /** Elements of the code. */
  readonly size: number;
  /** Widths of the ReLU layers between pooling and code. Default none: the code is affine in what is pooled. */
  readonly after?: readonly number[];
  /** How points become one vector; a sum also tells their number. Default `mean`. */
  readonly pool?: 'mean' | 'sum';
  /** With `pool: 'sum'`, which needs it: the usual number of points, whose sum enters at the scale of a mean. */
  readonly count?: number;
  /** Expected mean square of a point's numbers. Default 1. */
  readonly pointMoment?: number;
}

/** A set of points [n, in], and which of them count: [n], bool or numbers that are not 0; all when absent. */
export interface PointSet {
  readonly points: Tensor;
  readonly mask?: Tensor;
}

/** The weights of {@link setEncoder}: the network of each point, and the one behind the pooling. */
export interface SetEncoderSpec {
  readonly point: MlpSpec;
  readonly after: MlpSpec;
}

const where = 'codes.setEncoder';

/**
 * A code that a deep set makes of points: rho(pool over points of phi(point)) (Zaheer et al. 2017, theorem 2). The
 * order of the points does not matter, and a mask makes their number vary: masked points have no influence, whatever
 * they hold. An empty set has a code too, rho(0).
 *
 * At init, over points of independent standard normal numbers, the second moment of the code is within 0.56 and 1.78
 * of the declared 1 for any number of points (with a sum: for `count` of them); closer with more hidden layers.
 * @throws ArgumentError for sizes below 1, no hidden layer, or a sum without a count; when applied, ShapeError for
 * points that are not [n, in] or a mask that is not [n]
 * @example
 * const code = codes.setEncoder({ in: 2, hidden: [64, 64], size: 16 });
 * const model = hypernetwork(nn.mlp({ in: 1, hidden: [40, 40], out: 1 }), { code, head: heads.dense() });
 * const points = constant(ndarray([[0, 0.5], [1, 0.2], [0, 0]])); // the third is padding
 * const source = { points, mask: constant([1, 1, 0]) };
 * const y = model.apply(model.init(random.key(0)), { code: source, input: constant([0.5]) });
 */
export function setEncoder({
  in: inputs,
  hidden,
  size,
  after = [],
  pool = 'mean',
  count,
  pointMoment = 1,
}: SetEncoderOptions): Conditioner<PointSet, SetEncoderSpec> {
  atLeastOne(where, 'number of inputs', inputs);
  atLeastOne(where, 'size', size);
  for (const width of [...hidden, ...after]) atLeastOne(where, 'width', width);
  const width = hidden.at(-1);
  if (width === undefined) throw new ArgumentError(`${where}: expected at least one hidden layer, got none`);
  if (pool !== 'mean' && pool !== 'sum')
    throw new ArgumentError(`${where}: expected pool mean or sum, got ${String(pool)}`);
  const usual = pool === 'sum' ? positive(where, "count with pool 'sum'", count) : 1;
  const onPoints = 1 / Math.sqrt(positive(where, 'pointMoment', pointMoment));
  const onPooled = steady(hidden.length) / usual;

  const phi = mlp({ in: inputs, hidden: hidden.slice(0, -1), out: width, outInit: start.kaimingNormal() });
  const rho = mlp({ in: width, hidden: after, out: size });
  return {
    name: 'setEncoder',
    size,
    secondMoment: 1,
    spec: { point: phi.spec, after: rho.spec },
    apply: (params: Params<SetEncoderSpec>, source, context) => {
      const { points, mask } = checked(source, inputs);
      // Masked before phi, so that no gradient of a masked point is infinite, and after it, where biases entered.
      const kept = mask ? choose(mask, points, 0) : points;
      const features = relu(applyChild('point', phi, params.point, mul(kept, onPoints), context));
      const total = sum(mask ? choose(mask, features, 0) : features, { axis: 0 });
      const pooled = pool === 'sum' ? total : div(total, number(mask, points));
      return applyChild('after', rho, params.after, mul(pooled, onPooled), context);
    },
  };
}

/** The points with their mask as bool [n, 1]. */
function checked(source: PointSet | undefined, inputs: number): PointSet {
  const { points, mask } = source ?? {};
  if (points?.rank !== 2 || points.shape[1] !== inputs)
    throw new ShapeError(
      `${where}: expected points [n, ${inputs}], got ${points ? showShape(points.shape) : 'nothing'}`,
    );
  if (!mask) return { points };
  const n = points.shape[0] as number;
  if (mask.rank !== 1 || mask.shape[0] !== n)
    throw new ShapeError(`${where}: expected a mask [${n}], got ${showShape(mask.shape)}`);
  return { points, mask: reshape(cast(mask, 'bool'), [n, 1]) };
}

/** How many points count; 1 for none, whose sum is 0. */
const number = (mask: Tensor | undefined, points: Tensor): Tensor | number =>
  mask ? maximum(sum(cast(mask, points.dtype)), 1) : Math.max(points.shape[0] as number, 1);

/**
 * What to multiply a mean of features by, so that its second moment is about 1 for any number of points. Features of
 * independent points correlate by c after each Kaiming ReLU layer as c' = (sqrt(1 - c^2) + c (pi - arccos c)) / pi
 * (Cho and Saul 2009, eq. 6), from c = 0: a mean of n has the second moment c + (1 - c) / n, from 1 down to c, the
 * middle of which is sqrt(c).
 */
function steady(layers: number): number {
  let c = 0;
  for (let i = 0; i < layers; i++) c = (Math.sqrt(1 - c * c) + c * (Math.PI - Math.acos(c))) / Math.PI;
  return c ** -0.25;
}

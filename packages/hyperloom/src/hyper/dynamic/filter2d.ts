import {
  applyChild,
  type ConvLayerOptions,
  type ConvSpec,
  conv2d,
  defineModule,
  groupNorm,
  init,
  type Module,
  type NormSpec,
  type Params,
  avgPool as poolLayer,
} from '../../nn/index.ts';
import {
  ArgumentError,
  add,
  mul,
  ndarray,
  pad,
  relu,
  reshape,
  type Shape,
  ShapeError,
  showShape,
  slice,
  type Tensor,
} from '../../tensor/index.ts';

/** Options of {@link dynamicFilter2d}. */
export interface DynamicFilterOptions {
  readonly in: number;
  readonly out: number;
  /** Height and width of the filters: an odd number. */
  readonly kernel: number;
  /** Groups of input channels; those of a group share a filter. Default 1. */
  readonly groups?: number;
  /** Units of which each place makes its filters, as a share of the input channels. Default 0.25, as in involution. */
  readonly reduction?: number;
  /** Default 1. With more, filters are made of the mean of each window of that size. */
  readonly stride?: number;
  readonly bias?: boolean;
  /** How the mixing layer starts; `lecunNormal` by default, and `kaimingNormal` suits a ReLU that follows. */
  readonly init?: ConvLayerOptions['init'];
}

/** Weights of {@link dynamicFilter2d}: what makes the filters (`reduce`, `norm`, `span`), and what mixes channels. */
export type DynamicFilterSpec = {
  readonly reduce: ConvSpec;
  readonly norm: NormSpec;
  readonly span: ConvSpec;
  readonly mix: ConvSpec;
};

/** A layer of filters that differ from place to place. */
export interface DynamicFilter extends Module<DynamicFilterSpec> {
  /** The filters for an input [in, H, W]: [groups, kernel, kernel, H', W']. */
  filters(params: Params<DynamicFilterSpec>, input: Tensor): Tensor;
  /** Multiply-adds of the filters themselves for an input, which are elementwise work and no product of matrices. */
  filterMultiplyAdds(input: Shape): number;
}

/** How much of the mean square of the first output is due to what is generated. */
const generatedShare = 0.25;

/**
 * Dynamic local filters: [in, H, W] to [out, H', W'] with filters that are generated from the input for each place, and
 * a 1x1 convolution that mixes the channels (De Brabandere et al. 2016, section 3.1, dynamic local filtering layer).
 * As in involution (Li et al. 2021, eq. 4 and 6), all channels of a group share the filters, and those of a place are
 * made of what is there: span(ReLU(norm(reduce(x)))), both affine in the channels. The norm is a group norm of one
 * group, so that one example is enough.
 *
 * Filters start such that they keep the mean square of the input: three quarters of it by an element in the middle that
 * is the same everywhere, one quarter by what is generated. A group has one filter for all of its channels, so that
 * filters all of random numbers would be too weak in most draws, as the sum of a window varies like a single number.
 *
 * The filters are applied as the sum over their kernel * kernel elements of the shifted input times the map of that
 * element, so that neither windows nor filters are ever copied for each channel. The size of the output is
 * size / stride.
 * @throws ArgumentError for sizes below 1, an even kernel, or channels that the groups do not divide; when applied,
 * ShapeError for other channels, or sizes that the stride does not divide
 * @example
 * const layer = hyper.dynamicFilter2d({ in: 16, out: 32, kernel: 3, groups: 4 });
 * const params = layer.init(random.key(0));
 * const x = constant(zerosArray('float32', [16, 8, 8]));
 * const y = layer.apply(params, x); // [32, 8, 8]
 * const filters = layer.filters(params, x); // [4, 3, 3, 8, 8]
 */
export function dynamicFilter2d({
  in: inputs,
  out,
  kernel,
  groups = 1,
  reduction = 0.25,
  stride = 1,
  bias = true,
  init: start = init.lecunNormal(),
}: DynamicFilterOptions): DynamicFilter {
  const whole = (name: string, value: number): number => {
    if (Number.isInteger(value) && value >= 1) return value;
    throw new ArgumentError(`dynamicFilter2d: expected ${name} to be a whole number of at least 1, got ${value}`);
  };
  const share = whole('in / groups', whole('in', inputs) / whole('groups', groups));
  if (whole('kernel', kernel) % 2 === 0)
    throw new ArgumentError(`dynamicFilter2d: expected an odd kernel, got ${kernel}`);
  whole('stride', stride);
  if (!(reduction > 0)) throw new ArgumentError(`dynamicFilter2d: expected a positive reduction, got ${reduction}`);
  const [window, width] = [kernel * kernel, Math.max(1, Math.ceil(inputs * reduction))];
  // What is left of a unit variance by ReLU has the mean square 1 / 2; a filter sums over its window.
  const generatedStd = Math.sqrt((2 * generatedShare) / (width * window));
  const centre = Float32Array.from({ length: groups * window }, (_, i) =>
    i % window === (window - 1) / 2 ? Math.sqrt(1 - generatedShare) : 0,
  );
  const pool = poolLayer({ window: stride });
  const reduce = conv2d({ in: inputs, out: width, kernel: 1, bias: false });
  const norm = groupNorm({ channels: width, groups: 1 });
  const span = conv2d({
    in: width,
    out: groups * window,
    kernel: 1,
    init: init.normal({ std: generatedStd }),
    biasInit: init.values(ndarray(centre, [groups * window])),
  });
  const mix = conv2d({ in: inputs, out, kernel: 1, bias, init: start });
  type P = Params<DynamicFilterSpec>;

  const checked = (x: Tensor): readonly [height: number, width: number] => {
    const [, h, w] = x.shape;
    if (x.rank !== 3 || x.shape[0] !== inputs)
      throw new ShapeError(`dynamicFilter2d: expected [${inputs}, H, W], got ${showShape(x.shape)}`);
    if (h! % stride !== 0 || w! % stride !== 0)
      throw new ShapeError(`dynamicFilter2d: expected sizes that ${stride} divides, got ${showShape(x.shape)}`);
    return [h! / stride, w! / stride];
  };
  const generated = (params: P, x: Tensor, context?: Parameters<DynamicFilter['apply']>[2]): Tensor => {
    const seen = stride === 1 ? x : pool.apply({}, x);
    const reduced = applyChild('reduce', reduce, params.reduce, seen, context);
    const features = relu(applyChild('norm', norm, params.norm, reduced, context));
    return applyChild('span', span, params.span, features, context);
  };
  const module = defineModule<DynamicFilterSpec>({
    name: 'dynamicFilter2d',
    spec: { reduce: reduce.spec, norm: norm.spec, span: span.spec, mix: mix.spec },
    apply: (params, x, context) => {
      const size = checked(x);
      const filtered = applyFilters(x, generated(params, x, context), { kernel, groups, stride, share, size });
      return applyChild('mix', mix, params.mix, filtered, context);
    },
  });
  return {
    ...module,
    filters: (params, x) => reshape(generated(params, x), [groups, kernel, kernel, ...checked(x)]),
    filterMultiplyAdds: ([, h, w]) => inputs * window * (h! / stride) * (w! / stride),
  };
}

/** Sum over the elements of a window of the input, shifted, times the map of that element. */
function applyFilters(
  x: Tensor,
  filters: Tensor,
  {
    kernel,
    groups,
    stride,
    share,
    size: [height, width],
  }: {
    readonly kernel: number;
    readonly groups: number;
    readonly stride: number;
    readonly share: number;
    readonly size: readonly [number, number];
  },
): Tensor {
  const margin = (kernel - 1) / 2;
  const padded = pad(x, [
    [0, 0],
    [margin, margin],
    [margin, margin],
  ]);
  const maps = reshape(filters, [groups, kernel * kernel, height, width]);
  const terms = Array.from({ length: kernel * kernel }, (_, at) => {
    const [top, left] = [Math.floor(at / kernel), at % kernel];
    const shifted = slice(padded, [
      [0, groups * share],
      [top, top + (height - 1) * stride + 1, stride],
      [left, left + (width - 1) * stride + 1, stride],
    ]);
    const map = slice(maps, [
      [0, groups],
      [at, at + 1],
      [0, height],
      [0, width],
    ]);
    return mul(reshape(shifted, [groups, share, height, width]), map);
  });
  return reshape(terms.reduce(add), [groups * share, height, width]);
}

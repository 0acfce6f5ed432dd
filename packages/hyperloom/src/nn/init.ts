import {
  ArgumentError,
  broadcastTo,
  cast,
  constant,
  iota,
  mean,
  mul,
  type NdArray,
  ndarray,
  random,
  reshape,
  rsqrt,
  ShapeError,
  sameShape,
  showShape,
  square,
  type Tensor,
  vmap,
} from '../tensor/index.ts';
import type { Initializer, WeightSpec } from './module.ts';

/** An initializer that scales a drawing of unit variance to the standard deviation that the spec calls for. */
function scaled(draw: (key: Tensor, spec: WeightSpec) => Tensor, std: (spec: WeightSpec) => number): Initializer {
  const init = (key: Tensor, spec: WeightSpec) => mul(cast(draw(key, spec), spec.dtype), std(spec));
  return Object.assign(init, { std });
}

const unitNormal = (key: Tensor, { shape }: WeightSpec) => random.normal(key, shape);
const unitUniform = (key: Tensor, { shape }: WeightSpec) =>
  random.uniform(key, shape, { low: -Math.sqrt(3), high: Math.sqrt(3) });
/** Standard deviation of a standard normal that is cut off at two. */
const cutStd = 0.8796256610342398;
const unitTruncated = (key: Tensor, { shape }: WeightSpec) => mul(random.truncatedNormal(key, shape), 1 / cutStd);

function checkPositive(where: string, name: string, value: number): number {
  if (!(value > 0) || !Number.isFinite(value))
    throw new ArgumentError(`${where}: expected a positive ${name}, got ${value}`);
  return value;
}

/**
 * Every element the same number.
 * @example
 * const spec = nn.weight({ shape: [4], role: 'bias', init: nn.init.constantInit(0.1) });
 */
export const constantInit = (value: number): Initializer =>
  Object.assign((_: Tensor, { dtype, shape }: WeightSpec) => broadcastTo(constant(value, dtype), shape), {
    std: () => 0,
  });

/** All zeros: the usual start of biases. */
export const zeros: Initializer = constantInit(0);

/** All ones: the usual start of scales. */
export const ones: Initializer = constantInit(1);

/**
 * Given numbers, such as those of a pretrained network; `std` is their root mean square.
 * @throws ShapeError when the weight has another shape
 * @example
 * const spec = nn.weight({ shape: [2], role: 'bias', init: nn.init.values(ndarray([0.5, -1])) });
 */
export const values = (array: NdArray): Initializer => {
  let squares = 0;
  for (const v of array.data) squares += v * v;
  const init = (_: Tensor, { dtype, shape }: WeightSpec): Tensor => {
    if (!sameShape(array.shape, shape))
      throw new ShapeError(`values: expected ${showShape(shape)}, got ${showShape(array.shape)}`);
    return cast(constant(array), dtype);
  };
  return Object.assign(init, { std: () => Math.sqrt(squares / Math.max(1, array.data.length)) });
};

/**
 * Draws each row of a table with a key of its own, so that a longer table begins with the same rows. The row's fans
 * are those of the spec.
 * @example
 * const spec = nn.weight({ shape: [10, 4], role: 'code', init: nn.init.byRow(nn.init.normal()) });
 */
export const byRow = (init: Initializer): Initializer =>
  Object.assign(
    (key: Tensor, spec: WeightSpec): Tensor => {
      const [count, ...shape] = spec.shape as [number, ...number[]];
      return vmap((row: Tensor) => init(random.foldIn(key, row), { ...spec, shape }))(iota(count));
    },
    init.std ? { std: init.std } : {},
  );

/** Raises unless the last axis can be cut into equal blocks; gives the width of one. */
function blockWidth(where: string, { shape }: WeightSpec, count: number): number {
  const width = (shape.at(-1) ?? 0) / count;
  if (!Number.isInteger(width) || width < 1)
    throw new ShapeError(`${where}: expected a last axis of ${count} equal blocks, got ${showShape(shape)}`);
  return width;
}

/**
 * Draws each of `count` equal blocks of the last axis by itself, with a key of its own: the gates of a recurrent cell,
 * whose matrices lie side by side. A block's fans are those of the spec.
 * @throws ShapeError when the last axis has no such blocks
 * @example
 * const spec = nn.weight({ shape: [8, 32], init: nn.init.byBlock(4, nn.init.orthogonal()) });
 */
export const byBlock = (count: number, init: Initializer): Initializer => {
  const block = (spec: WeightSpec): WeightSpec => ({
    ...spec,
    shape: [...spec.shape.slice(0, -1), blockWidth('byBlock', spec, count)],
  });
  const { std } = init;
  return Object.assign(
    (key: Tensor, spec: WeightSpec): Tensor => {
      const own = block(spec);
      const drawn = vmap((i: Tensor) => init(random.foldIn(key, i), own), { out: own.shape.length - 1 })(iota(count));
      return reshape(drawn, spec.shape);
    },
    std ? { std: (spec: WeightSpec) => std(block(spec)) } : {},
  );
};

/**
 * A constant for each of as many equal blocks of the last axis: a bias of gates, one of which starts open.
 * @throws ShapeError when the last axis has no such blocks
 * @example
 * const spec = nn.weight({ shape: [32], role: 'bias', init: nn.init.blockConstants([0, 1, 0, 0]) });
 */
export const blockConstants = (constants: readonly number[]): Initializer =>
  Object.assign(
    (_: Tensor, spec: WeightSpec): Tensor => {
      const width = blockWidth('blockConstants', spec, constants.length);
      const column = constant(ndarray(constants.map((c) => [c])));
      const row = reshape(broadcastTo(column, [constants.length, width]), [constants.length * width]);
      return broadcastTo(cast(row, spec.dtype), spec.shape);
    },
    { std: () => 0 },
  );

/**
 * Normal with mean 0.
 * @example
 * const spec = nn.weight({ shape: [4], role: 'code', init: nn.init.normal({ std: 0.1 }) });
 */
export const normal = ({ std = 1 }: { readonly std?: number } = {}): Initializer => {
  checkPositive('normal', 'std', std);
  return scaled(unitNormal, () => std);
};

/**
 * Directions at random, all of one length: rows (along the last axis) whose root mean square is `std`. As codes they
 * make every generated network start at the same scale.
 * @example
 * const spec = nn.weight({ shape: [100, 8], role: 'code', init: nn.init.sphere() });
 */
export const sphere = ({ std = 1 }: { readonly std?: number } = {}): Initializer => {
  checkPositive('sphere', 'std', std);
  const onSphere = (key: Tensor, spec: WeightSpec): Tensor => {
    const drawn = unitNormal(key, spec);
    return mul(drawn, rsqrt(mean(square(drawn), { axis: -1, keepDims: true })));
  };
  return scaled(onSphere, () => std);
};

/**
 * Normal cut off at two standard deviations of its parent; `std` is that of what is drawn, after the cut.
 * @example
 * const spec = nn.weight({ shape: [64, 10], init: nn.init.truncatedNormal({ std: 0.01 }) });
 */
export const truncatedNormal = ({ std = 1 }: { readonly std?: number } = {}): Initializer => {
  checkPositive('truncatedNormal', 'std', std);
  return scaled(unitTruncated, () => std);
};

/**
 * Uniform in [-bound, bound); its standard deviation is bound / sqrt(3).
 * @example
 * const spec = nn.weight({ shape: [64, 10], init: nn.init.uniform({ bound: 0.05 }) });
 */
export const uniform = ({ bound = 1 }: { readonly bound?: number } = {}): Initializer => {
  checkPositive('uniform', 'bound', bound);
  return scaled(unitUniform, () => bound / Math.sqrt(3));
};

/**
 * By how much a layer before each activation must be larger to keep the second moment of a deep network steady: the
 * figures of PyTorch's `calculate_gain`.
 */
export const gains = { linear: 1, sigmoid: 1, tanh: 5 / 3, relu: Math.SQRT2, selu: 3 / 4 } as const;

/**
 * The gain of a leaky ReLU of the given negative slope (He et al. 2015, eq. 15).
 * @example
 * const init = nn.init.kaimingNormal({ gain: nn.init.leakyGain(0.2) });
 */
export const leakyGain = (slope: number): number => Math.sqrt(2 / (1 + slope * slope));

/** Which fan sets the variance (`fanIn` keeps activations steady, `fanOut` gradients), and the gain of what follows. */
export interface KaimingOptions {
  readonly mode?: 'fanIn' | 'fanOut';
  /** The square root of 2 by default, which suits ReLU; see {@link gains}. */
  readonly gain?: number;
}

const kaimingStd = (where: string, { mode = 'fanIn', gain = gains.relu }: KaimingOptions) => {
  checkPositive(where, 'gain', gain);
  if (mode !== 'fanIn' && mode !== 'fanOut')
    throw new ArgumentError(`${where}: expected a mode of fanIn or fanOut, got ${mode}`);
  return (spec: WeightSpec) => gain / Math.sqrt(spec[mode]);
};

/**
 * Normal with standard deviation gain / sqrt(fan) (He et al. 2015).
 * @example
 * const spec = nn.weight({ shape: [64, 10], init: nn.init.kaimingNormal() }); // std sqrt(2 / 64)
 */
export const kaimingNormal = (options: KaimingOptions = {}): Initializer =>
  scaled(unitNormal, kaimingStd('kaimingNormal', options));

/**
 * Uniform with standard deviation gain / sqrt(fan), that is with bound gain * sqrt(3 / fan) (He et al. 2015).
 * @example
 * const spec = nn.weight({ shape: [64, 10], init: nn.init.kaimingUniform({ mode: 'fanOut' }) });
 */
export const kaimingUniform = (options: KaimingOptions = {}): Initializer =>
  scaled(unitUniform, kaimingStd('kaimingUniform', options));

const xavierStd = (where: string, gain: number) => {
  checkPositive(where, 'gain', gain);
  return ({ fanIn, fanOut }: WeightSpec) => gain * Math.sqrt(2 / (fanIn + fanOut));
};

/**
 * Normal with standard deviation gain * sqrt(2 / (fanIn + fanOut)) (Glorot and Bengio 2010).
 * @example
 * const spec = nn.weight({ shape: [64, 10], init: nn.init.xavierNormal({ gain: nn.init.gains.tanh }) });
 */
export const xavierNormal = ({ gain = 1 }: { readonly gain?: number } = {}): Initializer =>
  scaled(unitNormal, xavierStd('xavierNormal', gain));

/**
 * Uniform with bound gain * sqrt(6 / (fanIn + fanOut)) (Glorot and Bengio 2010, eq. 16).
 * @example
 * const spec = nn.weight({ shape: [64, 10], init: nn.init.xavierUniform() });
 */
export const xavierUniform = ({ gain = 1 }: { readonly gain?: number } = {}): Initializer =>
  scaled(unitUniform, xavierStd('xavierUniform', gain));

/**
 * Normal with standard deviation 1 / sqrt(fanIn) (LeCun et al. 1998): a linear layer keeps the variance of its input.
 * @example
 * const spec = nn.weight({ shape: [64, 10], init: nn.init.lecunNormal() });
 */
export const lecunNormal = (): Initializer => scaled(unitNormal, kaimingStd('lecunNormal', { gain: 1 }));

/**
 * Uniform with bound sqrt(3 / fanIn) (LeCun et al. 1998).
 * @example
 * const spec = nn.weight({ shape: [64, 10], init: nn.init.lecunUniform() });
 */
export const lecunUniform = (): Initializer => scaled(unitUniform, kaimingStd('lecunUniform', { gain: 1 }));

/**
 * Orthonormal rows or columns, whichever are fewer, times the gain (Saxe et al. 2014). A kernel [out, in, ...] is the
 * matrix [out, in * ...].
 * @throws ArgumentError for weights of fewer than two axes
 * @example
 * const spec = nn.weight({ shape: [64, 64], init: nn.init.orthogonal() });
 */
export const orthogonal = ({ gain = 1 }: { readonly gain?: number } = {}): Initializer => {
  checkPositive('orthogonal', 'gain', gain);
  const matrixOf = ({ shape }: WeightSpec): [number, number] => {
    if (shape.length < 2)
      throw new ArgumentError(`orthogonal: expected a weight of at least two axes, got ${shape.length}`);
    return [shape[0] as number, shape.slice(1).reduce((n, d) => n * d, 1)];
  };
  const init = (key: Tensor, spec: WeightSpec) =>
    mul(cast(reshape(random.orthogonal(key, matrixOf(spec)), spec.shape), spec.dtype), gain);
  return Object.assign(init, { std: (spec: WeightSpec) => gain / Math.sqrt(Math.max(...matrixOf(spec))) });
};

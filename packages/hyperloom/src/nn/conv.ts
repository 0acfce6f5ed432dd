import { add, conv, reshape } from '../tensor/index.ts';
import { lecunNormal, zeros } from './init.ts';
import { defineModule, type Initializer, type Module, type WeightSpec, weight } from './module.ts';
import { expectShape, type Padding, paddingPairs, perAxis, whole } from './options.ts';

/** Weights of a convolution: weight [out, in / groups, ...kernel], bias [out] unless left out. */
export type ConvSpec = { readonly weight: WeightSpec; readonly bias?: WeightSpec };

/** Options of {@link conv1d} and {@link conv2d}; one number stands for all spatial axes. */
export interface ConvLayerOptions {
  readonly in: number;
  readonly out: number;
  readonly kernel: number | readonly number[];
  readonly stride?: number | readonly number[];
  /** Zeros around the input; `same` gives an output of ceil(size / stride). None by default. */
  readonly padding?: 'same' | Padding;
  readonly dilation?: number | readonly number[];
  readonly groups?: number;
  readonly bias?: boolean;
  /** How the kernel starts; `lecunNormal` by default, and `kaimingNormal` suits a ReLU that follows. */
  readonly init?: Initializer;
  /** How the bias starts; zeros by default. */
  readonly biasInit?: Initializer;
}

const spatialNames = { conv1d: ['L'], conv2d: ['H', 'W'] } as const;

const convolution =
  (name: keyof typeof spatialNames) =>
  (options: ConvLayerOptions): Module<ConvSpec> => {
    const { bias = true, init = lecunNormal(), biasInit = zeros } = options;
    const axes = spatialNames[name].length;
    const groups = whole(name, 'groups', options.groups ?? 1);
    const divided = (key: 'in' | 'out') => whole(name, `${key} / groups`, whole(name, key, options[key]) / groups);
    const [inputs, outputs] = [divided('in'), divided('out')];
    const kernel = perAxis(name, 'kernel', options.kernel, axes);
    const dilation = perAxis(name, 'dilation', options.dilation ?? 1, axes);
    const attrs = {
      strides: perAxis(name, 'stride', options.stride ?? 1, axes),
      padding:
        options.padding === 'same' ? samePadding(kernel, dilation) : paddingPairs(name, options.padding ?? 0, axes),
      dilation,
      groups,
    };
    const window = kernel.reduce((n, k) => n * k, 1);
    const fans = { fanIn: inputs * window, fanOut: outputs * window };
    return defineModule<ConvSpec>({
      name,
      spec: {
        weight: weight({ shape: [options.out, inputs, ...kernel], ...fans, init }),
        ...(bias && { bias: weight({ shape: [options.out], ...fans, role: 'bias', init: biasInit }) }),
      },
      apply: (params, x) => {
        expectShape(name, [options.in, ...spatialNames[name]], x.shape);
        const batch = conv(reshape(x, [1, ...x.shape]), params.weight, attrs);
        const y = reshape(batch, batch.shape.slice(1));
        return params.bias ? add(y, reshape(params.bias, [options.out, ...kernel.map(() => 1)])) : y;
      },
    });
  };

const samePadding = (kernel: readonly number[], dilation: readonly number[]) =>
  kernel.map((k, i) => {
    const total = (k - 1) * (dilation[i] as number);
    return [Math.floor(total / 2), Math.ceil(total / 2)] as const;
  });

/**
 * Convolution over one spatial axis: [in, L] to [out, L'].
 * @throws ArgumentError for sizes below 1 or channels that the groups do not divide; when applied, ShapeError
 * @example
 * const layer = nn.conv1d({ in: 2, out: 4, kernel: 3, padding: 'same' });
 * const y = layer.apply(layer.init(random.key(0)), constant(zerosArray('float32', [2, 10]))); // [4, 10]
 */
export const conv1d: (options: ConvLayerOptions) => Module<ConvSpec> = convolution('conv1d');

/**
 * Convolution (cross-correlation) over two spatial axes: [in, H, W] to [out, H', W'].
 * @throws ArgumentError for sizes below 1 or channels that the groups do not divide; when applied, ShapeError
 * @example
 * const layer = nn.conv2d({ in: 1, out: 16, kernel: 7, padding: 'same' });
 * const y = layer.apply(layer.init(random.key(0)), constant(zerosArray('float32', [1, 28, 28]))); // [16, 28, 28]
 */
export const conv2d: (options: ConvLayerOptions) => Module<ConvSpec> = convolution('conv2d');

import { ArgumentError, add, convInputGrad, reshape, type Tensor, transpose } from '../tensor/index.ts';
import type { ConvLayerOptions, ConvSpec } from './conv.ts';
import { lecunNormal, zeros } from './init.ts';
import { defineModule, type Module, weight } from './module.ts';
import { expectShape, type Padding, paddingPairs, perAxis, whole } from './options.ts';

/** Options of {@link convTranspose1d} and {@link convTranspose2d}; one number stands for all spatial axes. */
export interface ConvTransposeOptions extends Omit<ConvLayerOptions, 'stride' | 'padding'> {
  /** By how much the output is larger. Default 1. */
  readonly stride?: number | readonly number[];
  /** Rows cut from the ends of the output; `same` gives an output of size * stride. None by default. */
  readonly padding?: 'same' | Padding;
  /** Rows added at the far end, where a stride leaves several sizes; below the stride. Default 0. */
  readonly outputPadding?: number | readonly number[];
}

const spatialNames = { convTranspose1d: ['L'], convTranspose2d: ['H', 'W'] } as const;

const transposed =
  (name: keyof typeof spatialNames) =>
  (options: ConvTransposeOptions): Module<ConvSpec> => {
    const { in: inputs, out, bias = true, init = lecunNormal(), biasInit = zeros } = options;
    const axes = spatialNames[name].length;
    const groups = whole(name, 'groups', options.groups ?? 1);
    const divided = (key: 'in' | 'out') => whole(name, `${key} / groups`, whole(name, key, options[key]) / groups);
    const [groupInputs, groupOutputs] = [divided('in'), divided('out')];
    const kernel = perAxis(name, 'kernel', options.kernel, axes);
    const strides = perAxis(name, 'stride', options.stride ?? 1, axes);
    const dilation = perAxis(name, 'dilation', options.dilation ?? 1, axes);
    const windows = kernel.map((k, i) => (k - 1) * dilation[i]! + 1);
    const same = options.padding === 'same';
    if (same && options.outputPadding !== undefined)
      throw new ArgumentError(`${name}: expected no outputPadding beside padding same, got ${options.outputPadding}`);
    // The window less the stride is what the output has beyond size * stride.
    const excess = windows.map((window, i) => window - strides[i]!);
    const padding = same
      ? excess.map((n) => [Math.floor(Math.max(0, n) / 2), Math.ceil(Math.max(0, n) / 2)] as const)
      : paddingPairs(name, (options.padding ?? 0) as Padding, axes);
    const extra = same
      ? excess.map((n) => Math.max(0, -n))
      : perAxis(name, 'outputPadding', options.outputPadding ?? 0, axes, 0);
    extra.forEach((n, i) => {
      if (n >= strides[i]!)
        throw new ArgumentError(`${name}: expected an outputPadding below the stride of ${strides[i]}, got ${n}`);
    });
    const window = kernel.reduce((n, k) => n * k, 1);
    // A stride puts inputs that far apart: an output meets as many fewer of them.
    const meets = window / strides.reduce((n, s) => n * s, 1);
    const fans = { fanIn: groupInputs * meets, fanOut: groupOutputs * window };
    const sizeOf = (size: number, i: number) => {
      const [low, high] = padding[i]!;
      const cut = (size - 1) * strides[i]! + windows[i]! + extra[i]! - low - high;
      return whole(name, `the output along spatial axis ${i}`, cut);
    };
    return defineModule<ConvSpec>({
      name,
      spec: {
        weight: weight({ shape: [out, groupInputs, ...kernel], ...fans, init }),
        ...(bias && { bias: weight({ shape: [out], ...fans, role: 'bias', init: biasInit }) }),
      },
      apply: (params, x) => {
        expectShape(name, [inputs, ...spatialNames[name]], x.shape);
        const attrs = { strides, padding, dilation, groups, spatial: x.shape.slice(1).map(sizeOf) };
        const batch = convInputGrad(inputsFirst(params.weight, groups), reshape(x, [1, ...x.shape]), attrs);
        const y = reshape(batch, batch.shape.slice(1));
        return params.bias ? add(y, reshape(params.bias, [out, ...kernel.map(() => 1)])) : y;
      },
    });
  };

/** [out, in / groups, ...kernel] as [in, out / groups, ...kernel]: the kernel of the convolution that this one undoes. */
function inputsFirst(w: Tensor, groups: number): Tensor {
  const [out, inputs, ...kernel] = w.shape as [number, number, ...number[]];
  const grouped = reshape(w, [groups, out / groups, inputs, -1]);
  return reshape(transpose(grouped, [0, 2, 1, 3]), [groups * inputs, out / groups, ...kernel]);
}

/**
 * Transposed convolution over one spatial axis: [in, L] to [out, (L - 1) * stride + window - padding + outputPadding],
 * window = (kernel - 1) * dilation + 1. The weight lies as that of {@link conv1d}, [out, in / groups, kernel]; PyTorch
 * has [in, out / groups, kernel].
 * @throws ArgumentError for sizes below 1, channels that the groups do not divide, an outputPadding of the stride or
 *   more, or an empty output; when applied, ShapeError
 * @example
 * const layer = nn.convTranspose1d({ in: 4, out: 2, kernel: 4, stride: 2, padding: 'same' });
 * const y = layer.apply(layer.init(random.key(0)), constant(zerosArray('float32', [4, 5]))); // [2, 10]
 */
export const convTranspose1d: (options: ConvTransposeOptions) => Module<ConvSpec> = transposed('convTranspose1d');

/**
 * Transposed convolution over two spatial axes, of which each input adds a kernel to the output: [in, H, W] to
 * [out, H', W'], sizes as in {@link convTranspose1d}. The weight lies as that of {@link conv2d},
 * [out, in / groups, ...kernel]; PyTorch has [in, out / groups, ...kernel].
 * @throws ArgumentError for sizes below 1, channels that the groups do not divide, an outputPadding of the stride or
 *   more, or an empty output; when applied, ShapeError
 * @example
 * const layer = nn.convTranspose2d({ in: 8, out: 1, kernel: 4, stride: 2, padding: 1 });
 * const y = layer.apply(layer.init(random.key(0)), constant(zerosArray('float32', [8, 14, 14]))); // [1, 28, 28]
 */
export const convTranspose2d: (options: ConvTransposeOptions) => Module<ConvSpec> = transposed('convTranspose2d');

import { type ConvAttrs, type Shape, sizeOf } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import type { NodeAttr } from '../proto.ts';
import type { Lowering, Lowerings } from './lowering.ts';
import { spectralConv, spectralInputGrad, spectralKernelGrad, spectralProblem } from './spectral.ts';

type Pads = readonly (readonly [number, number])[];

/** ONNX lists what is added before every axis, then what is added after. */
export const padsOf = (padding: Pads): number[] => [...padding.map(([low]) => low), ...padding.map(([, high]) => high)];

/** The attributes of Conv. */
export const convNode = (
  kernel: readonly number[],
  { strides, padding, dilation, groups }: ConvAttrs,
): Record<string, NodeAttr> => ({
  kernel_shape: kernel,
  strides,
  pads: padsOf(padding),
  dilations: dilation,
  group: groups,
});

/** Takes away what negative padding stands for. */
export function crop(b: Builder, x: string, shape: Shape, padding: Pads): { name: string; padding: Pads } {
  const axes = padding.flatMap(([low, high], i) => (low < 0 || high < 0 ? [i] : []));
  if (axes.length === 0) return { name: x, padding };
  const name = b.node('Slice', [
    x,
    b.ints(axes.map((i) => Math.max(0, -padding[i]![0]))),
    b.ints(axes.map((i) => shape[i + 2]! - Math.max(0, -padding[i]![1]))),
    b.ints(axes.map((i) => i + 2)),
  ]);
  return { name, padding: padding.map(([low, high]) => [Math.max(0, low), Math.max(0, high)]) };
}

/** w [groups * O, C, ...k] to [groups * C, O, ...k] with every kernel turned about: the kernel of the input's gradient. */
export function turnedKernel(b: Builder, w: string, shape: Shape, groups: number): string {
  const [o, c, ...k] = shape as [number, number, ...number[]];
  const axes = k.flatMap((size, i) => (size > 1 ? [i + 2] : []));
  const each = (value: number) => b.ints(axes.map(() => value));
  const flipped = axes.length === 0 ? w : b.node('Slice', [w, each(-1), each(-(2 ** 31)), b.ints(axes), each(-1)]);
  return b.rearrange(flipped, shape, [groups, o / groups, c, sizeOf(k)], [0, 2, 1, 3], [groups * c, o / groups, ...k]);
}

/**
 * The padding with which an unstrided convolution of dy by the turned kernel gives the gradient of an input of the
 * given sizes.
 */
export const inputGradPadding = (
  kernel: Shape,
  dy: Shape,
  { padding, dilation, spatial }: ConvAttrs & { spatial: Shape },
): Pads =>
  spatial.map((size, i) => {
    const reach = (kernel[i]! - 1) * dilation[i]!;
    const low = reach - padding[i]![0];
    return [low, size + reach - dy[i]! - low];
  });

const convInputGrad: Lowering<ConvAttrs & { spatial: readonly number[] }> = ({ b, inputs: [w, dy], attrs }) => {
  const { strides, padding, dilation, groups, spatial } = attrs;
  const kernel = w!.shape.slice(2);
  const sizes = dy!.shape.slice(2);
  if (strides.every((s) => s === 1)) {
    const cropped = crop(b, dy!.name(), dy!.shape, inputGradPadding(kernel, sizes, attrs));
    const turned = turnedKernel(b, w!.name(), w!.shape, groups);
    return b.node('Conv', [cropped.name, turned], convNode(kernel, { ...attrs, padding: cropped.padding }));
  }
  const high = spatial.map(
    (size, i) => (sizes[i]! - 1) * strides[i]! + (kernel[i]! - 1) * dilation[i]! + 1 - padding[i]![0] - size,
  );
  return b.node('ConvTranspose', [dy!.name(), w!.name()], {
    kernel_shape: kernel,
    strides,
    pads: padsOf(padding.map(([low], i) => [low, Math.max(0, high[i]!)])),
    output_padding: high.map((n) => Math.max(0, -n)),
    dilations: dilation,
    group: groups,
  });
};

/** Convolutions that a kernel's gradient is spread over at least, so that several threads have work. */
const parallel = 4;

/**
 * The gradient of a kernel is a convolution of x by dy in which examples and channels trade places: x
 * [C, groups * N, ...] by dy [groups * O, N, ...] gives [C, groups * O, ...kernel]. ONNX Runtime shares a convolution
 * out by images and groups; a layer with few input channels has few images here, so its examples are parted into more
 * groups, whose results are added.
 */
const convKernelGrad: Lowering<ConvAttrs & { kernel: readonly number[] }> = ({
  b,
  inputs: [x, dy],
  outputs: [y],
  attrs,
}) => {
  const { strides, padding, dilation, groups, kernel } = attrs;
  const [n, channels, ...s] = x!.shape as [number, number, ...number[]];
  const [, out, ...sizes] = dy!.shape as [number, number, ...number[]];
  const c = channels / groups;
  const parts = groups === 1 && c < parallel && n % parallel === 0 ? parallel : 1;
  const high = kernel.map(
    (k, i) => (k - 1) * dilation[i]! + (sizes[i]! - 1) * strides[i]! + 1 - s[i]! - padding[i]![0],
  );
  const cropped = crop(
    b,
    x!.name(),
    x!.shape,
    padding.map(([low], i) => [low, high[i]!]),
  );
  const left = s.map((size, i) => size + Math.min(0, high[i]!));
  const examples = b.rearrange(
    cropped.name,
    [n, channels, ...left],
    [n, groups, c, sizeOf(left)],
    [2, 1, 0, 3],
    [c, groups * n, ...left],
  );
  const kernels = b.rearrange(
    dy!.name(),
    dy!.shape,
    [parts, n / parts, out, sizeOf(sizes)],
    [0, 2, 1, 3],
    [parts * out, n / parts, ...sizes],
  );
  const w = b.node(
    'Conv',
    [examples, kernels],
    convNode(sizes, { strides: dilation, padding: cropped.padding, dilation: strides, groups: groups * parts }),
  );
  const taps = sizeOf(kernel);
  const whole = [c, parts * out, ...kernel];
  if (parts === 1) return b.rearrange(w, whole, [c, out, taps], [1, 0, 2], y!.shape);
  const summed = b.node('ReduceSum', [b.reshape(w, whole, [c, parts, out * taps]), b.ints([1])], { keepdims: 0 });
  return b.rearrange(summed, [c, out * taps], [c, out, taps], [1, 0, 2], y!.shape);
};

/** Convolutions and their gradients, by transforms where those pay. */
export const conv = {
  conv: (call) => {
    const {
      b,
      inputs: [x, w],
      outputs: [y],
      attrs,
    } = call;
    const problem = spectralProblem(x!.shape, w!.shape, y!.shape, attrs);
    if (problem) return spectralConv(call, problem);
    return b.node('Conv', [x!.name(), w!.name()], convNode(w!.shape.slice(2), attrs));
  },
  convInputGrad: (call) => {
    const {
      inputs: [w, dy],
      outputs: [x],
      attrs,
    } = call;
    const problem = spectralProblem(x!.shape, w!.shape, dy!.shape, attrs);
    return problem ? spectralInputGrad(call, problem) : convInputGrad(call);
  },
  convKernelGrad: (call) => {
    const {
      inputs: [x, dy],
      outputs: [w],
      attrs,
    } = call;
    const problem = spectralProblem(x!.shape, w!.shape, dy!.shape, attrs);
    return problem ? spectralKernelGrad(call, problem) : convKernelGrad(call);
  },
} satisfies Partial<Lowerings>;

import { type ConvAttrs, type Shape, sizeOf } from '../../tensor/index.ts';
import { Value } from '../value.ts';
import { blockedConv, blockedInputGrad, blockedKernelGrad } from './blocked.ts';
import { convNode, crop, inputGradPadding, padsOf, turnedKernel } from './conv-node.ts';
import type { Call, Lowering, Lowerings } from './lowering.ts';
import { spectralConv, spectralInputGrad, spectralKernelGrad, spectralProblem } from './spectral.ts';

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
const convKernelGrad: Lowering<ConvAttrs & { kernel: readonly number[] }> = (call) => {
  const {
    b,
    inputs: [x, dy],
    outputs: [y],
    attrs,
  } = call;
  const { strides, padding, dilation, groups, kernel } = attrs;
  const [n, channels, ...s] = x!.shape as [number, number, ...number[]];
  const [, out, ...sizes] = dy!.shape as [number, number, ...number[]];
  const c = channels / groups;
  const parts = groups === 1 && c < parallel && n % parallel === 0 ? parallel : 1;
  const high = kernel.map(
    (k, i) => (k - 1) * dilation[i]! + (sizes[i]! - 1) * strides[i]! + 1 - s[i]! - padding[i]![0],
  );
  const pads = padding.map(([low], i) => [low, high[i]!] as const);
  const blocked = blockedKernelGrad(call, pads);
  if (blocked) return blocked;
  const cropped = crop(b, x!.name(), x!.shape, pads);
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

/** How transforms would do a convolution; undefined where they do not pay, or where a reader looks for a convolution. */
const transformed = ({ attrs, target }: Call<ConvAttrs>, x: Shape, w: Shape, y: Shape) =>
  target.standard ? undefined : spectralProblem(x, w, y, attrs);

/** Convolutions and their gradients: by transforms where those pay, by blocked kernels where there are any. */
export const conv = {
  conv: (call) => {
    const {
      b,
      inputs: [x, w],
      outputs: [y],
      attrs,
    } = call;
    const problem = transformed(call, x!.shape, w!.shape, y!.shape);
    if (problem) return spectralConv(call, problem);
    const node = convNode(w!.shape.slice(2), attrs);
    const blocked = blockedConv(call, node);
    if (blocked) return blocked;
    const write = (bias: readonly string[]) => () => b.node('Conv', [x!.name(), w!.name(), ...bias], node);
    return new Value(y!, b.later(write([])), {
      biased: {
        grid: y!.shape,
        with: (bias, sum) => {
          const name = b.later(write([bias]));
          return new Value(sum, () => b.reshape(name(), y!.shape, sum.shape));
        },
      },
    });
  },
  convInputGrad: (call) => {
    const {
      inputs: [w, dy],
      outputs: [x],
      attrs,
    } = call;
    const problem = transformed(call, x!.shape, w!.shape, dy!.shape);
    if (problem) return spectralInputGrad(call, problem);
    const padding = inputGradPadding(w!.shape.slice(2), dy!.shape.slice(2), attrs);
    const direct = attrs.strides.every((s) => s === 1) && padding.every(([low, high]) => low >= 0 && high >= 0);
    const node = convNode(w!.shape.slice(2), { ...attrs, padding });
    return (direct ? blockedInputGrad(call, node) : undefined) ?? convInputGrad(call);
  },
  convKernelGrad: (call) => {
    const {
      inputs: [x, dy],
      outputs: [w],
    } = call;
    const problem = transformed(call, x!.shape, w!.shape, dy!.shape);
    return problem ? spectralKernelGrad(call, problem) : convKernelGrad(call);
  },
} satisfies Partial<Lowerings>;

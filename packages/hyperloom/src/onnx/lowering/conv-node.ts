import { type ConvAttrs, type Shape, sizeOf } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import type { NodeAttr } from '../proto.ts';

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

/** Every kernel of w turned about: its taps in reverse along each axis. */
export function turnedTaps(b: Builder, w: string, shape: Shape): string {
  const axes = shape.flatMap((size, i) => (i > 1 && size > 1 ? [i] : []));
  const each = (value: number) => b.ints(axes.map(() => value));
  return axes.length === 0 ? w : b.node('Slice', [w, each(-1), each(-(2 ** 31)), b.ints(axes), each(-1)]);
}

/** w [groups * O, C, ...k] to [groups * C, O, ...k] with every kernel turned about: the kernel of the input's gradient. */
export function turnedKernel(b: Builder, w: string, shape: Shape, groups: number): string {
  const [o, c, ...k] = shape as [number, number, ...number[]];
  const view = [groups, o / groups, c, sizeOf(k)];
  return b.rearrange(turnedTaps(b, w, shape), shape, view, [0, 2, 1, 3], [groups * c, o / groups, ...k]);
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

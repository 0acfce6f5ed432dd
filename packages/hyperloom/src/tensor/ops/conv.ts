import { ShapeError } from '../errors.ts';
import { type Aval, type Shape, sameShape, showShape, sizeOf } from '../shape.ts';
import { emit1, type Op, type Tensor, type Work } from '../tensor.ts';
import { mul } from './arithmetic.ts';
import { reshape } from './broadcast.ts';
import { channelsIn, channelsOut, fold, kernelsIn, rest, unfold } from './channels.ts';
import { checkType, jointType } from './checks.ts';
import { type AxisRule, type FactoredAxis, factors } from './factors.ts';
import {
  type ConvAttrs,
  type ConvOptions,
  convAttrs,
  convShape,
  eachProduct,
  inputShape,
  kernelShape,
} from './geometry.ts';
import { result } from './loops.ts';
import { mixedOutputs } from './mixture.ts';
import { transpose } from './transpose.ts';

/*
 * A convolution is a form that is linear in its input x, its kernel w and the cotangent dy of its output. These three
 * operations are its three partial derivatives, so each one's gradients are the other two, to any order.
 */

/** The conv operation: x [N, C, ...s] and w [O, C / groups, ...k] to [N, O, ...]. */
export const convOp: Op<ConvAttrs> = {
  name: 'conv',
  infer: ([x, w], attrs) => {
    checkType('conv', x!, 'float');
    return [{ dtype: jointType('conv', [x!, w!]), shape: convShape('conv', x!.shape, w!.shape, attrs) }];
  },
  vjp: ({ inputs: [x, w], cotangents: [dy], attrs, wanted }) => [
    wanted[0] ? convInputGrad(w!, dy!, { ...attrs, spatial: x!.shape.slice(2) }) : undefined,
    wanted[1] ? convKernelGrad(x!, dy!, { ...attrs, kernel: w!.shape.slice(2) }) : undefined,
  ],
  batch: (call) => {
    const {
      inputs: [x, w],
      batched: [xs, ws],
      size,
      attrs,
    } = call;
    if (!ws) return [unfold(conv(fold(x!), w!, attrs), size)];
    const scaled = scaledKernel(w!);
    if (scaled) {
      const y = xs ? unfold(conv(fold(x!), scaled.kernel, attrs), size) : conv(x!, scaled.kernel, attrs);
      return [mul(y, reshape(scaled.scale, [size, 1, w!.shape[1]!, ...rest(w!, 3).map(() => 1)]))];
    }
    const one = xs ? { shape: x!.shape.slice(1) } : x!;
    const places = sizeOf(convShape('conv', one.shape, w!.shape.slice(1), attrs).slice(2));
    const mixed = mixedOutputs(conv, { x: x!, own: xs === true, w: w!, attrs, places });
    if (mixed) return [mixed];
    if (!xs) return [channelsOut(conv(x!, kernelsIn(w!, attrs.groups), attrs), size, attrs.groups)];
    const y = conv(channelsIn(x!, 1), kernelsIn(w!, 1), { ...attrs, groups: attrs.groups * size });
    return [channelsOut(y, size, 1)];
  },
  eval: ([x, w], attrs) => {
    const { dtype, shape } = convOp.infer([x!, w!], attrs)[0]!;
    const y = result(dtype, shape);
    eachProduct(x!.shape, w!.shape, shape, attrs, (ix, iw, iy) => {
      y.data[iy]! += x!.data[ix]! * w!.data[iw]!;
    });
    return [y];
  },
  absorbs: [0, 1],
  axes: ([x, w], [y], { groups }) => channels({ x: x!, w: w!, y: y!, groups }, ['x', 'w'], 'y'),
  resize: (attrs, [x, w]) => ({ ...attrs, groups: x!.shape[1]! / w!.shape[1]! }),
  work: ([, w], [y]) => products(w!, y!),
};

/** The rule of x [N, groups * C, ...], w [groups * O, C, ...] and y [N, groups * O, ...], two of which make the third. */
function channels(
  { groups, ...parts }: { readonly x: Aval; readonly w: Aval; readonly y: Aval; readonly groups: number },
  inputs: readonly ('x' | 'w' | 'y')[],
  output: 'x' | 'w' | 'y',
): AxisRule {
  const { x, w } = parts;
  const group = ['g', groups] as const;
  const [c, o] = [['c', w.shape[1]!] as const, ['o', w.shape[0]! / groups] as const];
  const n = factors(['n', x.shape[0]!]);
  const heads: Readonly<Record<string, readonly FactoredAxis[]>> = {
    x: [n, factors(group, c)],
    w: [factors(group, o), factors(c)],
    y: [n, factors(group, o)],
  };
  const axes = (part: 'x' | 'w' | 'y') => [
    ...heads[part]!,
    ...parts[part].shape.slice(2).map((size) => (size === 1 ? [] : undefined)),
  ];
  return { inputs: inputs.map(axes), outputs: [axes(output)] };
}

/**
 * Kernels [B, O, ...] that are one kernel whose outputs each example scales: its outputs can be scaled as well, and the
 * convolution is one of all examples in place of one for each.
 */
function scaledKernel({ node, shape }: Tensor): { readonly kernel: Tensor; readonly scale: Tensor } | undefined {
  if (node.op.name !== 'mul') return undefined;
  const scales = [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)];
  const [a, b] = node.inputs as [Tensor, Tensor];
  const [kernel, scale] = sameShape(b.shape, scales) ? [a, b] : [b, a];
  return sameShape(kernel.shape, shape.slice(1)) && sameShape(scale.shape, scales) ? { kernel, scale } : undefined;
}

/** The convInputGrad operation: w and dy to the gradient for x of the given spatial sizes. A transposed convolution. */
export const convInputGradOp: Op<ConvAttrs & { spatial: readonly number[] }> = {
  name: 'convInputGrad',
  infer: ([w, dy], attrs) => {
    checkType('convInputGrad', w!, 'float');
    const x = inputShape(w!.shape, dy!.shape, attrs);
    expectOutput('convInputGrad', dy!.shape, convShape('convInputGrad', x, w!.shape, attrs));
    return [{ dtype: jointType('convInputGrad', [w!, dy!]), shape: x }];
  },
  vjp: ({ inputs: [w, dy], cotangents: [g], attrs: { spatial: _, ...attrs }, wanted }) => [
    wanted[0] ? convKernelGrad(g!, dy!, { ...attrs, kernel: w!.shape.slice(2) }) : undefined,
    wanted[1] ? conv(g!, w!, attrs) : undefined,
  ],
  batch: (call) => {
    const {
      inputs: [w, dy],
      batched: [ws, dys],
      size,
      attrs,
    } = call;
    if (!ws) return [unfold(convInputGrad(w!, fold(dy!), attrs), size)];
    if (!dys) {
      // Each example's kernel reads its own input channels: fold the batch into them, [O, B * C / groups, ...].
      const [, o, c, ...k] = w!.shape as [number, number, number, ...number[]];
      const wide = reshape(transpose(w!, [1, 0, ...rest(w!, 2)]), [o, size * c, ...k]);
      return [channelsOut(convInputGrad(wide, dy!, attrs), size, attrs.groups)];
    }
    const x = convInputGrad(kernelsIn(w!, 1), channelsIn(dy!, 1), { ...attrs, groups: attrs.groups * size });
    return [channelsOut(x, size, 1)];
  },
  eval: ([w, dy], attrs) => {
    const x = result(w!.dtype, inputShape(w!.shape, dy!.shape, attrs));
    eachProduct(x.shape, w!.shape, dy!.shape, attrs, (ix, iw, iy) => {
      x.data[ix]! += w!.data[iw]! * dy!.data[iy]!;
    });
    return [x];
  },
  absorbs: [0, 1],
  axes: ([w, y], [x], { groups }) => channels({ x: x!, w: w!, y: y!, groups }, ['w', 'y'], 'x'),
  resize: (attrs, [w], [x]) => ({ ...attrs, groups: x!.shape[1]! / w!.shape[1]! }),
  work: ([w, dy]) => products(w!, dy!),
};

/** The convKernelGrad operation: x and dy to the gradient for w of the given kernel sizes. */
export const convKernelGradOp: Op<ConvAttrs & { kernel: readonly number[] }> = {
  name: 'convKernelGrad',
  infer: ([x, dy], attrs) => {
    checkType('convKernelGrad', x!, 'float');
    const w = kernelShape(x!.shape, dy!.shape, attrs);
    expectOutput('convKernelGrad', dy!.shape, convShape('convKernelGrad', x!.shape, w, attrs));
    return [{ dtype: jointType('convKernelGrad', [x!, dy!]), shape: w }];
  },
  vjp: ({ inputs: [x, dy], cotangents: [g], attrs: { kernel: _, ...attrs }, wanted }) => [
    wanted[0] ? convInputGrad(g!, dy!, { ...attrs, spatial: x!.shape.slice(2) }) : undefined,
    wanted[1] ? conv(x!, g!, attrs) : undefined,
  ],
  batch: (call) => {
    const {
      inputs: [x, dy],
      batched: [xs, dys],
      size,
      attrs,
    } = call;
    const { groups } = attrs;
    if (xs && dys) {
      const w = convKernelGrad(channelsIn(x!, 1), channelsIn(dy!, 1), { ...attrs, groups: groups * size });
      return [reshape(w, [size, w.shape[0]! / size, ...w.shape.slice(1)])];
    }
    if (xs) {
      const w = convKernelGrad(channelsIn(x!, groups), dy!, attrs);
      const [o, wide, ...k] = w.shape as [number, number, ...number[]];
      return [transpose(reshape(w, [o, size, wide / size, ...k]), [1, 0, 2, ...rest(w, 2, 1)])];
    }
    const w = convKernelGrad(x!, channelsIn(dy!, groups), attrs);
    const [wide, ...tail] = w.shape as [number, ...number[]];
    const apart = transpose(reshape(w, [groups, size, wide / size / groups, ...tail]), [1, 0, 2, ...rest(w, 1, 2)]);
    return [reshape(apart, [size, wide / size, ...tail])];
  },
  eval: ([x, dy], attrs) => {
    const w = result(x!.dtype, kernelShape(x!.shape, dy!.shape, attrs));
    eachProduct(x!.shape, w.shape, dy!.shape, attrs, (ix, iw, iy) => {
      w.data[iw]! += x!.data[ix]! * dy!.data[iy]!;
    });
    return [w];
  },
  work: ([, dy], [w]) => products(w!, dy!),
};

/** One product for each output and each kernel element that reaches it; those that meet padding are counted, as is usual. */
const products = (w: Aval, y: Aval): Work => ({
  multiplyAdds: sizeOf(y.shape) * sizeOf(w.shape.slice(1)),
  elements: 0,
});

function expectOutput(op: string, dy: Shape, expected: Shape): void {
  if (!sameShape(dy, expected)) throw new ShapeError(`${op}: expected dy ${showShape(expected)}, got ${showShape(dy)}`);
}

/**
 * Convolution (cross-correlation) of a batch over one or two spatial axes.
 * @param x [N, C, L] or [N, C, H, W]
 * @param w [O, C / groups, ...kernel]
 * @returns [N, O, ...]
 * @throws ShapeError when channels, groups or sizes do not fit, ArgumentError for strides, dilations or groups below 1
 * @example
 * const y = conv(constant(zerosArray('float32', [1, 3, 8, 8])), constant(zerosArray('float32', [4, 3, 3, 3]))); // [1, 4, 6, 6]
 */
export const conv = (x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor =>
  emit1(convOp, [x, w], convAttrs(x.rank - 2, options));

/**
 * The gradient of a convolution for its input; also known as a transposed convolution.
 * @param w [O, C / groups, ...kernel]
 * @param dy [N, O, ...], shaped as the convolution's output
 * @returns [N, C, ...attrs.spatial]
 */
export const convInputGrad = (w: Tensor, dy: Tensor, attrs: ConvAttrs & { spatial: readonly number[] }): Tensor =>
  emit1(convInputGradOp, [w, dy], attrs);

/**
 * The gradient of a convolution for its kernel.
 * @param x [N, C, ...]
 * @param dy [N, O, ...], shaped as the convolution's output
 * @returns [O, C / groups, ...attrs.kernel]
 */
export const convKernelGrad = (x: Tensor, dy: Tensor, attrs: ConvAttrs & { kernel: readonly number[] }): Tensor =>
  emit1(convKernelGradOp, [x, dy], attrs);

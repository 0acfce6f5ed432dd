import type { NdArray } from '../array.ts';
import { ArgumentError, ShapeError } from '../errors.ts';
import { type Shape, showShape } from '../shape.ts';
import { emit1, type Op, type Tensor } from '../tensor.ts';
import { reshape } from './broadcast.ts';
import { checkType, jointType } from './elementwise.ts';
import { result } from './loops.ts';
import { transpose } from './transpose.ts';

/** Geometry of a convolution over one or two spatial axes; one entry for each axis. */
export type ConvAttrs = {
  strides: readonly number[];
  /** Zeros before and after each axis. */
  padding: readonly (readonly [number, number])[];
  dilation: readonly number[];
  groups: number;
};

/*
 * A convolution is a form that is linear in its input x, its kernel w and the cotangent dy of its output. These three
 * operations are its three partial derivatives, so each one's gradients are the other two, to any order.
 */

/** The conv operation: x [N, C, ...s] and w [O, C / groups, ...k] to [N, O, ...]. */
export const convOp: Op<ConvAttrs> = {
  name: 'conv',
  infer: ([x, w], attrs) => {
    const spatial = outputSpatial('conv', x!.shape, w!.shape, attrs);
    checkType('conv', x!, 'float');
    return [{ dtype: jointType('conv', [x!, w!]), shape: [x!.shape[0]!, w!.shape[0]!, ...spatial] }];
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
};

/** The convInputGrad operation: w and dy to the gradient for x of the given spatial sizes. A transposed convolution. */
export const convInputGradOp: Op<ConvAttrs & { spatial: readonly number[] }> = {
  name: 'convInputGrad',
  infer: ([w, dy], attrs) => {
    const x = inputShape(w!.shape, dy!.shape, attrs);
    expectOutput('convInputGrad', dy!.shape, outputSpatial('convInputGrad', x, w!.shape, attrs));
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
};

/** The convKernelGrad operation: x and dy to the gradient for w of the given kernel sizes. */
export const convKernelGradOp: Op<ConvAttrs & { kernel: readonly number[] }> = {
  name: 'convKernelGrad',
  infer: ([x, dy], attrs) => {
    const w = kernelShape(x!.shape, dy!.shape, attrs);
    expectOutput('convKernelGrad', dy!.shape, outputSpatial('convKernelGrad', x!.shape, w, attrs));
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
      return [transpose(reshape(w, [o, size, wide / size, ...k]), [1, 0, ...rest(w, 2, 1)])];
    }
    const w = convKernelGrad(x!, channelsIn(dy!, groups), attrs);
    const [wide, ...tail] = w.shape as [number, ...number[]];
    const apart = transpose(reshape(w, [groups, size, wide / size / groups, ...tail]), [1, 0, ...rest(w, 1, 2)]);
    return [reshape(apart, [size, wide / size, ...tail])];
  },
  eval: ([x, dy], attrs) => {
    const w = result(x!.dtype, kernelShape(x!.shape, dy!.shape, attrs));
    eachProduct(x!.shape, w.shape, dy!.shape, attrs, (ix, iw, iy) => {
      w.data[iw]! += x!.data[ix]! * dy!.data[iy]!;
    });
    return [w];
  },
};

const inputShape = (w: Shape, dy: Shape, { groups, spatial }: ConvAttrs & { spatial: readonly number[] }): Shape => [
  dy[0]!,
  w[1]! * groups,
  ...spatial,
];
const kernelShape = (x: Shape, dy: Shape, { groups, kernel }: ConvAttrs & { kernel: readonly number[] }): Shape => [
  dy[1]!,
  x[1]! / groups,
  ...kernel,
];

function expectOutput(op: string, dy: Shape, spatial: Shape): void {
  if (spatial.some((d, i) => d !== dy[i + 2]))
    throw new ShapeError(`${op}: expected dy [N, O, ${spatial.join(', ')}], got ${showShape(dy)}`);
}

/** Checks shapes against each other and gives the spatial sizes of the output. */
function outputSpatial(op: string, x: Shape, w: Shape, { strides, padding, dilation, groups }: ConvAttrs): number[] {
  const axes = x.length - 2;
  if (axes < 1 || axes > 2 || w.length !== x.length) {
    throw new ShapeError(
      `${op}: expected x [N, C, L] or [N, C, H, W] and w of the same rank, got ${showShape(x)} and ${showShape(w)}`,
    );
  }
  if (x[1] !== w[1]! * groups || w[0]! % groups !== 0) {
    throw new ShapeError(
      `${op}: expected ${w[1]! * groups} input channels and output channels divisible by ${groups} groups, got x ${showShape(x)} and w ${showShape(w)}`,
    );
  }
  if ([strides, padding, dilation].some((list) => list.length !== axes)) {
    throw new ArgumentError(
      `${op}: expected strides, padding and dilation for ${axes} spatial axes, got ${strides.length}, ${padding.length}, ${dilation.length}`,
    );
  }
  return x.slice(2).map((d, i) => {
    const window = (w[i + 2]! - 1) * dilation[i]! + 1;
    const size = Math.floor((d + padding[i]![0] + padding[i]![1] - window) / strides[i]!) + 1;
    if (size < 1)
      throw new ShapeError(
        `${op}: expected an input of at least ${window} along spatial axis ${i} with its padding, got ${d + padding[i]![0] + padding[i]![1]}`,
      );
    return size;
  });
}

/** Visits every product of the convolution sum as offsets into x, w and y. */
function eachProduct(
  x: Shape,
  w: Shape,
  y: Shape,
  attrs: ConvAttrs,
  visit: (ix: number, iw: number, iy: number) => void,
): void {
  const two = (list: readonly number[], fill: number) =>
    (list.length === 2 ? list : [fill, ...list]) as readonly [number, number];
  const [xh, xw] = two(x.slice(2), 1);
  const [kh, kw] = two(w.slice(2), 1);
  const [yh, yw] = two(y.slice(2), 1);
  const [sh, sw] = two(attrs.strides, 1);
  const [dh, dw] = two(attrs.dilation, 1);
  const [ph, pw] = two(
    attrs.padding.map(([low]) => low),
    0,
  );
  const perGroup = w[0]! / attrs.groups;
  for (let n = 0; n < x[0]!; n++) {
    for (let o = 0; o < w[0]!; o++) {
      const firstChannel = Math.floor(o / perGroup) * w[1]!;
      for (let c = 0; c < w[1]!; c++) {
        const atX = (n * x[1]! + firstChannel + c) * xh;
        const atW = (o * w[1]! + c) * kh;
        const atY = (n * w[0]! + o) * yh;
        for (let i = 0; i < yh; i++) {
          for (let a = 0; a < kh; a++) {
            const row = i * sh + a * dh - ph;
            if (row < 0 || row >= xh) continue;
            for (let j = 0; j < yw; j++) {
              for (let b = 0; b < kw; b++) {
                const column = j * sw + b * dw - pw;
                if (column >= 0 && column < xw)
                  visit((atX + row) * xw + column, (atW + a) * kw + b, (atY + i) * yw + j);
              }
            }
          }
        }
      }
    }
  }
}

/** The axes of x from `from` on, as they stand after `shift` more have been inserted in front of them. */
const rest = (x: Tensor, from: number, shift = 0): number[] =>
  [...x.shape.keys()].slice(from).map((axis) => axis + shift);

/** [B, N, ...] to [B * N, ...]. */
const fold = (x: Tensor): Tensor => reshape(x, [x.shape[0]! * x.shape[1]!, ...x.shape.slice(2)]);
/** [B * N, ...] to [B, N, ...]. */
const unfold = (x: Tensor, size: number): Tensor => reshape(x, [size, x.shape[0]! / size, ...x.shape.slice(1)]);

/** [B, N, groups * C, ...] to [N, groups * B * C, ...]. */
function channelsIn(x: Tensor, groups: number): Tensor {
  const [b, n, c, ...s] = x.shape as [number, number, number, ...number[]];
  const apart = reshape(x, [b, n, groups, c / groups, ...s]);
  return reshape(transpose(apart, [1, 2, 0, 3, ...rest(x, 3, 1)]), [n, b * c, ...s]);
}

/** [N, groups * B * C, ...] to [B, N, groups * C, ...]. */
function channelsOut(x: Tensor, size: number, groups: number): Tensor {
  const [n, c, ...s] = x.shape as [number, number, ...number[]];
  const apart = reshape(x, [n, groups, size, c / size / groups, ...s]);
  return reshape(transpose(apart, [2, 0, 1, 3, ...rest(x, 2, 2)]), [size, n, c / size, ...s]);
}

/** [B, groups * O, C, ...] to [groups * B * O, C, ...]. */
function kernelsIn(w: Tensor, groups: number): Tensor {
  const [b, o, ...tail] = w.shape as [number, number, ...number[]];
  const apart = reshape(w, [b, groups, o / groups, ...tail]);
  return reshape(transpose(apart, [1, 0, 2, ...rest(w, 2, 1)]), [b * o, ...tail]);
}

/** Geometry as callers write it; every entry has a default. */
export type ConvOptions = Partial<ConvAttrs>;

/** Fills in the defaults of a convolution over the given number of spatial axes. */
export const convAttrs = (axes: number, { strides, padding, dilation, groups }: ConvOptions): ConvAttrs => ({
  strides: strides ?? new Array<number>(axes).fill(1),
  padding: padding ?? Array.from({ length: axes }, () => [0, 0] as const),
  dilation: dilation ?? new Array<number>(axes).fill(1),
  groups: groups ?? 1,
});

/**
 * Convolution (cross-correlation) of a batch over one or two spatial axes.
 * @param x [N, C, L] or [N, C, H, W]
 * @param w [O, C / groups, ...kernel]
 * @returns [N, O, ...]
 * @throws ShapeError when channels, groups or sizes do not fit
 * @example
 * const y = conv(constant(zerosArray('float32', [1, 3, 8, 8])), constant(zerosArray('float32', [4, 3, 3, 3]))); // [1, 4, 6, 6]
 */
export const conv = (x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor =>
  emit1(convOp, [x, w], convAttrs(x.rank - 2, options));

/** The gradient of a convolution for its input; also known as a transposed convolution. */
export const convInputGrad = (w: Tensor, dy: Tensor, attrs: ConvAttrs & { spatial: readonly number[] }): Tensor =>
  emit1(convInputGradOp, [w, dy], attrs);

/** The gradient of a convolution for its kernel. */
export const convKernelGrad = (x: Tensor, dy: Tensor, attrs: ConvAttrs & { kernel: readonly number[] }): Tensor =>
  emit1(convKernelGradOp, [x, dy], attrs);

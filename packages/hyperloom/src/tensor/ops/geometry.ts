import { ArgumentError, ShapeError } from '../errors.ts';
import { isShape, type Shape, showShape } from '../shape.ts';

/** Geometry of a convolution over one or two spatial axes; one entry for each axis. */
export type ConvAttrs = {
  strides: readonly number[];
  /** Zeros before and after each axis. */
  padding: readonly (readonly [number, number])[];
  dilation: readonly number[];
  groups: number;
};

/** Geometry as callers write it; every entry has a default. */
export type ConvOptions = Partial<ConvAttrs>;

const ones = (axes: number): number[] => new Array<number>(Math.max(axes, 0)).fill(1);

/** Fills in the defaults of a convolution over the given number of spatial axes. */
export const convAttrs = (axes: number, { strides, padding, dilation, groups }: ConvOptions): ConvAttrs => ({
  strides: strides ?? ones(axes),
  padding: padding ?? ones(axes).map(() => [0, 0] as const),
  dilation: dilation ?? ones(axes),
  groups: groups ?? 1,
});

/** The shape of x for a kernel, an output and the spatial sizes of x. */
export const inputShape = (
  w: Shape,
  dy: Shape,
  { groups, spatial }: ConvAttrs & { spatial: readonly number[] },
): Shape => [dy[0]!, w[1]! * groups, ...spatial];

/** The shape of w for an input, an output and the kernel sizes of w. */
export const kernelShape = (
  x: Shape,
  dy: Shape,
  { groups, kernel }: ConvAttrs & { kernel: readonly number[] },
): Shape => [dy[1]!, x[1]! / groups, ...kernel];

/** Checks that strides, dilations and windows are whole and at least 1, and that no padding is negative. */
export function checkWindow(
  op: string,
  positive: Readonly<Record<string, readonly number[]>>,
  padding: readonly (readonly [number, number])[],
): void {
  for (const [name, list] of Object.entries(positive)) {
    if (!isShape(list) || list.includes(0))
      throw new ArgumentError(`${op}: expected ${name} of whole numbers of at least 1, got ${showShape(list)}`);
  }
  if (!isShape(padding.flat()))
    throw new ArgumentError(`${op}: expected whole padding, none negative, got [${padding.map(showShape).join(', ')}]`);
}

/** Checks shapes and geometry against each other and gives the shape of the output. */
export function convShape(op: string, x: Shape, w: Shape, { strides, padding, dilation, groups }: ConvAttrs): Shape {
  const axes = x.length - 2;
  if (axes < 1 || axes > 2 || w.length !== x.length) {
    throw new ShapeError(
      `${op}: expected x [N, C, L] or [N, C, H, W] and w of the same rank, got ${showShape(x)} and ${showShape(w)}`,
    );
  }
  checkWindow(op, { strides, dilation, groups: [groups] }, padding);
  if (x[1] !== w[1]! * groups || w[0]! % groups !== 0 || !isShape(w)) {
    const times = groups === 1 ? '' : `${groups} * `;
    throw new ShapeError(
      `${op}: expected x [N, ${times}C, ...] and w [${times}O, C, ...], got ${showShape(x)} and ${showShape(w)}`,
    );
  }
  if ([strides, padding, dilation].some((list) => list.length !== axes)) {
    throw new ArgumentError(
      `${op}: expected strides, padding and dilation for ${axes} spatial axes, got ${strides.length}, ${padding.length}, ${dilation.length}`,
    );
  }
  const spatial = x.slice(2).map((d, i) => {
    const window = (w[i + 2]! - 1) * dilation[i]! + 1;
    const padded = d + padding[i]![0] + padding[i]![1];
    if (padded < window)
      throw new ShapeError(
        `${op}: expected at least ${window} elements along spatial axis ${i} with its padding, got ${padded}`,
      );
    return Math.floor((padded - window) / strides[i]!) + 1;
  });
  return [x[0]!, w[0]!, ...spatial];
}

/** Fills up sizes of one spatial axis to two. */
export const twoAxes = (list: readonly number[], fill: number): readonly [number, number] =>
  (list.length === 2 ? list : [fill, ...list]) as readonly [number, number];

/** Visits every product of the convolution sum as offsets into x, w and y. */
export function eachProduct(
  x: Shape,
  w: Shape,
  y: Shape,
  attrs: ConvAttrs,
  visit: (ix: number, iw: number, iy: number) => void,
): void {
  const [xh, xw] = twoAxes(x.slice(2), 1);
  const [kh, kw] = twoAxes(w.slice(2), 1);
  const [yh, yw] = twoAxes(y.slice(2), 1);
  const [sh, sw] = twoAxes(attrs.strides, 1);
  const [dh, dw] = twoAxes(attrs.dilation, 1);
  const [ph, pw] = twoAxes(
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

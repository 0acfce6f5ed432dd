import { ShapeError } from '../errors.ts';
import { type Shape, sameShape, showShape } from '../shape.ts';
import { emit1, type Op, type Tensor } from '../tensor.ts';
import { broadcastTo, reshape, reshapeOp } from './broadcast.ts';
import { checkType, jointType } from './checks.ts';
import { relu, reluOp } from './compare.ts';
import { alongOthers } from './factors.ts';
import { checkWindow, twoAxes } from './geometry.ts';
import { result } from './loops.ts';

/** Geometry of a pooling window; one entry for each spatial axis. */
export type PoolAttrs = {
  window: readonly number[];
  strides: readonly number[];
  padding: readonly (readonly [number, number])[];
};

function pooledShape(op: string, x: Shape, { window, strides, padding }: PoolAttrs): Shape {
  const axes = x.length - 2;
  if (axes < 1 || axes > 2 || [window, strides, padding].some((list) => list.length !== axes)) {
    throw new ShapeError(
      `${op}: expected x [N, C, L] or [N, C, H, W] and a window for its spatial axes, got ${showShape(x)} and window ${showShape(window)}`,
    );
  }
  checkWindow(op, { window, strides }, padding);
  const spatial = x.slice(2).map((d, i) => {
    const size = Math.floor((d + padding[i]![0] + padding[i]![1] - window[i]!) / strides[i]!) + 1;
    if (d < 1 || size < 1 || padding[i]!.some((p) => p >= window[i]!)) {
      throw new ShapeError(
        `${op}: expected padding below the window and an input of at least ${window[i]} along spatial axis ${i}, got ${showShape(x)}`,
      );
    }
    return size;
  });
  return [x[0]!, x[1]!, ...spatial];
}

/** Visits each window with the offset of its output and the offsets of the inputs that it covers, in row-major order. */
function eachWindow(
  x: Shape,
  y: Shape,
  { window, strides, padding }: PoolAttrs,
  visit: (out: number, inside: readonly number[]) => void,
): void {
  const [xh, xw] = twoAxes(x.slice(2), 1);
  const [yh, yw] = twoAxes(y.slice(2), 1);
  const [kh, kw] = twoAxes(window, 1);
  const [sh, sw] = twoAxes(strides, 1);
  const [ph, pw] = twoAxes(
    padding.map(([low]) => low),
    0,
  );
  for (let plane = 0; plane < x[0]! * x[1]!; plane++) {
    for (let i = 0; i < yh; i++) {
      for (let j = 0; j < yw; j++) {
        const inside: number[] = [];
        for (let a = Math.max(0, i * sh - ph); a < Math.min(xh, i * sh - ph + kh); a++) {
          for (let b = Math.max(0, j * sw - pw); b < Math.min(xw, j * sw - pw + kw); b++)
            inside.push((plane * xh + a) * xw + b);
        }
        visit((plane * yh + i) * yw + j, inside);
      }
    }
  }
}

const firstMaximum = (data: ArrayLike<number>, inside: readonly number[]): number =>
  inside.reduce((best, at) => (data[at]! > data[best]! ? at : best), inside[0]!);

/** Pools over folded batches: [B, N, ...] is [B * N, ...] to a window. */
const folded =
  (op: Op<PoolAttrs>): Op<PoolAttrs>['batch'] =>
  ({ inputs, batched, size, attrs }) => {
    const flat = inputs.map((x, i) =>
      batched[i] ? reshape(x, [size * x.shape[1]!, ...x.shape.slice(2)]) : repeat(x, size),
    );
    const y = emit1(op, flat, attrs);
    return [reshape(y, [size, y.shape[0]! / size, ...y.shape.slice(1)])];
  };

const repeat = (x: Tensor, size: number): Tensor =>
  reshape(broadcastTo(x, [size, ...x.shape]), [size * x.shape[0]!, ...x.shape.slice(1)]);

/** The maxPool operation: the largest element of each window; padding never wins. */
export const maxPoolOp: Op<PoolAttrs> = {
  name: 'maxPool',
  infer: ([x], attrs) => {
    checkType('maxPool', x!, 'float');
    return [{ dtype: x!.dtype, shape: pooledShape('maxPool', x!.shape, attrs) }];
  },
  vjp: ({ inputs: [x], cotangents: [dy], attrs }) => [emit1(maxPoolGradOp, [x!, dy!], attrs)],
  batch: (call) => folded(maxPoolOp)(call),
  eval: ([x], attrs) => {
    const y = result(x!.dtype, pooledShape('maxPool', x!.shape, attrs));
    eachWindow(x!.shape, y.shape, attrs, (out, inside) => {
      y.data[out] = x!.data[firstMaximum(x!.data, inside)]!;
    });
    return [y];
  },
  axes: (inputs, outputs) => alongOthers(inputs, outputs, (axis) => axis >= 2),
};

/** The maxPoolGrad operation: x and dy to dx; the first maximum of each window gets its dy. */
export const maxPoolGradOp: Op<PoolAttrs> = {
  name: 'maxPoolGrad',
  infer: ([x, dy], attrs) => {
    checkType('maxPoolGrad', x!, 'float');
    const expected = pooledShape('maxPoolGrad', x!.shape, attrs);
    if (!sameShape(expected, dy!.shape))
      throw new ShapeError(`maxPoolGrad: expected dy ${showShape(expected)}, got ${showShape(dy!.shape)}`);
    return [{ dtype: jointType('maxPoolGrad', [x!, dy!]), shape: x!.shape }];
  },
  vjp: ({ inputs: [x], cotangents: [g], attrs }) => [undefined, emit1(maxPoolPickOp, [x!, g!], attrs)],
  batch: (call) => folded(maxPoolGradOp)(call),
  eval: ([x, dy], attrs) => {
    const dx = result(x!.dtype, x!.shape);
    eachWindow(x!.shape, dy!.shape, attrs, (out, inside) => {
      dx.data[firstMaximum(x!.data, inside)]! += dy!.data[out]!;
    });
    return [dx];
  },
};

/** The maxPoolPick operation: values of g where x has the first maximum of each window. */
export const maxPoolPickOp: Op<PoolAttrs> = {
  name: 'maxPoolPick',
  infer: ([x, g], attrs) => {
    checkType('maxPoolPick', x!, 'float');
    if (!sameShape(x!.shape, g!.shape))
      throw new ShapeError(`maxPoolPick: expected g ${showShape(x!.shape)}, got ${showShape(g!.shape)}`);
    return [{ dtype: jointType('maxPoolPick', [x!, g!]), shape: pooledShape('maxPoolPick', x!.shape, attrs) }];
  },
  vjp: ({ inputs: [x], cotangents: [dy], attrs }) => [undefined, emit1(maxPoolGradOp, [x!, dy!], attrs)],
  batch: (call) => folded(maxPoolPickOp)(call),
  eval: ([x, g], attrs) => {
    const y = result(x!.dtype, pooledShape('maxPoolPick', x!.shape, attrs));
    eachWindow(x!.shape, y.shape, attrs, (out, inside) => {
      y.data[out] = g!.data[firstMaximum(x!.data, inside)]!;
    });
    return [y];
  },
};

/** The avgPool operation: the mean of each window; padding counts as zeros. */
export const avgPoolOp: Op<PoolAttrs> = {
  name: 'avgPool',
  infer: ([x], attrs) => {
    checkType('avgPool', x!, 'float');
    return [{ dtype: x!.dtype, shape: pooledShape('avgPool', x!.shape, attrs) }];
  },
  vjp: ({ inputs: [x], cotangents: [dy], attrs }) => [
    emit1(avgPoolGradOp, [dy!], { ...attrs, spatial: x!.shape.slice(2) }),
  ],
  batch: (call) => folded(avgPoolOp)(call),
  eval: ([x], attrs) => {
    const y = result(x!.dtype, pooledShape('avgPool', x!.shape, attrs));
    const count = attrs.window.reduce((a, b) => a * b, 1);
    eachWindow(x!.shape, y.shape, attrs, (out, inside) => {
      y.data[out] = inside.reduce((total, at) => total + x!.data[at]!, 0) / count;
    });
    return [y];
  },
  axes: (inputs, outputs) => alongOthers(inputs, outputs, (axis) => axis >= 2),
};

/** The avgPoolGrad operation: dy to dx of the given spatial sizes. */
export const avgPoolGradOp: Op<PoolAttrs & { spatial: readonly number[] }> = {
  name: 'avgPoolGrad',
  infer: ([dy], { spatial, ...attrs }) => {
    checkType('avgPoolGrad', dy!, 'float');
    const shape = [...dy!.shape.slice(0, 2), ...spatial];
    const expected = pooledShape('avgPoolGrad', shape, attrs);
    if (!sameShape(expected, dy!.shape))
      throw new ShapeError(`avgPoolGrad: expected dy ${showShape(expected)}, got ${showShape(dy!.shape)}`);
    return [{ dtype: dy!.dtype, shape }];
  },
  vjp: ({ cotangents: [g], attrs: { spatial: _, ...attrs } }) => [emit1(avgPoolOp, [g!], attrs)],
  batch: (call) => folded(avgPoolGradOp as Op<PoolAttrs>)(call),
  eval: ([dy], { spatial, ...attrs }) => {
    const dx = result(dy!.dtype, [...dy!.shape.slice(0, 2), ...spatial]);
    const count = attrs.window.reduce((a, b) => a * b, 1);
    eachWindow(dx.shape, dy!.shape, attrs, (out, inside) => {
      for (const at of inside) dx.data[at]! += dy!.data[out]! / count;
    });
    return [dx];
  },
};

/** A pooling window as callers write it: strides default to the window, padding to none. */
export type PoolOptions = Partial<Omit<PoolAttrs, 'window'>>;

const poolAttrs = (window: readonly number[], { strides, padding }: PoolOptions): PoolAttrs => ({
  window,
  strides: strides ?? window,
  padding: padding ?? window.map(() => [0, 0] as const),
});

/**
 * Largest element of each window over one or two spatial axes.
 * @param x [N, C, L] or [N, C, H, W]
 * @throws ShapeError when the window does not fit, ArgumentError for a window or strides below 1
 * @example
 * const y = maxPool(constant(zerosArray('float32', [1, 1, 4, 4])), [2, 2]); // [1, 1, 2, 2]
 */
export function maxPool(x: Tensor, window: readonly number[], options: PoolOptions = {}): Tensor {
  // relu is monotone, so it commutes with the maximum; after the pool it has a fraction of the work.
  const source = x.node.op === (reshapeOp as Op) ? x.node.inputs[0]! : x;
  if (source.node.op === (reluOp as Op))
    return relu(maxPool(reshape(source.node.inputs[0]!, x.shape), window, options));
  return emit1(maxPoolOp, [x], poolAttrs(window, options));
}

/**
 * Mean of each window over one or two spatial axes; padding counts as zeros.
 * @param x [N, C, L] or [N, C, H, W]
 * @throws ShapeError when the window does not fit, ArgumentError for a window or strides below 1
 * @example
 * const y = avgPool(constant(ndarray([[[1, 3, 5, 7]]])), [2]); // [[[2, 6]]]
 */
export const avgPool = (x: Tensor, window: readonly number[], options: PoolOptions = {}): Tensor =>
  emit1(avgPoolOp, [x], poolAttrs(window, options));

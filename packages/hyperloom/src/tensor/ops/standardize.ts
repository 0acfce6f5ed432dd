import { ShapeError } from '../errors.ts';
import { sizeOf } from '../shape.ts';
import { emit, type Op, type Tensor } from '../tensor.ts';
import { add, mul, neg, square, sub } from './arithmetic.ts';
import { reducedShape } from './broadcast.ts';
import { checkType } from './checks.ts';
import { alongOthers } from './factors.ts';
import { result } from './loops.ts';
import { mean } from './reduce.ts';

/** The options of {@link standardizeOp}: `epsilon` is added to the variance. */
type StandardizeAttrs = { epsilon: number };

/**
 * The standardize operation over the last axis: x to (x - mean) * rstd, and to rstd = 1 / sqrt(variance + epsilon), whose
 * last axis has size 1. The variance is divided by n.
 */
export const standardizeOp: Op<StandardizeAttrs> = {
  name: 'standardize',
  infer: ([x]) => {
    checkType('standardize', x!, 'float');
    if (x!.shape.length === 0) throw new ShapeError('standardize: expected at least one axis, got a scalar');
    return [x!, { dtype: x!.dtype, shape: reducedShape(x!.shape, [x!.shape.length - 1], true) }];
  },
  // d rstd / dx is -rstd^2 y / n, so that a cotangent of rstd joins the mean of dy * y. The product with rstd comes first:
  // in a loop, factors that are known of a step are multiplied before it.
  vjp: ({ inputs: [x], outputs: [y, rstd], cotangents: [dy, drstd] }) => {
    const along = { axis: -1, keepDims: true };
    const spread = drstd && mul(mul(drstd, square(rstd!)), 1 / x!.shape.at(-1)!);
    if (dy === undefined) return [spread && neg(mul(spread, y!))];
    const scaled = mul(dy, rstd!);
    const same = mean(mul(scaled, y!), along);
    return [sub(sub(scaled, mean(scaled, along)), mul(y!, spread ? add(same, spread) : same))];
  },
  batch: ({ inputs, attrs }) => emit(standardizeOp, inputs, attrs),
  eval: ([x], { epsilon }) => {
    const size = x!.shape.at(-1)!;
    const y = result(x!.dtype, x!.shape);
    const rstd = result(x!.dtype, reducedShape(x!.shape, [x!.shape.length - 1], true));
    for (let row = 0; row < rstd.data.length; row++) {
      const values = Array.from(x!.data.subarray(row * size, (row + 1) * size));
      const centre = values.reduce((total, v) => total + v, 0) / size;
      const variance = values.reduce((total, v) => total + (v - centre) ** 2, 0) / size;
      const scale = 1 / Math.sqrt(variance + epsilon);
      rstd.data[row] = scale;
      values.forEach((v, i) => {
        y.data[row * size + i] = (v - centre) * scale;
      });
    }
    return [y, rstd];
  },
  // The other output is 1 / sqrt(epsilon) for zeros.
  axes: ([x], outputs) => ({
    ...alongOthers([x!], outputs, (axis) => axis === x!.shape.length - 1),
    keepsZeros: false,
  }),
  // Once for the mean, once for the variance, once for the result.
  work: ([x]) => ({ multiplyAdds: 0, elements: 3 * sizeOf(x!.shape) }),
};

/** Zero mean and unit variance over the last axis. */
export const standardize = (x: Tensor, epsilon: number): Tensor => emit(standardizeOp, [x], { epsilon })[0] as Tensor;

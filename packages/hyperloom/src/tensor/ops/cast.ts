import { type DType, isFloat } from '../dtype.ts';
import { ArgumentError } from '../errors.ts';
import { emit1, noWork, type Op, type Tensor } from '../tensor.ts';
import { unary } from './elementwise.ts';

const convert = (x: number, dtype: DType): number =>
  isFloat(dtype) ? x : dtype === 'bool' ? Number(x !== 0) : Math.trunc(x);

export const castOp: Op<{ dtype: DType }> = unary<{ dtype: DType }>({
  name: 'cast',
  accepts: 'any',
  f: (x, { dtype }) => convert(x, dtype),
  type: (_, { dtype }) => dtype,
  gradient: (dy, x) => cast(dy, x.dtype),
});

/** The identity operation: a name for a value, so that gradients can be asked for with respect to it. */
export const identityOp = unary({ name: 'identity', accepts: 'any', f: (x) => x, gradient: (dy) => dy, work: noWork });

/** The stopGradient operation: the same value, through which no gradient flows. */
export const stopGradientOp: Op<Record<string, never>> = unary({
  name: 'stopGradient',
  accepts: 'any',
  f: (x) => x,
  work: noWork,
});

/**
 * Elements truncated and wrapped as integers, rounded as floats, or tested against 0 as bools.
 * @example
 * const whole = cast(constant([1.7, -1.7]), 'int32'); // [1, -1]
 */
export const cast = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : emit1(castOp, [x], { dtype }));

/** A fresh name for a value; programs drop it. */
export const identity = (x: Tensor): Tensor => emit1(identityOp, [x], {});

/**
 * The same value, taken as a constant by gradients.
 * @example
 * const slope = grad((x: Tensor) => mul(x, stopGradient(x)))(constant(3)); // 3, not 6
 */
export const stopGradient = (x: Tensor): Tensor => emit1(stopGradientOp, [x], {});

export const shiftRightOp = unary<{ bits: number }>({
  name: 'shiftRight',
  accepts: 'uint32',
  f: (x, { bits }) => x >>> bits,
});

/** Elements of uint32 shifted right by whole bits, from 0 to 31. */
export function shiftRight(x: Tensor, bits: number): Tensor {
  if (!Number.isInteger(bits) || bits < 0 || bits > 31)
    throw new ArgumentError(`shiftRight: expected whole bits from 0 to 31, got ${bits}`);
  return emit1(shiftRightOp, [x], { bits });
}

import { ArgumentError, DTypeError } from '../errors.ts';
import { emit1, noGradient, type Op, pair, type Tensor, type TensorLike } from '../tensor.ts';
import { add, mul } from './arithmetic.ts';
import { sumTo } from './broadcast.ts';
import { jointShape, jointType } from './checks.ts';
import { alignBatch, binary, unary } from './elementwise.ts';
import { mapBroadcast } from './loops.ts';

const comparison = (name: string, f: (a: number, b: number) => boolean) =>
  binary({ name, accepts: 'any', f: (a, b) => Number(f(a, b)), output: 'bool', vjp: noGradient });

export const equalOp = comparison('equal', (a, b) => a === b);
export const notEqualOp = comparison('notEqual', (a, b) => a !== b);
export const lessOp = comparison('less', (a, b) => a < b);
export const lessEqualOp = comparison('lessEqual', (a, b) => a <= b);
export const greaterOp = comparison('greater', (a, b) => a > b);
export const greaterEqualOp = comparison('greaterEqual', (a, b) => a >= b);
export const andOp = binary({ name: 'and', accepts: 'bool', f: (a, b) => a & b, vjp: noGradient });
export const orOp = binary({ name: 'or', accepts: 'bool', f: (a, b) => a | b, vjp: noGradient });
export const notOp = unary({ name: 'not', accepts: 'bool', f: (x) => 1 - x });

/** The where operation: `a` where the condition holds, `b` elsewhere; all three broadcast. */
export const whereOp: Op<Record<string, never>> = {
  name: 'where',
  elementwise: true,
  infer: (inputs) => {
    const [condition, ...values] = inputs;
    if (condition!.dtype !== 'bool') throw new DTypeError(`where: expected a bool condition, got ${condition!.dtype}`);
    return [{ dtype: jointType('where', values), shape: jointShape('where', inputs) }];
  },
  vjp: ({ inputs: [condition, a, b], cotangents: [dy], wanted }) => [
    undefined,
    wanted[1] ? sumTo(where(condition!, dy!, 0), a!.shape) : undefined,
    wanted[2] ? sumTo(where(condition!, 0, dy!), b!.shape) : undefined,
  ],
  batch: (call) => [emit1(whereOp, alignBatch(call), {})],
  eval: (inputs) => [mapBroadcast(inputs, inputs[1]!.dtype, jointShape('where', inputs), (c, a, b) => (c ? a : b))],
};

const extremum = (name: 'maximum' | 'minimum', f: (a: number, b: number) => number) => {
  const op: Op<Record<string, never>> = binary({
    name,
    accepts: 'number',
    f,
    // At a tie each side gets half, as in PyTorch and JAX.
    vjp: ({ inputs: [a, b], outputs: [y], cotangents: [dy], wanted }) => {
      const half = where(equal(a!, b!), mul(dy!, 0.5), dy!);
      return [a!, b!].map((x, i) => (wanted[i] ? sumTo(where(equal(x, y!), half, 0), x.shape) : undefined));
    },
  });
  return op;
};

export const maximumOp = extremum('maximum', Math.max);
export const minimumOp = extremum('minimum', Math.min);

/** Elementwise `a === b`, a bool tensor. */
export const equal = (a: TensorLike, b: TensorLike): Tensor => emit1(equalOp, pair('equal', a, b), {});
/** Elementwise `a !== b`. */
export const notEqual = (a: TensorLike, b: TensorLike): Tensor => emit1(notEqualOp, pair('notEqual', a, b), {});
/** Elementwise `a < b`. */
export const less = (a: TensorLike, b: TensorLike): Tensor => emit1(lessOp, pair('less', a, b), {});
/** Elementwise `a <= b`. */
export const lessEqual = (a: TensorLike, b: TensorLike): Tensor => emit1(lessEqualOp, pair('lessEqual', a, b), {});
/** Elementwise `a > b`. */
export const greater = (a: TensorLike, b: TensorLike): Tensor => emit1(greaterOp, pair('greater', a, b), {});
/** Elementwise `a >= b`. */
export const greaterEqual = (a: TensorLike, b: TensorLike): Tensor =>
  emit1(greaterEqualOp, pair('greaterEqual', a, b), {});
/** Elementwise and of two bool tensors. */
export const and = (a: Tensor, b: Tensor): Tensor => emit1(andOp, [a, b], {});
/** Elementwise or of two bool tensors. */
export const or = (a: Tensor, b: Tensor): Tensor => emit1(orOp, [a, b], {});
/** Elementwise not of a bool tensor. */
export const not = (x: Tensor): Tensor => emit1(notOp, [x], {});

/**
 * Chooses `a` where `condition` holds and `b` elsewhere; all three broadcast.
 * @example
 * const x = constant([-1, 2]);
 * const magnitude = where(less(x, 0), neg(x), x);
 */
export const where = (condition: Tensor, a: TensorLike, b: TensorLike): Tensor =>
  emit1(whereOp, [condition, ...pair('where', a, b)], {});

/** Elementwise larger of two; shapes broadcast. A tie gives each side half of the gradient. */
export const maximum = (a: TensorLike, b: TensorLike): Tensor => emit1(maximumOp, pair('maximum', a, b), {});
/** Elementwise smaller of two; shapes broadcast. A tie gives each side half of the gradient. */
export const minimum = (a: TensorLike, b: TensorLike): Tensor => emit1(minimumOp, pair('minimum', a, b), {});

export const clipOp = unary<{ low: number; high: number }>({
  name: 'clip',
  accepts: 'number',
  f: (x, { low, high }) => Math.min(Math.max(x, low), high),
  gradient: (dy, x, _, { low, high }) => where(and(greaterEqual(x, low), lessEqual(x, high)), dy, 0),
});

/**
 * Limits each element to [low, high]; the gradient passes where the element lies inside, ends included.
 * @throws ArgumentError unless low is at most high
 */
export function clip(x: Tensor, low: number, high: number): Tensor {
  if (!(low <= high)) throw new ArgumentError(`clip: expected low at most high, got ${low} and ${high}`);
  return emit1(clipOp, [x], { low, high });
}

export const reluOp = unary({
  name: 'relu',
  accepts: 'number',
  f: (x) => Math.max(x, 0),
  gradient: (dy, _, y) => where(greater(y, 0), dy, 0),
});

/** Elementwise `max(x, 0)`; the gradient at 0 is 0. */
export const relu = (x: Tensor): Tensor => emit1(reluOp, [x], {});

export const signOp = unary({ name: 'sign', accepts: 'number', f: Math.sign });
/** Elementwise -1, 0 or 1; no gradient flows through it. */
export const sign = (x: Tensor): Tensor => emit1(signOp, [x], {});

export const absOp = unary({ name: 'abs', accepts: 'number', f: Math.abs, gradient: (dy, x) => mul(dy, sign(x)) });
/** Elementwise absolute value; the gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => emit1(absOp, [x], {});

/** Adds two cotangents of which either may be absent. */
export const addMaybe = (a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined =>
  a === undefined ? b : b === undefined ? a : add(a, b);

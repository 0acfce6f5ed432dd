import type { NdArray } from '../array.ts';
import { constantOp, emit1, type Op, pair, type Tensor, type TensorLike } from '../tensor.ts';
import { add, div, mul, neg, square, sub } from './arithmetic.ts';
import { sumTo } from './broadcast.ts';
import { equal, greater, where } from './compare.ts';
import { binary, unary } from './elementwise.ts';

type Gradient = (dy: Tensor, x: Tensor, y: Tensor) => Tensor;
const float = (name: string, f: (x: number) => number, gradient?: Gradient) =>
  unary({ name, accepts: 'float', f, ...(gradient && { gradient }) });

export const expOp = float('exp', Math.exp, (dy, _, y) => mul(dy, y));
export const expm1Op = float('expm1', Math.expm1, (dy, _, y) => mul(dy, add(y, 1)));
export const logOp = float('log', Math.log, (dy, x) => div(dy, x));
export const log1pOp = float('log1p', Math.log1p, (dy, x) => div(dy, add(x, 1)));
export const sqrtOp = float('sqrt', Math.sqrt, (dy, _, y) => div(mul(dy, 0.5), y));
export const rsqrtOp = float(
  'rsqrt',
  (x) => 1 / Math.sqrt(x),
  (dy, x, y) => mul(mul(dy, -0.5), div(y, x)),
);
export const tanhOp = float('tanh', Math.tanh, (dy, _, y) => mul(dy, sub(1, square(y))));
export const sigmoidOp = float(
  'sigmoid',
  (x) => 1 / (1 + Math.exp(-x)),
  (dy, _, y) => mul(dy, mul(y, sub(1, y))),
);
export const sinOp = float('sin', Math.sin, (dy, x) => mul(dy, cos(x)));
export const cosOp = float('cos', Math.cos, (dy, x) => neg(mul(dy, sin(x))));
export const erfOp = float('erf', erfOf, (dy, x) => mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))));
export const floorOp = float('floor', Math.floor);

export const powOp: Op<Record<string, never>> = binary({
  name: 'pow',
  accepts: 'float',
  f: (a, b) => a ** b,
  vjp: ({ inputs: [a, b], outputs: [y], cotangents: [dy], wanted }) => [
    wanted[0] ? sumTo(mul(dy!, powerSlope(a!, b!)), a!.shape) : undefined,
    // The limit of a^b log a at a = 0 is 0; log of a safe value keeps NaN out of the untaken branch.
    wanted[1] ? sumTo(mul(dy!, mul(y!, log(where(greater(a!, 0), a!, 1)))), b!.shape) : undefined,
  ],
});

/** b a^(b - 1), which is 0 where b is, also at a = 0. */
function powerSlope(a: Tensor, b: Tensor): Tensor {
  if (b.node.op === (constantOp as Op) && b.rank === 0) {
    const power = (b.node.attrs.value as NdArray).data[0]!;
    if (power === 1) return b;
    if (power === 2) return mul(a, 2);
  }
  const zero = equal(b, 0);
  return mul(b, pow(a, where(zero, 1, sub(b, 1))));
}

/** The error function to float64 accuracy: its series near 0, a continued fraction for the tail. */
function erfOf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let term = z;
    let sum = z;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction));
}

/** Elementwise exponential. */
export const exp = (x: Tensor): Tensor => emit1(expOp, [x], {});
/** Elementwise `exp(x) - 1`, exact near 0. */
export const expm1 = (x: Tensor): Tensor => emit1(expm1Op, [x], {});
/** Elementwise natural logarithm. */
export const log = (x: Tensor): Tensor => emit1(logOp, [x], {});
/** Elementwise `log(1 + x)`, exact near 0. */
export const log1p = (x: Tensor): Tensor => emit1(log1pOp, [x], {});
/** Elementwise square root. */
export const sqrt = (x: Tensor): Tensor => emit1(sqrtOp, [x], {});
/** Elementwise `1 / sqrt(x)`. */
export const rsqrt = (x: Tensor): Tensor => emit1(rsqrtOp, [x], {});
/** Elementwise hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => emit1(tanhOp, [x], {});
/** Elementwise logistic function `1 / (1 + exp(-x))`. */
export const sigmoid = (x: Tensor): Tensor => emit1(sigmoidOp, [x], {});
/** Elementwise sine, radians. */
export const sin = (x: Tensor): Tensor => emit1(sinOp, [x], {});
/** Elementwise cosine, radians. */
export const cos = (x: Tensor): Tensor => emit1(cosOp, [x], {});
/** Elementwise error function. */
export const erf = (x: Tensor): Tensor => emit1(erfOp, [x], {});
/** Elementwise largest whole number not above x; no gradient flows through it. */
export const floor = (x: Tensor): Tensor => emit1(floorOp, [x], {});
/**
 * Elementwise power, broadcasting.
 * @example
 * const y = pow(constant([1, 2, 3]), 2); // [1, 4, 9]
 */
export const pow = (a: TensorLike, b: TensorLike): Tensor => emit1(powOp, pair('pow', a, b), {});

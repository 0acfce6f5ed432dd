import { type DType, isFloat } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import { biasedConv } from './blocked.ts';
import { type Detour, detoured, type Lowering, type Lowerings, names } from './lowering.ts';

/** An operation of one input that ONNX has under another name. */
const unary =
  (type: string, detour: Detour = {}): Lowering =>
  ({ b, inputs: [x] }) =>
    detoured(b, x!.dtype, detour, [x!.name()], (xs) => b.node(type, xs));

/** An operation of broadcast inputs that ONNX has under another name. */
const broadcast =
  (type: string): Lowering =>
  (call) =>
    call.b.node(type, names(call));

/** A comparison; bools are compared as integers. */
const comparison =
  (type: string): Lowering =>
  (call) =>
    detoured(call.b, call.inputs[0]!.dtype, { bool: 'int32' }, names(call), (xs) => call.b.node(type, xs), {
      castBack: false,
    });

/** `exp(x) - 1` as `tanh(x / 2) (exp(x) + 1)`, which has no cancellation at 0 and the right limits. */
const expm1: Lowering = ({ b, inputs: [x] }) => {
  const { dtype } = x!;
  const half = b.node('Mul', [x!.name(), b.scalar(dtype, 0.5)]);
  return b.node('Mul', [b.node('Tanh', [half]), b.node('Add', [b.node('Exp', [x!.name()]), b.scalar(dtype, 1)])]);
};

/**
 * `log(1 + x)` with the rounding of `u = 1 + x` undone: log(u) x / (u - 1) (Kahan; Higham 2002, section 1.14.1).
 * Where nothing was rounded it is log(u), which also holds at infinity; where x was lost altogether it is x.
 */
const log1p: Lowering = ({ b, inputs: [x] }) => {
  const name = x!.name();
  const one = b.scalar(x!.dtype, 1);
  const u = b.node('Add', [name, one]);
  const kept = b.node('Sub', [u, one]);
  const log = b.node('Log', [u]);
  const lost = b.node('Equal', [kept, b.scalar(x!.dtype, 0)]);
  const corrected = b.node('Mul', [log, b.node('Div', [name, b.node('Where', [lost, one, kept])])]);
  const either = b.node('Where', [lost, name, corrected]);
  return b.node('Where', [b.node('Equal', [kept, name]), log, either]);
};

/** Division; integers by zero give 0, where the processor would stop the program. */
const div: Lowering = (call) => {
  const { b, inputs } = call;
  const [x, y] = names(call) as [string, string];
  const { dtype } = inputs[0]!;
  if (isFloat(dtype)) return b.node('Div', [x, y]);
  const zero = b.scalar(dtype, 0);
  const bad = b.node('Equal', [y, zero]);
  const safe = choose(b, dtype, bad, b.scalar(dtype, 1), y);
  return choose(b, dtype, bad, zero, b.node('Div', [x, safe]));
};

/** `Where`, which has no kernel for uint32 and bool. */
const choose = (b: Builder, dtype: DType, condition: string, yes: string, no: string): string =>
  detoured(b, dtype, { uint32: 'int64', bool: 'int32' }, [yes, no], (xs) => b.node('Where', [condition, ...xs]));

const limit = (dtype: DType, value: number): number => {
  if (isFloat(dtype)) return value;
  const [low, high] = dtype === 'int32' ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  return Math.min(Math.max(value, low), high);
};

const cast: Lowering<{ dtype: DType }> = ({ b, inputs: [x], attrs: { dtype } }) => {
  // Of a float only the conversion to a signed integer is defined for numbers below 0; its low bits are what is meant.
  const through = isFloat(x!.dtype) && dtype === 'uint32' ? b.cast(x!.name(), 'int64') : x!.name();
  return b.cast(through, dtype);
};

/** Elementwise operations. */
export const elementwise = {
  neg: ({ b, inputs: [x] }) =>
    x!.dtype === 'uint32' ? b.node('Sub', [b.scalar('uint32', 0), x!.name()]) : b.node('Neg', [x!.name()]),
  add: (call) => biasedConv(call) ?? broadcast('Add')(call),
  sub: broadcast('Sub'),
  mul: broadcast('Mul'),
  div,
  pow: broadcast('Pow'),
  exp: unary('Exp'),
  expm1,
  log: unary('Log'),
  log1p,
  sqrt: unary('Sqrt'),
  rsqrt: ({ b, inputs: [x] }) => b.node('Reciprocal', [b.node('Sqrt', [x!.name()])]),
  tanh: unary('Tanh'),
  sigmoid: unary('Sigmoid'),
  sin: unary('Sin'),
  cos: unary('Cos'),
  erf: unary('Erf'),
  floor: unary('Floor'),
  abs: unary('Abs'),
  sign: unary('Sign'),
  relu: ({ b, inputs: [x] }) =>
    isFloat(x!.dtype) ? b.node('Relu', [x!.name()]) : b.node('Max', [x!.name(), b.scalar(x!.dtype, 0)]),
  clip: ({ b, inputs: [x], attrs }) => {
    const { low, high } = attrs;
    return b.node('Clip', [
      x!.name(),
      b.scalar(x!.dtype, limit(x!.dtype, low)),
      b.scalar(x!.dtype, limit(x!.dtype, high)),
    ]);
  },
  maximum: broadcast('Max'),
  minimum: broadcast('Min'),
  equal: broadcast('Equal'),
  notEqual: (call) => call.b.node('Not', [call.b.node('Equal', names(call))]),
  less: comparison('Less'),
  lessEqual: comparison('LessOrEqual'),
  greater: comparison('Greater'),
  greaterEqual: comparison('GreaterOrEqual'),
  and: broadcast('And'),
  or: broadcast('Or'),
  not: unary('Not'),
  where: (call) => {
    const [condition, yes, no] = names(call) as [string, string, string];
    return choose(call.b, call.outputs[0]!.dtype, condition, yes, no);
  },
  cast,
  shiftRight: ({ b, inputs: [x], attrs }) =>
    b.node('BitShift', [x!.name(), b.scalar('uint32', attrs.bits)], { direction: 'RIGHT' }),
  identity: ({ inputs: [x] }) => x!,
  stopGradient: ({ inputs: [x] }) => x!,
  // Outside every batch of its name there is one example, which is its own mean.
  batchMean: ({ inputs: [x] }) => x!,
} satisfies Partial<Lowerings>;

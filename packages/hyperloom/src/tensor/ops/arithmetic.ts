import { emit1, pair, type Tensor, type TensorLike } from '../tensor.ts';
import { sumTo } from './broadcast.ts';
import { binary, unary } from './elementwise.ts';

export const negOp = unary({ name: 'neg', accepts: 'number', f: (x) => -x, gradient: (dy) => neg(dy) });

export const addOp = binary({
  name: 'add',
  accepts: 'number',
  neutral: [0, 0],
  f: (a, b) => a + b,
  vjp: ({ inputs, cotangents: [dy] }) => inputs.map((x) => sumTo(dy!, x.shape)),
});

export const subOp = binary({
  name: 'sub',
  accepts: 'number',
  neutral: [undefined, 0],
  f: (a, b) => a - b,
  vjp: ({ inputs: [a, b], cotangents: [dy] }) => [sumTo(dy!, a!.shape), sumTo(neg(dy!), b!.shape)],
});

export const mulOp = binary({
  name: 'mul',
  accepts: 'number',
  absorbs: [0, 1],
  neutral: [1, 1],
  f: (a, b) => a * b,
  integer: Math.imul,
  vjp: ({ inputs: [a, b], cotangents: [dy], wanted }) => [
    wanted[0] ? sumTo(mul(dy!, b!), a!.shape) : undefined,
    wanted[1] ? sumTo(mul(dy!, a!), b!.shape) : undefined,
  ],
});

export const divOp = binary({
  name: 'div',
  accepts: 'number',
  absorbs: [0],
  neutral: [undefined, 1],
  f: (a, b) => a / b,
  integer: (a, b) => Math.trunc(a / b),
  vjp: ({ inputs: [a, b], outputs: [y], cotangents: [dy], wanted }) => [
    wanted[0] ? sumTo(div(dy!, b!), a!.shape) : undefined,
    wanted[1] ? sumTo(neg(div(mul(dy!, y!), b!)), b!.shape) : undefined,
  ],
});

/** Elementwise `-x`. */
export const neg = (x: Tensor): Tensor => emit1(negOp, [x], {});

/**
 * Elementwise sum; shapes broadcast by NumPy's rules, and numbers take the other's type.
 * @throws ShapeError when the shapes do not broadcast, DTypeError when the types differ
 * @example
 * const y = add(constant([1, 2]), 10);
 */
export const add = (a: TensorLike, b: TensorLike): Tensor => emit1(addOp, pair('add', a, b), {});

/** Elementwise difference, broadcasting. */
export const sub = (a: TensorLike, b: TensorLike): Tensor => emit1(subOp, pair('sub', a, b), {});

/** Elementwise product, broadcasting. */
export const mul = (a: TensorLike, b: TensorLike): Tensor => emit1(mulOp, pair('mul', a, b), {});

/** Elementwise quotient, broadcasting; on integers it truncates towards zero. */
export const div = (a: TensorLike, b: TensorLike): Tensor => emit1(divOp, pair('div', a, b), {});

/** Elementwise `x * x`. */
export const square = (x: Tensor): Tensor => mul(x, x);

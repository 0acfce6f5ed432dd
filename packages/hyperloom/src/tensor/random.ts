import { ndarray } from './array.ts';
import { ArgumentError, ShapeError } from './errors.ts';
import { add, mul, neg, sub } from './ops/arithmetic.ts';
import { broadcastTo, reshape } from './ops/broadcast.ts';
import { cast, shiftRight } from './ops/cast.ts';
import { less } from './ops/compare.ts';
import { iota } from './ops/gather.ts';
import { slice, stack } from './ops/join.ts';
import { cos, log, log1p, rsqrt, sqrt } from './ops/math.ts';
import { matmul } from './ops/matmul.ts';
import { argmax, argsort, sum } from './ops/reduce.ts';
import { threefry } from './ops/threefry.ts';
import { transposeMatrix } from './ops/transpose.ts';
import { type Shape, showShape, sizeOf } from './shape.ts';
import { constant, scalarLike, type Tensor } from './tensor.ts';

/*
 * Random numbers are functions of a key: the same key gives the same bits on every engine and in every run. The first
 * word of a counter says what the bits are for, so that drawing, splitting and folding never see the same block.
 */
const purposes = { draw: 0, split: 1, fold: 2 } as const;

/**
 * A key from a seed.
 * @param seed a whole number from 0 to 2^53 - 1
 * @throws ArgumentError for any other number
 * @example
 * const k = random.key(42);
 */
export function key(seed: number): Tensor {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new ArgumentError(`random.key: expected a whole number from 0 to 2^53 - 1, got ${seed}`);
  return constant(ndarray(new Uint32Array([Math.floor(seed / 2 ** 32), seed >>> 0]), [2]));
}

const blocks = (from: Tensor, purpose: keyof typeof purposes, count: number): Tensor => {
  const words = iota(count, 'uint32');
  return threefry(reshape(from, [1, 2]), stack([broadcastTo(scalarLike(purposes[purpose], words), [count]), words], 1));
};

/** Independent keys from one, which should not be used again. */
export const split = (from: Tensor, count = 2): Tensor[] => {
  const all = blocks(from, 'split', count);
  return Array.from({ length: count }, (_, i) => reshape(slice(all, [[i, i + 1]]), [2]));
};

/** A key from a key and a number (a layer's position, a step): different numbers give independent keys. */
export function foldIn(from: Tensor, data: number | Tensor): Tensor {
  const word = typeof data === 'number' ? constant(ndarray(new Uint32Array([data]), [])) : cast(data, 'uint32');
  return threefry(from, stack([scalarLike(purposes.fold, word), word]));
}

/** Uniform bits: uint32 of the given shape. */
export function bits(from: Tensor, shape: Shape): Tensor {
  const size = sizeOf(shape);
  const pairs = blocks(from, 'draw', Math.max(1, Math.ceil(size / 2)));
  return reshape(slice(reshape(pairs, [-1]), [[0, size]]), shape);
}

/** The top 24 bits as a float32 in [0, 1): every value is exact, so engines agree. */
const unit = (words: Tensor): Tensor => mul(cast(shiftRight(words, 8), 'float32'), 2 ** -24);

/**
 * Uniform float32 in [low, high).
 * @example
 * const x = random.uniform(random.key(0), [2, 3], { low: -1, high: 1 });
 */
export const uniform = (from: Tensor, shape: Shape = [], { low = 0, high = 1 } = {}): Tensor =>
  add(mul(unit(bits(from, shape)), high - low), low);

/** Standard normal float32, by the transform of Box and Muller: one block of bits for each number. */
export function normal(from: Tensor, shape: Shape = []): Tensor {
  const pairs = blocks(from, 'draw', Math.max(1, sizeOf(shape)));
  const column = (i: number) =>
    reshape(
      slice(unit(pairs), [
        [0, pairs.shape[0]!],
        [i, i + 1],
      ]),
      [-1],
    );
  const radius = sqrt(mul(log(sub(1, column(0))), -2));
  return reshape(slice(mul(radius, cos(mul(column(1), 2 * Math.PI))), [[0, sizeOf(shape)]]), shape);
}

/**
 * Coefficients of M. Giles, "Approximating the erfinv function" (2010), single precision, central branch: powers of
 * w - 2.5 with w = -log(1 - x^2), highest first. It holds for w < 5, that is |x| < 0.9966.
 */
const erfInverse = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3, -4.17768164e-3,
  0.246640727, 1.50140941,
];

/** Standard normal float32 cut off at two standard deviations; its own standard deviation is 0.8796. */
export function truncatedNormal(from: Tensor, shape: Shape = []): Tensor {
  const edge = 0.9544997361036416; // erf(sqrt(2))
  const x = uniform(from, shape, { low: -edge, high: edge });
  const w = sub(neg(log1p(neg(mul(x, x)))), 2.5);
  const [highest, ...rest] = erfInverse as [number, ...number[]];
  const polynomial = rest.reduce<Tensor>((p, c) => add(mul(p, w), c), scalarLike(highest, w));
  return mul(mul(polynomial, x), Math.SQRT2);
}

/** Booleans that are true with probability p. */
export const bernoulli = (from: Tensor, p: number | Tensor, shape: Shape = []): Tensor => less(uniform(from, shape), p);

/** An int32 class drawn from softmax(logits) along the last axis, by the Gumbel trick: [..., classes] to [...]. */
export function categorical(from: Tensor, logits: Tensor): Tensor {
  const u = add(uniform(from, logits.shape), 2 ** -25);
  return argmax(sub(logits, log(neg(log(u)))));
}

/** The numbers 0 to n - 1 in random order: int32 [n]. */
export const permutation = (from: Tensor, n: number): Tensor => argsort(cast(shiftRight(bits(from, [n]), 1), 'int32'));

/**
 * A random matrix with orthonormal rows or columns, whichever are fewer: the polar factor of a normal matrix, by the
 * iteration of Newton and Schulz (products only, so it runs on every engine).
 * @throws ShapeError unless the shape has two axes
 */
export function orthogonal(from: Tensor, shape: Shape): Tensor {
  if (shape.length !== 2) throw new ShapeError(`random.orthogonal: expected [rows, columns], got ${showShape(shape)}`);
  const wide = shape[0]! <= shape[1]!;
  const start = normal(from, shape);
  const drawn = wide ? start : transposeMatrix(start);
  let q = mul(drawn, reciprocalNorm(drawn));
  // A singular value grows by 1.5 a step until it is near 1: fifty steps lift even 1e-8 there.
  for (let step = 0; step < 50; step++) q = sub(mul(q, 1.5), mul(matmul(matmul(q, transposeMatrix(q)), q), 0.5));
  return wide ? q : transposeMatrix(q);
}

const reciprocalNorm = (x: Tensor): Tensor => rsqrt(sum(mul(x, x)));

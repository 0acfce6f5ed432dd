import { type NdArray, ndarray } from './array.ts';
import { ArgumentError, DTypeError, ShapeError } from './errors.ts';
import { add, mul, neg, sub } from './ops/arithmetic.ts';
import { broadcastTo, reshape } from './ops/broadcast.ts';
import { cast, shiftRight } from './ops/cast.ts';
import { clip, less } from './ops/compare.ts';
import { iota } from './ops/gather.ts';
import { stack } from './ops/join.ts';
import { cos, log, log1p, rsqrt, sqrt } from './ops/math.ts';
import { matmul } from './ops/matmul.ts';
import { argmax, argsort, sum } from './ops/reduce.ts';
import { slice } from './ops/slice.ts';
import { threefry } from './ops/threefry.ts';
import { transposeMatrix } from './ops/transpose.ts';
import { type Aval, type Shape, sameShape, showShape, sizeOf } from './shape.ts';
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
export const key = (seed: number): Tensor => constant(keyArray(seed));

/**
 * The same key as an array, for programs that take keys as inputs.
 * @example
 * const k = random.keyArray(42); // uint32 [2]
 */
export function keyArray(seed: number): NdArray {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new ArgumentError(`random.key: expected a whole number from 0 to 2^53 - 1, got ${seed}`);
  return ndarray(new Uint32Array([Math.floor(seed / 2 ** 32), seed >>> 0]), [2]);
}

function checkKey({ dtype, shape }: Aval): void {
  if (dtype !== 'uint32' || !sameShape(shape, [2]))
    throw new ArgumentError(`random: expected a key (uint32 [2]), got ${dtype} ${showShape(shape)}`);
}

const blocks = (from: Tensor, purpose: keyof typeof purposes, count: number): Tensor => {
  checkKey(from);
  const words = iota(count, 'uint32');
  return threefry(reshape(from, [1, 2]), stack([broadcastTo(scalarLike(purposes[purpose], words), [count]), words], 1));
};

/**
 * Independent keys from one, which should not be used again.
 * @throws ArgumentError unless count is a whole number of at least 1
 * @example
 * const [forWeights, forNoise] = random.split(random.key(0));
 */
export const split = (from: Tensor, count = 2): Tensor[] => {
  if (!Number.isSafeInteger(count) || count < 1)
    throw new ArgumentError(`random.split: expected a whole number of keys of at least 1, got ${count}`);
  const all = blocks(from, 'split', count);
  return Array.from({ length: count }, (_, i) => reshape(slice(all, [[i, i + 1]]), [2]));
};

/**
 * A key from a key and a number (a layer's position, a step): different numbers give independent keys.
 * @param data a whole number from 0 to 2^32 - 1, or a scalar int32 or uint32 tensor
 * @throws ArgumentError for any other number, DTypeError or ShapeError for any other tensor
 * @example
 * const forStep = random.foldIn(random.key(0), 7);
 */
export function foldIn(from: Tensor, data: number | Tensor): Tensor {
  checkKey(from);
  const word = typeof data === 'number' ? wordOf(data) : cast(checkWord(data), 'uint32');
  return threefry(from, stack([scalarLike(purposes.fold, word), word]));
}

function wordOf(data: number): Tensor {
  if (!Number.isInteger(data) || data < 0 || data >= 2 ** 32)
    throw new ArgumentError(`random.foldIn: expected a whole number from 0 to 2^32 - 1, got ${data}`);
  return constant(ndarray(new Uint32Array([data]), []));
}

function checkWord(data: Tensor): Tensor {
  if (data.dtype !== 'int32' && data.dtype !== 'uint32')
    throw new DTypeError(`random.foldIn: expected int32 or uint32, got ${data.dtype}`);
  if (data.rank !== 0) throw new ShapeError(`random.foldIn: expected a scalar, got ${showShape(data.shape)}`);
  return data;
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
 * Uniform float32 in [low, high): multiples of 2^-24 of the range. Rounding can reach `high` where the range is small
 * beside its ends.
 * @example
 * const x = random.uniform(random.key(0), [2, 3], { low: -1, high: 1 });
 */
export const uniform = (from: Tensor, shape: Shape = [], { low = 0, high = 1 } = {}): Tensor =>
  add(mul(unit(bits(from, shape)), high - low), low);

/**
 * Standard normal float32, by the transform of Box and Muller: one block of bits for each number.
 * @example
 * const weights = mul(random.normal(random.key(0), [3, 4]), 0.1);
 */
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
  return clip(mul(mul(polynomial, x), Math.SQRT2), -2, 2);
}

/**
 * Booleans that are true with probability p, drawn independently.
 * @param p one probability, or a tensor of them, which broadcasts against `shape`
 * @param shape of the draws: that of `p` when absent
 * @example
 * const mask = random.bernoulli(random.key(0), 0.9, [4]);
 */
export function bernoulli(from: Tensor, p: number | Tensor, shape: Shape = typeof p === 'number' ? [] : p.shape) {
  const drawn = uniform(from, shape);
  return less(typeof p === 'number' ? drawn : cast(drawn, p.dtype), p);
}

/**
 * Standard Gumbel float32, -log(-log u): the greatest of logits with such a number added to each is a class drawn from
 * their softmax.
 * @example
 * const logits = constant([0, 0, 5]);
 * const drawn = argmax(add(logits, random.gumbel(random.key(0), [3]))); // int32, mostly 2
 */
export function gumbel(from: Tensor, shape: Shape = []): Tensor {
  // Odd multiples of 2^-24: exact in float32 and never 0 or 1, where a logarithm would be infinite.
  const u = add(mul(cast(shiftRight(bits(from, shape), 9), 'float32'), 2 ** -23), 2 ** -24);
  return neg(log(neg(log(u))));
}

/**
 * An int32 class drawn from softmax(logits) along the last axis, by the Gumbel trick: [..., classes] to [...].
 * @example
 * const classes = random.categorical(random.key(0), constant(ndarray([[0, 0], [5, 0]]))); // int32 [2]
 */
export const categorical = (from: Tensor, logits: Tensor): Tensor =>
  argmax(add(logits, cast(gumbel(from, logits.shape), logits.dtype)));

/**
 * The numbers 0 to n - 1 in random order: int32 [n].
 * @example
 * const order = random.permutation(random.key(0), 10);
 */
export const permutation = (from: Tensor, n: number): Tensor => argsort(cast(shiftRight(bits(from, [n]), 1), 'int32'));

/**
 * A random matrix with orthonormal rows or columns, whichever are fewer: the polar factor of a normal matrix, by the
 * iteration of Newton and Schulz (products only, so it runs on every engine).
 * @throws ShapeError unless the shape has two axes
 * @example
 * const q = random.orthogonal(random.key(0), [4, 4]);
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

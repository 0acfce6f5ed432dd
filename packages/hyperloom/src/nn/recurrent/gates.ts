import {
  ArgumentError,
  add,
  constant,
  layerNorm,
  matmul,
  mul,
  random,
  reshape,
  type Tensor,
  where,
} from '../../tensor/index.ts';
import { byBlock, ones, orthogonal, zeros } from '../init.ts';
import { type Context, type Initializer, type WeightSpec, weight } from '../module.ts';

/** Added to variances by the normalisations of cells (Ha et al. 2016, authors' code). */
export const epsilon = 1e-3;

/**
 * The matrices of all gates side by side, [inputs, gates * hidden]: one product for all. Each gate starts orthogonal by
 * itself, and fans are those of one gate, so that heads scale what they generate as they would scale four matrices.
 */
export const gateMatrix = (inputs: number, hidden: number, gates: number): WeightSpec =>
  weight({
    shape: [inputs, gates * hidden],
    fanIn: inputs,
    fanOut: hidden,
    init: gates === 1 ? orthogonal() : byBlock(gates, orthogonal()),
  });

/** One number for each unit of each gate, [gates * hidden]. */
export const gateBias = (inputs: number, hidden: number, gates: number, init: Initializer = zeros): WeightSpec =>
  weight({ shape: [gates * hidden], fanIn: inputs, fanOut: hidden, role: 'bias', init });

/** Scale and shift of a normalisation inside a cell. */
export type GateNormSpec = {
  readonly scale: WeightSpec;
  readonly shift: WeightSpec;
};

/** Scales [gates * hidden] that start at 1. */
export const gateScale = (hidden: number, gates: number): WeightSpec =>
  weight({ shape: [gates * hidden], fanIn: 1, fanOut: 1, role: 'scale', init: ones });

/** Scale and shift [gates * hidden]. */
export const gateNorm = (hidden: number, gates: number, init: Initializer = zeros): GateNormSpec => ({
  scale: gateScale(hidden, gates),
  shift: weight({ shape: [gates * hidden], fanIn: 1, fanOut: 1, role: 'shift', init }),
});

/** A vector [k] times a matrix [k, n]. */
export const product = (x: Tensor, w: Tensor): Tensor => reshape(matmul(reshape(x, [1, -1]), w), [w.shape[1]!]);

/** Adds a bias, where there is one. */
export const biased = (x: Tensor, bias: Tensor | undefined): Tensor => (bias ? add(x, bias) : x);

/** Each of the gates [gates * hidden] to zero mean and unit variance by itself, all in one operation. */
export const normalised = (x: Tensor, hidden: number): Tensor =>
  x.shape[0] === hidden
    ? layerNorm(x, { epsilon })
    : reshape(layerNorm(reshape(x, [-1, hidden]), { epsilon }), x.shape);

/** {@link normalised}, then scale and shift; without weights of a norm, what came in. */
export const gatesNormed = (
  x: Tensor,
  hidden: number,
  norm: { readonly scale: Tensor; readonly shift: Tensor } | undefined,
): Tensor => (norm ? add(mul(normalised(x, hidden), norm.scale), norm.shift) : x);

/** Raises for a rate outside [0, 1). */
export function checkRate(where: string, name: string, rate: number): number {
  if (!(rate >= 0 && rate < 1))
    throw new ArgumentError(`${where}: expected ${name} of at least 0 and below 1, got ${rate}`);
  return rate;
}

/**
 * Dropout of a candidate [hidden] at one step. What it is multiplied by depends on the key alone and not on the state,
 * so that a scan draws the numbers of all steps at once.
 */
export function dropped(name: string, candidate: Tensor, rate: number, context: Context | undefined): Tensor {
  if (!context?.training || rate === 0) return candidate;
  if (!context.key) throw new ArgumentError(`${name}: expected context.key when training with dropout, got none`);
  const kept = random.bernoulli(context.key, 1 - rate, candidate.shape);
  return mul(candidate, where(kept, constant(1 / (1 - rate), candidate.dtype), 0));
}

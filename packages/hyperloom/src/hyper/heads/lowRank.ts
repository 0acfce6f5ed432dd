import { type Initializer, init, type WeightSpec, weight } from '../../nn/index.ts';
import { ArgumentError, matmul, reshape, sizeOf } from '../../tensor/index.ts';
import { type Affine, affine, checkHidden, trunk, trunkSpec } from '../generator/trunk.ts';
import { defineHead, type Head, mapTarget, type TargetSpec } from '../head.ts';
import { type HeadInit, type HeadInput, hyperfanIn } from '../init.ts';

/** Settings of {@link lowRank}. */
export interface LowRankOptions {
  /** Columns of A and rows of B. */
  readonly rank: number;
  /** Widths of the ReLU layers between code and factors. Default none: factors are affine in the code. */
  readonly hidden?: readonly number[];
  /** How the last layers start. Default {@link hyperfanIn}. */
  readonly init?: HeadInit;
}

/** The last layers of two factors: A of [m, rank] and B of [rank, n]. */
export type FactorSpec = {
  readonly a: Affine;
  readonly b: Affine;
};

/** The weights of a low-rank head: ReLU layers, then affine layers for the factors and for what is generated whole. */
export type LowRankSpec = {
  readonly hidden: readonly Affine[];
  readonly factors: Readonly<Record<string, FactorSpec>>;
  readonly whole: Readonly<Record<string, Affine>>;
};

/**
 * Low-rank head: each matrix [m, n] of the target is A(code) B(code), with A of [m, rank] and B of [rank, n]. The kernel
 * of a convolution [out, in, ...k] is taken as the matrix [out, in * k]. Vectors, and matrices of which the factors
 * would be no smaller (rank (m + n) >= m n), are generated whole, as {@link dense} does. Each generated number costs as
 * many parameters as the last hidden layer has units, plus one: rank (m + n) numbers in place of m n.
 *
 * The product starts with the variance that the target asks for, times exp(1 / rank + 1 / (3 rank^2)): what a vector
 * keeps in `rank` random directions is less than its mean in most draws, and the factor makes up for that, so that the
 * activations of a deep target start as large as with its ordinary init. Being a product of two functions of the code,
 * it follows the square of the code's norm: over normal codes of n elements its mean variance is (n + 2) / n times that,
 * so prefer codes of constant norm to short normal ones. A matrix that starts at zero, such as a delta
 * over a stored base, starts with A random and B at zero for matrices, B random and A at zero for kernels: the factor
 * on the side of the input is the random one, as in LoRA (Hu et al. 2021, section 4.1).
 * @throws ArgumentError for a rank or widths below 1, or when the hypernetwork has no code
 * @example
 * const target = nn.mlp({ in: 64, hidden: [256, 256], out: 10 });
 * const model = hypernetwork(target, { code: 8, head: heads.lowRank({ rank: 4 }), base: true }); // LoRA by code
 * const n = nn.countParams(model.spec.head); // 44,226, where dense has 765,018
 */
export function lowRank({ rank, hidden = [], init: start = hyperfanIn() }: LowRankOptions): Head<LowRankSpec> {
  if (!Number.isInteger(rank) || rank < 1)
    throw new ArgumentError(`heads.lowRank: expected a rank of at least 1, got ${rank}`);
  checkHidden('heads.lowRank', hidden);
  return defineHead<LowRankSpec>({
    name: 'lowRank',
    spec: (target, code) => {
      const { layers, input } = trunkSpec('heads.lowRank', code, hidden);
      const { factored, whole } = partOf(target, rank);
      return {
        hidden: layers,
        factors: mapTarget(factored, (w) => factorsOf(w, rank, start, input)),
        whole: mapTarget(whole, (w) => ({
          weight: weight({ shape: [input.width, sizeOf(w.shape)], init: start.weight(w, input) }),
          bias: weight({ shape: [sizeOf(w.shape)], role: 'bias', init: start.bias(w, input) }),
        })),
      };
    },
    apply: (params, code, target) => {
      const features = trunk(params.hidden, code);
      const { factored, whole } = partOf(target, rank);
      const products = mapTarget(factored, (w, path) => {
        const [m, n] = matrixOf(w);
        const a = reshape(affine(features, params.factors[path]!.a), [m, rank]);
        const b = reshape(affine(features, params.factors[path]!.b), [rank, n]);
        return reshape(matmul(a, b), w.shape);
      });
      return {
        ...products,
        ...mapTarget(whole, (w, path) => reshape(affine(features, params.whole[path]!), w.shape)),
      };
    },
  });
}

/** A weight as a matrix: kernels [out, in, ...k] are [out, in * k], and only kernels have more than two axes. */
const matrixOf = ({ shape }: WeightSpec): [number, number] => [shape[0]!, sizeOf(shape.slice(1))];

function partOf(target: TargetSpec, rank: number): { factored: TargetSpec; whole: TargetSpec } {
  const isFactored = (w: WeightSpec): boolean => {
    const [m, n] = matrixOf(w);
    return (w.role === 'kernel' || w.role === 'embedding') && w.shape.length > 1 && rank * (m + n) < m * n;
  };
  const part = (wanted: boolean): TargetSpec =>
    Object.fromEntries(Object.entries(target).filter(([, w]) => isFactored(w) === wanted));
  return { factored: part(true), whole: part(false) };
}

const drawn = (variance: number): Initializer =>
  variance > 0 ? init.normal({ std: Math.sqrt(variance) }) : init.zeros;

/**
 * The factor on the side of the input keeps the mean square of what it meets (variance 1 / fanIn), and the other has the
 * rest: together they start as `start` would have the whole weight start, and vary with the code in the same part.
 */
function factorsOf(w: WeightSpec, rank: number, start: HeadInit, input: HeadInput): FactorSpec {
  const [m, n] = matrixOf(w);
  const size = m * n;
  const own = { shape: [input.width, size], fanIn: input.width, fanOut: size };
  const varianceOf = (initializer: Initializer): number =>
    (initializer.std?.(weight({ ...own, init: initializer })) ?? 0) ** 2;
  const generated = varianceOf(start.weight(w, input)) * input.width * input.secondMoment;
  const constant = varianceOf(start.bias(w, input));
  const varying = generated + constant > 0 ? generated / (generated + constant) : 1;
  const typical = Math.exp(1 / rank + 1 / (3 * rank * rank));

  /** An affine layer to a factor of which the two parts have these variances. */
  const layer = (count: number, fromCode: number, fromBias: number): Affine => ({
    weight: weight({
      shape: [input.width, count],
      init: drawn(fromCode / (input.width * input.secondMoment)),
    }),
    bias: weight({ shape: [count], role: 'bias', init: drawn(fromBias) }),
  });
  const inner = (count: number) => layer(count, varying / w.fanIn, (1 - varying) / w.fanIn);
  const rest = (w.fanIn * typical) / rank;
  const outer = (count: number) => layer(count, generated * rest, constant * rest);
  return w.shape.length > 2 ? { a: outer(m * rank), b: inner(rank * n) } : { a: inner(m * rank), b: outer(rank * n) };
}

import { type Activation, countParams, init, relu, type WeightSpec, weight } from '../../nn/index.ts';
import {
  ArgumentError,
  add,
  constant,
  matmul,
  mean,
  mul,
  ndarray,
  reshape,
  rsqrt,
  sizeOf,
  slice,
  split,
  square,
  type Tensor,
} from '../../tensor/index.ts';
import { secondMoment as momentAfter } from '../generator/moment.ts';
import type { Affine } from '../generator/trunk.ts';
import { evenColumns, isConstant, multipliers, startOf, unitModel } from '../generator/unit.ts';
import { defineHead, type Head, type TargetSpec } from '../head.ts';
import { type HeadInit, hyperfanIn } from '../init.ts';

/** Settings of {@link chunked}. */
export interface ChunkedOptions {
  /** Weights that are generated at a time; more than the target has is one chunk. */
  readonly chunk: number;
  /** Elements of each learned chunk embedding. */
  readonly embedding: number;
  /** Widths of the layers between [code, chunk embedding] and a chunk. Default one of 32. */
  readonly hidden?: readonly number[];
  /** Between the layers. Default ReLU. */
  readonly activation?: Activation;
  /**
   * Whether the last hidden layer is scaled to a mean square of 1 in every chunk. It keeps the scale of the generated
   * weights in every draw, where hyperfan keeps it on average only. Default true; the paper does not.
   */
  readonly normalise?: boolean;
  /** How the last layer starts. Default {@link hyperfanIn}. */
  readonly init?: HeadInit;
  /** Standard deviation of the chunk embeddings' first values. Default 1. */
  readonly std?: number;
}

/** The weights of a chunked head: an embedding for each chunk, and a network that all chunks share. */
export interface ChunkedSpec {
  readonly embeddings: WeightSpec;
  readonly hidden: readonly Affine[];
  readonly out: Affine;
}

/**
 * Chunked head (von Oswald et al. 2020, section 2 and appendix C): all weights of the target lie in one vector, in the
 * order of its paths, and one small network h generates it piece by piece, theta = [h(e, c_1), ..., h(e, c_N)], from the
 * code e and a learned embedding c of each piece. The last piece is generated whole and cut.
 *
 * One output of h serves different weights in different chunks, so h starts at unit variance, and each weight is its
 * output times a fixed number: the standard deviation that its own initializer asks for, with a fixed sign, without
 * which chunks that resemble each other would repeat along the rows of a matrix. What the target starts at a constant
 * starts there give or take 1 / sqrt(fanIn), 0.1 at most; exactly there when the whole target does, as a delta. Chunks
 * of less than about 30 share so few outputs that the scale after many layers varies widely from key to key.
 *
 * Parameters: `embedding` for each chunk; (code + embedding + 1) h_1 + ... for the hidden layers; (h_last + 1) times the
 * chunk. Multiply-adds: h_last for each weight, and those of the hidden layers for each chunk.
 * @throws ArgumentError for sizes below 1 or a std that is not positive
 * @example
 * const target = nn.mlp({ in: 784, hidden: [400, 400], out: 10 }); // 478,410 weights
 * const code = codes.embeddings({ count: 5, size: 96 });
 * const model = hypernetwork(target, { code, head: heads.chunked({ chunk: 42_000, embedding: 96, hidden: [10, 10] }) });
 * const n = nn.countParams(model.spec); // 465,672
 */
export function chunked({
  chunk,
  embedding,
  hidden = [32],
  activation = relu,
  normalise = true,
  init: start = hyperfanIn(),
  std = 1,
}: ChunkedOptions): Head<ChunkedSpec> {
  for (const [name, value] of [['chunk', chunk], ['embedding', embedding], ...hidden.map((w) => ['hidden', w])]) {
    if (!Number.isInteger(value) || (value as number) < 1)
      throw new ArgumentError(`heads.chunked: expected ${name} of at least 1, got ${value}`);
  }
  if (!(std > 0)) throw new ArgumentError(`heads.chunked: expected a positive std, got ${std}`);
  const normalised = normalise && hidden.length > 0;
  return defineHead<ChunkedSpec>({
    name: 'chunked',
    spec: (target, code) => {
      const widths = [code.size + embedding, ...hidden];
      let moment = (code.size * code.secondMoment + embedding * std ** 2) / widths[0]!;
      const layers = hidden.map((width, i): Affine => {
        const scale = activation.gain / Math.sqrt(widths[i]! * moment);
        moment = momentAfter(activation, activation.gain);
        return {
          weight: weight({ shape: [widths[i]!, width], init: init.normal({ std: scale }) }),
          bias: weight({ shape: [width], role: 'bias', init: init.zeros }),
        };
      });
      const model = unitModel(target);
      const input = { width: widths.at(-1)!, secondMoment: normalised ? 1 : moment };
      return {
        embeddings: weight({
          shape: [Math.ceil(countParams(target) / chunk), embedding],
          role: 'code',
          init: init.normal({ std }),
        }),
        hidden: layers,
        out: {
          weight: weight({ shape: [input.width, chunk], init: evenColumns(start.weight(model, input)) }),
          bias: weight({ shape: [chunk], role: 'bias', init: start.bias({ ...model, shape: [chunk] }, input) }),
        },
      };
    },
    apply: ({ embeddings, hidden: layers, out }, code, target) => {
      const affine = (x: Tensor, layer: { readonly weight: Tensor; readonly bias: Tensor }) =>
        add(x === embeddings ? first(code, x, layer.weight) : matmul(x, layer.weight), layer.bias);
      const features = layers.reduce((x, layer) => activation.apply({}, affine(x, layer)), embeddings);
      const chunks = affine(normalised ? unitRows(features) : features, out);
      const count = countParams(target);
      const all = reshape(chunks, [sizeOf(chunks.shape)]);
      const flat = all.shape[0] === count ? all : slice(all, [[0, count]]);
      return placed(mul(flat, constant(ndarray(multipliers(target, unitModel(target), start)))), target);
    },
  });
}

/** Rows of mean square 1. A row of zeros, all of its units dead, stays so. */
const unitRows = (x: Tensor): Tensor => mul(x, rsqrt(add(mean(square(x), { axis: -1, keepDims: true }), 1e-6)));

/** [code, embedding] by the first layer: the code's part is the same for every chunk, so it is computed once. */
function first(code: Tensor, embeddings: Tensor, w: Tensor): Tensor {
  const [size] = code.shape as [number];
  if (size === 0) return matmul(embeddings, w);
  const [ofCode, ofChunk] = split(w, [size, w.shape[0]! - size]);
  return add(matmul(embeddings, ofChunk!), matmul(reshape(code, [1, size]), ofCode!));
}

/** A flat vector as the weights of a target; what starts at a constant is that much away from it. */
function placed(flat: Tensor, target: TargetSpec): Record<string, Tensor> {
  const entries = Object.entries(target);
  const parts = split(
    flat,
    entries.map(([, { shape }]) => sizeOf(shape)),
  );
  return Object.fromEntries(
    entries.map(([path, w], i) => {
      const own = reshape(parts[i]!, w.shape);
      return [path, isConstant(w) ? add(own, startOf(w)) : own];
    }),
  );
}

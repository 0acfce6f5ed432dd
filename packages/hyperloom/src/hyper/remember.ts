import {
  ArgumentError,
  add,
  gather,
  mul,
  random,
  ShapeError,
  sameShape,
  showShape,
  slice,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tree,
  vmap,
} from '../tensor/index.ts';
import type { Weights } from './head.ts';

/** Settings of {@link remember}. */
export interface RememberOptions {
  /** How strongly old networks are held: beta of the paper. */
  readonly beta: number;
  /** Whether the penalty is taken after the step that the optimiser would take on the new task alone. Default true. */
  readonly lookahead?: boolean;
  /** How many of the old codes to hold at each step, drawn anew; all by default. */
  readonly sample?: number;
  /** Whether the old codes themselves may move while their networks are held. Default false. */
  readonly plasticCodes?: boolean;
}

/** What of a hypernetwork this reads. */
interface Generator {
  generate(params: never, code: never): Weights;
}

/** What {@link remember} gives. */
export interface Memory {
  /** The networks of several codes, stacked: call it before the next task, with codes of a leading axis. */
  snapshot(params: never, codes: never): Weights;
  /** The option `regularizer` of `train` that holds these networks. */
  regularizer(codes: unknown, weights: unknown): MemoryRegularizer;
}

/** A regulariser in the form that `train` takes. */
export interface MemoryRegularizer {
  readonly inputs: unknown;
  readonly lookahead: boolean;
  apply(params: never, inputs: never, at: { readonly key: Tensor; readonly step: Tensor }): Tensor;
}

/**
 * Learning one task after another without forgetting (von Oswald et al. 2020, eq. 2): while a hypernetwork learns a new
 * code, what it generates for old codes is held where it was,
 * beta / T sum_t || h(e_t, before) - h(e_t, now + the step ahead) ||^2, for any head and any kind of code.
 * Weights that each code has of its own (`perCode`) need no holding.
 * @throws ArgumentError for a negative beta, or a sample below 1; in training, for no codes, and ShapeError for
 * weights that are no snapshot of the codes
 * @example
 * const model = hypernetwork(nn.mlp({ in: 1, hidden: [10], out: 1 }), {
 *   code: codes.embeddings({ count: 3, size: 2 }),
 *   head: heads.dense({ hidden: [10] }),
 * });
 * const memory = hyper.remember(model, { beta: 0.005 });
 * const before = vmap((code: Tensor) => model.generate(model.init(random.key(0)), code));
 * const old = before(constant([0, 1], 'int32')); // or: await run.call(memory.snapshot, ndarray(Int32Array.of(0, 1)))
 * const regularizer = memory.regularizer(constant([0, 1], 'int32'), old); // train(model, { ..., regularizer })
 */
export function remember(
  model: Generator,
  { beta, lookahead = true, sample, plasticCodes = false }: RememberOptions,
): Memory {
  if (!(beta >= 0)) throw new ArgumentError(`remember: expected a beta of 0 or above, got ${beta}`);
  if (sample !== undefined && (!Number.isInteger(sample) || sample < 1))
    throw new ArgumentError(`remember: expected a sample of at least 1, got ${sample}`);
  type Stacked = { readonly codes: unknown; readonly weights: Weights };

  const snapshot = (params: never, codes: never): Weights =>
    vmap((code: never) => model.generate(params, code))(codes) as Weights;

  /** The rows to hold at one step. */
  const chosen = (all: Stacked, count: number, at: { key: Tensor; step: Tensor }): Stacked => {
    if (sample === undefined || sample >= count) return all;
    const rows = slice(random.permutation(at.key, count), [[0, sample]]);
    return tree.map((t: Tensor) => gather(t, rows), all) as unknown as Stacked;
  };
  return {
    snapshot,
    regularizer: (codes, weights) => ({
      inputs: { codes, weights },
      lookahead,
      apply: (params, inputs, at) => {
        const all = inputs as Stacked;
        const count = tree.leaves<Tensor>(all.codes)[0]?.shape[0];
        if (!count) throw new ArgumentError('remember: expected at least one code to hold, got none');
        const held = chosen(all, count, at);
        const { code, ...rest } = params as { readonly code: unknown };
        const own = plasticCodes ? params : { ...rest, code: tree.map((t: Tensor) => stopGradient(t), code) };
        const now = snapshot(own as never, held.codes as never);
        const rows = Math.min(sample ?? count, count);
        const distances = Object.entries(now).map(([path, w]) => sum(square(sub(w, heldAt(path, w, held.weights)))));
        return mul(
          distances.reduce((a, b) => add(a, b)),
          beta / rows,
        );
      },
    }),
  };
}

/** What a weight of the codes is held to. Without the check one network would silently stand for all. */
function heldAt(path: string, now: Tensor, weights: Weights): Tensor {
  const held = weights[path];
  if (held === undefined || !sameShape(held.shape, now.shape)) {
    const got = held ? showShape(held.shape) : 'none';
    throw new ShapeError(`remember: expected the snapshot of these codes, ${path} ${showShape(now.shape)}, got ${got}`);
  }
  return held;
}

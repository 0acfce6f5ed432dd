import {
  ArgumentError,
  greaterEqual,
  iota,
  matmul,
  mul,
  reshape,
  softmax,
  type Tensor,
  transpose,
  where,
} from '../tensor/index.ts';
import { dropout } from './dropout.ts';
import { xavierUniform } from './init.ts';
import { type LinearSpec, linear } from './linear.ts';
import { applyChild, defineModule, type Module } from './module.ts';
import { expectShape, whole } from './options.ts';

/** Weights of {@link multiHeadAttention}: matrices [size, size]; the keys have no bias. */
export type AttentionSpec = {
  readonly query: LinearSpec;
  readonly key: LinearSpec;
  readonly value: LinearSpec;
  readonly out: LinearSpec;
};

/** Options of {@link multiHeadAttention}. */
export interface AttentionOptions {
  /** Elements of a token. */
  readonly size: number;
  /** Divides the size. */
  readonly heads: number;
  /** Whether a token sees itself and those before it alone. Default false. */
  readonly causal?: boolean;
  /** Share of the attention weights that training sets to 0. Default 0. */
  readonly dropout?: number;
}

/** Far below any score, and finite: exp of it is 0. */
const hidden = -1e30;

/**
 * Self-attention: [T, size] to the same (Vaswani et al. 2017, section 3.2). For each head,
 * softmax(Q K^T / sqrt(size / heads)) V; the heads side by side through a last linear layer. A bias of the keys would
 * add one number to all scores of a query, which softmax does not see, so there is none.
 * @throws ArgumentError when the heads do not divide the size, or for a rate outside [0, 1); when applied, ShapeError
 * @example
 * const layer = nn.multiHeadAttention({ size: 16, heads: 4, causal: true });
 * const y = layer.apply(layer.init(random.key(0)), constant(zerosArray('float32', [5, 16]))); // [5, 16]
 */
export function multiHeadAttention({
  size,
  heads,
  causal = false,
  dropout: rate = 0,
}: AttentionOptions): Module<AttentionSpec> {
  const name = 'multiHeadAttention';
  const width = whole(name, 'size / heads', whole(name, 'size', size) / whole(name, 'heads', heads));
  if (typeof causal !== 'boolean') throw new ArgumentError(`${name}: expected causal true or false, got ${causal}`);
  const project = (bias: boolean) => linear({ in: size, out: size, bias, init: xavierUniform() });
  const layers = { query: project(true), key: project(false), value: project(true), out: project(true) };
  const drop = dropout({ rate });
  return defineModule<AttentionSpec>({
    name,
    spec: { query: layers.query.spec, key: layers.key.spec, value: layers.value.spec, out: layers.out.spec },
    apply: (params, x, context) => {
      expectShape(name, ['T', size], x.shape);
      const tokens = x.shape[0]!;
      const apart = (which: 'query' | 'key' | 'value') =>
        reshape(applyChild(which, layers[which], params[which], x, context), [tokens, heads, width]);
      const query = transpose(mul(apart('query'), 1 / Math.sqrt(width)), [1, 0, 2]);
      const scores = matmul(query, transpose(apart('key'), [1, 2, 0]));
      const seen = causal ? where(upTo(tokens), scores, hidden) : scores;
      const weights = applyChild('dropout', drop, {}, softmax(seen), context);
      const mixed = matmul(weights, transpose(apart('value'), [1, 0, 2]));
      const together = reshape(transpose(mixed, [1, 0, 2]), [tokens, size]);
      return applyChild('out', layers.out, params.out, together, context);
    },
  });
}

/** Which tokens (columns) a token (row) sees: itself and those before it. */
const upTo = (tokens: number): Tensor => greaterEqual(reshape(iota(tokens), [tokens, 1]), iota(tokens));

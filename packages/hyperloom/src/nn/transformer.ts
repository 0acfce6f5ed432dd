import { add } from '../tensor/index.ts';
import { type Activation, gelu } from './activations.ts';
import { type AttentionOptions, type AttentionSpec, multiHeadAttention } from './attention.ts';
import { dropout } from './dropout.ts';
import { type MlpSpec, mlp } from './mlp.ts';
import { applyChild, defineModule, type Module } from './module.ts';
import { layerNorm, type NormSpec } from './norm.ts';
import { expectShape } from './options.ts';

/** Weights of {@link transformerBlock}. */
export type TransformerSpec = {
  readonly norm1: NormSpec;
  readonly attention: AttentionSpec;
  readonly norm2: NormSpec;
  readonly mlp: MlpSpec;
};

/** Options of {@link transformerBlock}. */
export interface TransformerOptions extends AttentionOptions {
  /** Units of the layer between. Default four times the size. */
  readonly hidden?: number;
  /** Default `gelu`. */
  readonly activation?: Activation;
  /** Share that training sets to 0 of attention weights and of what is added to the tokens. Default 0. */
  readonly dropout?: number;
}

/**
 * A block of a transformer, normalised first: x + attention(norm(x)), then x + mlp(norm(x)); [T, size] to the same
 * (Xiong et al. 2020, "pre-LN"; PyTorch's `TransformerEncoderLayer` with `norm_first`).
 * @throws ArgumentError for options out of range; when applied, ShapeError
 * @example
 * const block = nn.transformerBlock({ size: 16, heads: 4 });
 * const y = block.apply(block.init(random.key(0)), constant(zerosArray('float32', [5, 16]))); // [5, 16]
 */
export function transformerBlock({
  size,
  heads,
  causal = false,
  hidden = 4 * size,
  activation = gelu,
  dropout: rate = 0,
}: TransformerOptions): Module<TransformerSpec> {
  const attention = multiHeadAttention({ size, heads, causal, dropout: rate });
  const norm1 = layerNorm({ shape: size });
  const norm2 = layerNorm({ shape: size });
  const network = mlp({ in: size, hidden: [hidden], out: size, activation });
  const drop = dropout({ rate });
  return defineModule<TransformerSpec>({
    name: 'transformerBlock',
    spec: { norm1: norm1.spec, attention: attention.spec, norm2: norm2.spec, mlp: network.spec },
    apply: (params, x, context) => {
      expectShape('transformerBlock', ['T', size], x.shape);
      const seen = applyChild('norm1', norm1, params.norm1, x, context);
      const attended = applyChild('attention', attention, params.attention, seen, context);
      const h = add(x, applyChild('dropout1', drop, {}, attended, context));
      const own = applyChild('norm2', norm2, params.norm2, h, context);
      const changed = applyChild('mlp', network, params.mlp, own, context);
      return add(h, applyChild('dropout2', drop, {}, changed, context));
    },
  });
}

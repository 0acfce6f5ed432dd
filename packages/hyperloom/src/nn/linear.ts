import { add, matmul, reshape, ShapeError, showShape, type Tensor } from '../tensor/index.ts';
import { lecunNormal, zeros } from './init.ts';
import { defineModule, type Initializer, type Module, type WeightSpec, weight } from './module.ts';
import { whole } from './options.ts';

/** Weights of {@link linear}: weight [in, out], bias [out] unless left out. */
export type LinearSpec = { readonly weight: WeightSpec; readonly bias?: WeightSpec };

/** Options of {@link linear}. */
export interface LinearOptions {
  readonly in: number;
  readonly out: number;
  readonly bias?: boolean;
  /** How the weight starts; `lecunNormal` by default, and `kaimingNormal` suits a ReLU that follows. */
  readonly init?: Initializer;
  /** How the bias starts; zeros by default. */
  readonly biasInit?: Initializer;
}

/**
 * Affine map of the last axis: [..., in] to [..., out], x W + b.
 * @throws ArgumentError for sizes below 1; when applied, ShapeError for an input whose last axis is not `in`
 * @example
 * const fc = nn.linear({ in: 784, out: 10 });
 * const logits = fc.apply(fc.init(random.key(0)), constant(zerosArray('float32', [784]))); // [10]
 */
export function linear({
  in: inputs,
  out,
  bias = true,
  init = lecunNormal(),
  biasInit = zeros,
}: LinearOptions): Module<LinearSpec> {
  const fans = { fanIn: whole('linear', 'in', inputs), fanOut: whole('linear', 'out', out) };
  return defineModule<LinearSpec>({
    name: 'linear',
    spec: {
      weight: weight({ shape: [inputs, out], ...fans, init }),
      ...(bias && { bias: weight({ shape: [out], ...fans, role: 'bias', init: biasInit }) }),
    },
    apply: (params, x) => {
      if (x.shape.at(-1) !== inputs)
        throw new ShapeError(`linear: expected [..., ${inputs}], got ${showShape(x.shape)}`);
      const y = product(x, params.weight);
      return params.bias ? add(y, params.bias) : y;
    },
  });
}

/** A vector is one row. */
const product = (x: Tensor, w: Tensor): Tensor =>
  x.rank === 1 ? reshape(matmul(reshape(x, [1, -1]), w), [w.shape[1] as number]) : matmul(x, w);

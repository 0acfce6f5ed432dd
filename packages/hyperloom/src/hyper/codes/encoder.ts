import type { Module } from '../../nn/index.ts';
import { add, mean, mul, rsqrt, ShapeError, showShape, square, type Tensor } from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';
import { atLeastOne, positive } from './checks.ts';

/** Settings of {@link encoder}. */
export interface EncoderOptions {
  /** Elements of what the module gives. */
  readonly size: number;
  /** Expected mean square of an element, from which heads find their scale. Default 1. */
  readonly secondMoment?: number;
  /** Scales each code to exactly that mean square (its direction alone counts). Default false. */
  readonly normalize?: boolean;
}

/**
 * A code that a module makes of data: an image, a sequence, a state. The module's input is the source, and its output
 * the code. Its dropout and the like see the context under the name `code`.
 *
 * `nn.mlp` over inputs of unit variance gives codes of second moment 1, which is the default. Where a module's output
 * has another scale at init, say it with `secondMoment`, or make it so with `normalize`.
 * @throws ArgumentError for a size below 1 or a second moment that is not positive; when applied, ShapeError unless
 * the module gives a vector of `size` elements
 * @example
 * const image = nn.sequential([nn.conv2d({ in: 1, out: 4, kernel: 3 }), nn.relu, nn.globalAvgPool]);
 * const code = codes.encoder(image, { size: 4, normalize: true });
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code, head: heads.dense() });
 * const source = constant(zerosArray('float32', [1, 8, 8]));
 * const y = model.apply(model.init(random.key(0)), { code: source, input: constant([1, 2]) });
 */
export function encoder<S, I>(
  module: Module<S, I, Tensor>,
  { size, secondMoment = 1, normalize = false }: EncoderOptions,
): Conditioner<I, S> {
  atLeastOne('codes.encoder', 'size', size);
  positive('codes.encoder', 'secondMoment', secondMoment);
  return {
    name: `encoder(${module.name})`,
    size,
    secondMoment,
    spec: module.spec,
    apply: (params, source, context) => {
      const code = module.apply(params, source, context);
      if (code.rank !== 1 || code.shape[0] !== size)
        throw new ShapeError(`codes.encoder: expected ${module.name} to give [${size}], got ${showShape(code.shape)}`);
      // The small number keeps a code of zeros finite.
      return normalize ? mul(code, rsqrt(add(mul(mean(square(code)), 1 / secondMoment), 1e-8))) : code;
    },
  };
}

import { init, type WeightSpec, weight } from '../../nn/index.ts';
import {
  ArgumentError,
  concat,
  constant,
  cos,
  matmul,
  mul,
  ndarray,
  reshape,
  sin,
  stopGradient,
  type Tensor,
} from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';
import { atLeastOne, positive, vector } from './checks.ts';

/** Settings of {@link fourier}. */
export interface FourierOptions {
  /** Elements of the vector that is given. */
  readonly size: number;
  /** Number of frequencies: with `log` spacing, of each element. */
  readonly frequencies: number;
  /**
   * `gaussian` (default): each frequency is a vector of normal numbers, drawn at init and not trained. `log`: the
   * frequencies of each element are scale^(j / frequencies), j = 0, 1, ...
   */
  readonly spacing?: 'gaussian' | 'log';
  /** Cycles for each unit of the input: the standard deviation, or what `log` spacing runs up to. Default 1 and 2^frequencies. */
  readonly scale?: number;
}

/** The weights of {@link fourier}: [size, frequencies], not trained; none with `log` spacing. */
export interface FourierSpec {
  readonly frequencies?: WeightSpec;
}

const where = 'codes.fourier';

/**
 * Fourier features of a vector v given at each call (Tancik et al. 2020, section 6): [cos(2 pi B v), sin(2 pi B v)].
 * They let a network follow fast changes along v: the larger `scale`, the faster. The code has `2 frequencies`
 * elements, with `log` spacing `2 frequencies size`; their mean square is exactly 0.5.
 * @throws ArgumentError for sizes below 1, a scale that is not positive or an unknown spacing; when applied,
 * ShapeError for a vector of another size
 * @example
 * const place = codes.fourier({ size: 2, frequencies: 16, scale: 4 }); // place.size is 32
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: place, head: heads.dense() });
 * const y = model.apply(model.init(random.key(0)), { code: constant([0.1, 0.9]), input: constant([1, 2]) });
 */
export function fourier({
  size,
  frequencies,
  spacing = 'gaussian',
  scale = spacing === 'log' ? 2 ** frequencies : 1,
}: FourierOptions): Conditioner<Tensor, FourierSpec> {
  atLeastOne(where, 'size', size);
  atLeastOne(where, 'number of frequencies', frequencies);
  positive(where, 'scale', scale);
  if (spacing !== 'gaussian' && spacing !== 'log')
    throw new ArgumentError(`${where}: expected spacing gaussian or log, got ${String(spacing)}`);
  const ladder = Float32Array.from({ length: frequencies }, (_, j) => scale ** (j / frequencies));
  const cycles = (v: Tensor, drawn: Tensor | undefined): Tensor =>
    drawn
      ? reshape(matmul(reshape(v, [1, size]), drawn), [frequencies])
      : reshape(mul(reshape(v, [size, 1]), constant(ndarray(ladder))), [size * frequencies]);
  return {
    name: 'fourier',
    size: 2 * frequencies * (spacing === 'log' ? size : 1),
    secondMoment: 0.5,
    spec:
      spacing === 'log'
        ? {}
        : {
            frequencies: weight({
              shape: [size, frequencies],
              role: 'code',
              init: init.normal({ std: scale }),
              trained: false,
            }),
          },
    apply: (params, source) => {
      // Stopped, so that patterns of `train` that take in the whole code leave them alone too.
      const drawn = params.frequencies && stopGradient(params.frequencies);
      const angle = mul(cycles(vector(where, 'a vector', source, size), drawn), 2 * Math.PI);
      return concat([cos(angle), sin(angle)]);
    },
  };
}

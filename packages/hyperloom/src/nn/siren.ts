import { mul, sin } from '../tensor/index.ts';
import { uniform } from './init.ts';
import { type LinearSpec, linear } from './linear.ts';
import type { MlpSpec } from './mlp.ts';
import { applyChild, defineModule, type Initializer, type Module, type Params, type WeightSpec } from './module.ts';
import { positive } from './options.ts';

/** Options of {@link siren}. */
export interface SirenOptions {
  /** Numbers of a point: 2 for an image, 1 for a sound. */
  readonly in: number;
  /** Widths of the sine layers; none makes the network one linear layer. */
  readonly hidden: readonly number[];
  /** Numbers of a value: 3 for a colour. */
  readonly out: number;
  /** The paper's omega0: how fast the first sines are over points from -1 to 1. Default 30; smooth signals want less. */
  readonly frequency?: number;
}

/** Uniform within a bound that depends on the weight. */
const within = (bound: (spec: WeightSpec) => number): Initializer =>
  Object.assign((key: Parameters<Initializer>[0], spec: WeightSpec) => uniform({ bound: bound(spec) })(key, spec), {
    std: (spec: WeightSpec) => bound(spec) / Math.sqrt(3),
  });

/**
 * A network of sines over points, which represents a signal such as an image by its weights: [..., in] to [..., out].
 * Each layer but the last gives sin(frequency (x W + b)) (Sitzmann et al. 2020, section 3.2). Points lie in -1 to 1.
 *
 * Weights start uniform, within 1 / in in the first layer and sqrt(6 / fanIn) / frequency in the others, so that what
 * enters each further sine has unit variance by the weights, whatever the depth (theorem 1.8); biases within
 * 1 / sqrt(fanIn), as in the authors' code. All of them know their standard deviations: a hypernetwork generates them
 * at the same scale.
 * @throws ArgumentError for sizes below 1 or a frequency that is not positive; when applied, ShapeError for an input
 * whose last axis is not `in`
 * @example
 * const image = nn.siren({ in: 2, hidden: [32, 32, 32], out: 3 });
 * const colour = image.apply(image.init(random.key(0)), constant([0.5, -0.25])); // [3]
 */
export function siren({ in: inputs, hidden, out, frequency = 30 }: SirenOptions): Module<MlpSpec> {
  positive('siren', 'frequency', frequency);
  const first = within(({ fanIn }) => 1 / fanIn);
  const further = within(({ fanIn }) => Math.sqrt(6 / fanIn) / frequency);
  const shift = within(({ fanIn }) => 1 / Math.sqrt(fanIn));
  const widths = [inputs, ...hidden, out];
  const layers = widths
    .slice(1)
    .map((width, i) =>
      linear({ in: widths[i] as number, out: width, init: i === 0 ? first : further, biasInit: shift }),
    );
  return defineModule<MlpSpec>({
    name: 'siren',
    spec: Object.fromEntries(layers.map(({ spec }, i) => [`layer${i}`, spec])),
    apply: (params, x, context) =>
      layers.reduce((h, layer, i) => {
        const y = applyChild(`layer${i}`, layer, params[`layer${i}`] as Params<LinearSpec>, h, context);
        return i === hidden.length ? y : sin(mul(y, frequency));
      }, x),
  });
}

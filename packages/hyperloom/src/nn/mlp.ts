import { type Activation, relu } from './activations.ts';
import { kaimingNormal, lecunNormal } from './init.ts';
import { type LinearSpec, linear } from './linear.ts';
import { applyChild, defineModule, type Initializer, type Module, type Params } from './module.ts';

/** Weights of {@link mlp}: `layer0`, `layer1` and so on, the last one for the output. */
export type MlpSpec = { readonly [layer: `layer${number}`]: LinearSpec };

/** Options of {@link mlp}. */
export interface MlpOptions {
  readonly in: number;
  /** Widths of the hidden layers; none makes the network one linear layer. */
  readonly hidden: readonly number[];
  readonly out: number;
  /** Between layers, not after the last; ReLU by default. */
  readonly activation?: Activation;
  readonly bias?: boolean;
  /** How hidden weights start; normal by default, with the gain of the activation over sqrt(fanIn). */
  readonly init?: Initializer;
  /** How the last weights start; `lecunNormal` by default. */
  readonly outInit?: Initializer;
}

/**
 * Linear layers with an activation between them: [..., in] to [..., out].
 * @throws ArgumentError for sizes below 1; when applied, ShapeError for an input whose last axis is not `in`
 * @example
 * const net = nn.mlp({ in: 1, hidden: [40, 40], out: 1, activation: nn.tanh });
 * const y = net.apply(net.init(random.key(0)), constant([0.5])); // [1]
 */
export function mlp({
  in: inputs,
  hidden,
  out,
  activation = relu,
  bias = true,
  init,
  outInit = lecunNormal(),
}: MlpOptions): Module<MlpSpec> {
  const hiddenInit = init ?? kaimingNormal({ gain: activation.gain });
  const widths = [inputs, ...hidden];
  const layers = widths.map((width, i) => {
    const last = i === hidden.length;
    return linear({ in: width, out: last ? out : (widths[i + 1] as number), bias, init: last ? outInit : hiddenInit });
  });
  return defineModule<MlpSpec>({
    name: 'mlp',
    spec: Object.fromEntries(layers.map(({ spec }, i) => [`layer${i}`, spec])),
    apply: (params, x, context) =>
      layers.reduce((h, layer, i) => {
        const y = applyChild(`layer${i}`, layer, params[`layer${i}`] as Params<LinearSpec>, h, context);
        return i === hidden.length ? y : activation.apply({}, y);
      }, x),
  });
}

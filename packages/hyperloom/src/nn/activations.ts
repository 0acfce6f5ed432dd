import * as t from '../tensor/index.ts';
import { gains, leakyGain } from './init.ts';
import { defineModule, type Module, type NoWeights } from './module.ts';
import { positive } from './options.ts';

/** An elementwise function as a module: any shape to the same shape. */
export interface Activation extends Module<NoWeights> {
  /** By how much the layer before it should be larger at init; see `init.gains`. */
  readonly gain: number;
}

const activation = (name: string, f: (x: t.Tensor) => t.Tensor, gain: number = gains.linear): Activation => ({
  ...defineModule<NoWeights>({ name, spec: {}, apply: (_, x) => f(x) }),
  gain,
});

/**
 * max(x, 0).
 * @example
 * const y = nn.relu.apply({}, constant([-1, 2])); // [0, 2]
 */
export const relu: Activation = activation('relu', t.relu, gains.relu);

/** Hyperbolic tangent. */
export const tanh: Activation = activation('tanh', t.tanh, gains.tanh);

/** 1 / (1 + exp(-x)). */
export const sigmoid: Activation = activation('sigmoid', t.sigmoid, gains.sigmoid);

/** Gaussian error linear unit, exact (Hendrycks and Gimpel 2016). Its gain is that of ReLU, which it approaches. */
export const gelu: Activation = activation('gelu', t.gelu, gains.relu);

/** x * sigmoid(x), also called swish. Its gain is that of ReLU, which it approaches. */
export const silu: Activation = activation('silu', t.silu, gains.relu);

/** log(1 + exp(x)): a positive output. */
export const softplus: Activation = activation('softplus', t.softplus);

/** The input itself. */
export const identity: Activation = activation('identity', (x) => x);

/**
 * x where positive, slope * x elsewhere.
 * @throws ArgumentError for a slope that is not positive
 * @example
 * const y = nn.leakyRelu({ slope: 0.2 }).apply({}, constant([-1, 2])); // [-0.2, 2]
 */
export const leakyRelu = ({ slope = 0.01 }: { readonly slope?: number } = {}): Activation =>
  activation('leakyRelu', (x) => t.leakyRelu(x, slope), leakyGain(positive('leakyRelu', 'slope', slope)));

import {
  type ConvLayerOptions,
  type ConvSpec,
  conv2d,
  globalAvgPool,
  linear,
  type NoWeights,
  type Params,
  type SpecOf,
  sequential,
} from '../../nn/index.ts';
import { ArgumentError, type Tensor } from '../../tensor/index.ts';
import type { Temperature } from '../generator/temperature.ts';
import type { Head } from '../head.ts';
import { type DenseSpec, dense, type ExpertsOptions, type ExpertsSpec, experts } from '../heads/index.ts';
import type { HyperSpec } from '../hypernetwork.ts';
import type { HeadInit } from '../init.ts';
import { type Dynamic, dynamic } from './dynamic.ts';

/** A convolution that mixes its kernels by its input. */
export interface MixtureConv extends Dynamic<ConvSpec, Tensor, NoWeights, ExpertsSpec> {
  /** The coefficients [experts] for an input. */
  coefficients(params: Params<HyperSpec<NoWeights, ExpertsSpec>>, input: Tensor): Tensor;
}

/** A convolution over a mixture, the coefficients of which are made of the mean of each channel. */
function mixture(options: ConvLayerOptions, settings: ExpertsOptions): MixtureConv {
  const head = experts(settings);
  const layer = dynamic(conv2d(options), { encode: globalAvgPool, size: options.in, head: head as Head<ExpertsSpec> });
  const { settings: own, generated } = layer.hypernetwork;
  return {
    ...layer,
    coefficients: (params, input) => {
      const code = own.code.apply(params.code as never, input as never);
      return head.coefficients(params.head, code, generated).target!;
    },
  };
}

/** Options of {@link condConv2d}. */
export interface CondConvOptions extends ConvLayerOptions {
  /** Kernels to mix: n of the paper. Default 8. */
  readonly experts?: number;
}

/**
 * Conditionally parameterised convolution (CondConv, Yang et al. 2019, section 3.1): [in, H, W] to [out, H', W'] with
 * the kernel sum_k alpha_k(x) W_k, alpha(x) = sigmoid(FC(GAP(x))), in which GAP is the mean of each channel. The
 * experts start so that the mixture has the variance of the kernel of `conv2d`, and the bias is mixed likewise.
 * @throws ArgumentError as `nn.conv2d` does, and for fewer than 1 experts
 * @example
 * const layer = hyper.condConv2d({ in: 16, out: 32, kernel: 3, padding: 'same', experts: 4 });
 * const params = layer.init(random.key(0));
 * const x = constant(zerosArray('float32', [16, 8, 8]));
 * const y = layer.apply(params, x); // [32, 8, 8]
 * const alpha = layer.coefficients(params, x); // [4], all 0.5 for an input of zeros
 */
export const condConv2d = ({ experts: count = 8, ...options }: CondConvOptions): MixtureConv =>
  mixture(options, { count, gate: 'sigmoid' });

/** Options of {@link dyConv2d}. */
export interface DyConvOptions extends ConvLayerOptions {
  /** Kernels to mix: K of the paper. Default 4, as there. */
  readonly experts?: number;
  /** Units between the means of the channels and the logits, as a share of the channels. Default 0.25, as in the paper. */
  readonly reduction?: number;
  /** What logits are divided by. Default 1; the paper lets it fall, as `{ from: 34, to: 1, by: 3, every: stepsOfAnEpoch }`. */
  readonly temperature?: Temperature;
}

/**
 * Dynamic convolution (Chen et al. 2020, eq. 2 and 3): [in, H, W] to [out, H', W'] with the kernel sum_k pi_k(x) W_k and
 * the bias sum_k pi_k(x) b_k, pi(x) = softmax(MLP(GAP(x)) / temperature). The MLP has one hidden ReLU layer of
 * `reduction` times the channels, but no fewer units than experts.
 * @throws ArgumentError as `nn.conv2d` does, for fewer than 1 experts, and for a reduction or temperature that is not positive
 * @example
 * const temperature = { from: 34, to: 1, by: 3, every: 100 };
 * const layer = hyper.dyConv2d({ in: 16, out: 32, kernel: 3, padding: 'same', temperature });
 * const y = layer.apply(layer.init(random.key(0)), constant(zerosArray('float32', [16, 8, 8]))); // [32, 8, 8]
 */
export function dyConv2d({
  experts: count = 4,
  reduction = 0.25,
  temperature = 1,
  ...options
}: DyConvOptions): MixtureConv {
  if (!(reduction > 0)) throw new ArgumentError(`dyConv2d: expected a positive reduction, got ${reduction}`);
  const hidden = [Math.max(count, Math.ceil(options.in * reduction))];
  return mixture(options, { count, gate: 'softmax', temperature, hidden });
}

/** Options of {@link fullConv2d}. */
export interface FullConvOptions extends ConvLayerOptions {
  /** Elements of the code. Default a quarter of the input channels, but no fewer than 4. */
  readonly code?: number;
  /** Widths of the ReLU layers between code and kernel. Default none. */
  readonly hidden?: readonly number[];
  /** How the last layer of the generator starts. Default `hyperfanIn`. */
  readonly headInit?: HeadInit;
}

/** The encoder of {@link fullConv2d}: the mean of each channel, and an affine layer. */
const meansEncoder = (channels: number, size: number) =>
  sequential({ pool: globalAvgPool, fc: linear({ in: channels, out: size }) });

/** Weights of the encoder of {@link fullConv2d}. */
export type MeansSpec = SpecOf<ReturnType<typeof meansEncoder>>;

/**
 * A convolution whose whole kernel and bias are generated from its input: [in, H, W] to [out, H', W']. The code is
 * FC(GAP(x)), scaled to a constant norm, and a dense head makes the weights of it, so that each number costs one parameter
 * for each element of the code. For other encoders and heads use {@link dynamic}.
 * @throws ArgumentError as `nn.conv2d` does
 * @example
 * const layer = hyper.fullConv2d({ in: 16, out: 16, kernel: 3, padding: 'same', code: 4 });
 * const params = layer.init(random.key(0));
 * const x = random.normal(random.key(1), [16, 8, 8]);
 * const y = layer.apply(params, x); // [16, 8, 8]
 * const { weight } = layer.weights(params, x); // [16, 16, 3, 3], of this input
 */
export function fullConv2d({
  code,
  hidden = [],
  headInit,
  ...options
}: FullConvOptions): Dynamic<ConvSpec, Tensor, MeansSpec, DenseSpec> {
  const size = code ?? Math.max(4, Math.ceil(options.in / 4));
  return dynamic(conv2d(options), {
    encode: meansEncoder(options.in, size),
    size,
    normalize: true,
    head: dense({ hidden, ...(headInit && { init: headInit }) }),
  });
}

import { type Activation, type Initializer, init, relu, type WeightSpec, weight } from '../../nn/index.ts';
import {
  ArgumentError,
  add,
  concat,
  matmul,
  mul,
  neg,
  random,
  reshape,
  slice,
  type Tensor,
} from '../../tensor/index.ts';
import type { CodeSpec } from '../head.ts';
import type { HeadInput } from '../init.ts';
import { secondMoment as momentAfter } from './moment.ts';

/** The weights of an affine layer. */
export type Affine = {
  readonly weight: WeightSpec;
  readonly bias: WeightSpec;
};

/** The tensors of an affine layer. */
export interface AffineWeights {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** x W + b. */
export const affine = (x: Tensor, layer: AffineWeights): Tensor => add(matmul(x, layer.weight), layer.bias);

/** How the hidden layers differ from ReLU layers that keep the second moment of what enters. */
export interface TrunkOptions {
  readonly activation?: Activation;
  readonly init?: Initializer | undefined;
}

/** The hidden layers between a code and the last layers of a head, and what enters those. */
export interface Trunk {
  readonly layers: readonly Affine[];
  readonly input: HeadInput;
}

/**
 * Layers of the given widths over a code, ReLU unless told otherwise, which keep its second moment.
 * @param where the head, for errors
 * @throws ArgumentError for widths below 1, or without a code
 */
export function trunkSpec(
  where: string,
  { size, secondMoment }: CodeSpec,
  hidden: readonly number[],
  { activation = relu, init: start }: TrunkOptions = {},
): Trunk {
  checkHidden(where, hidden);
  if (size === 0) throw new ArgumentError(`${where}: expected a code of at least 1 element, got none`);
  let input: HeadInput = { width: size, secondMoment };
  const layers = hidden.map((width, i) => {
    const { width: inputs, secondMoment: before } = input;
    const mirrored = activation === relu;
    const normal = () => init.normal({ std: activation.gain / Math.sqrt(inputs * before) });
    input = { width, secondMoment: mirrored ? before : momentAfter(activation, activation.gain) };
    return {
      weight: weight({ shape: [inputs, width], init: start ?? (mirrored ? looksLinear(i > 0) : normal()) }),
      bias: weight({ shape: [width], role: 'bias', init: init.zeros }),
    };
  });
  return { layers, input };
}

/** Raises for hidden widths below 1: when the head is made, before there is a target. */
export function checkHidden(where: string, hidden: readonly number[]): void {
  if (hidden.some((width) => !Number.isInteger(width) || width < 1))
    throw new ArgumentError(`${where}: expected hidden widths of at least 1, got [${hidden.join(', ')}]`);
}

/** The features of a code: [code] to [1, width]. */
export const trunk = (layers: readonly AffineWeights[], code: Tensor, activation: Activation = relu): Tensor =>
  layers.reduce((x, layer) => activation.apply({}, affine(x, layer)), reshape(code, [1, -1]));

/**
 * Orthogonal with mirrored units, so that ReLU loses nothing: relu(z) and relu(-z) together have the norm of z
 * (Balduzzi et al. 2017, section 4, "looks linear"). All weights of a target share the features of a code, so their
 * norm enters the activations of an L-layer target to the power L: Kaiming's would vary that much from key to key.
 * @param mirrored whether the inputs are such units themselves
 */
function looksLinear(mirrored: boolean): Initializer {
  const sizes = ({ shape }: WeightSpec) => {
    const [inputs, width] = shape as [number, number];
    return { inputs, width, rows: mirrored ? Math.ceil(inputs / 2) : inputs, columns: Math.ceil(width / 2) };
  };
  const gain = (spec: WeightSpec): number => {
    const { inputs, rows, columns } = sizes(spec);
    // Both halves, though an odd width leaves out one unit of the second: each unit keeps the second moment.
    return Math.sqrt((2 * columns) / (inputs * Math.min(1, columns / rows)));
  };
  const draw = (key: Tensor, spec: WeightSpec): Tensor => {
    const { inputs, width, rows, columns } = sizes(spec);
    const half = mul(random.orthogonal(key, [rows, columns]), gain(spec));
    const tall = mirrored
      ? slice(concat([half, neg(half)], 0), [
          [0, inputs],
          [0, columns],
        ])
      : half;
    return slice(concat([tall, neg(tall)], 1), [
      [0, inputs],
      [0, width],
    ]);
  };
  return Object.assign(draw, {
    std: (spec: WeightSpec) => {
      const { rows, columns } = sizes(spec);
      return gain(spec) / Math.sqrt(Math.max(rows, columns));
    },
  });
}

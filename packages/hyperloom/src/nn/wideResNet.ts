import { ArgumentError } from '../tensor/index.ts';
import { relu } from './activations.ts';
import { type ConvSpec, conv2d } from './conv.ts';
import { kaimingNormal } from './init.ts';
import { type LinearSpec, linear } from './linear.ts';
import type { AnyModule, Module, NoWeights } from './module.ts';
import { whole } from './options.ts';
import { globalAvgPool } from './pool.ts';
import { type PreActivationOptions, type PreActivationSpec, preActivationBlock, shiftNorm } from './preActivation.ts';
import { type Layers, sequential } from './sequential.ts';

/** Weights of {@link wideResNet}: `group1.0.conv1.weight` is the first kernel of the first block of the first group. */
export type WideResNetSpec = {
  readonly stem: ConvSpec;
  readonly stemNorm: PreActivationSpec['norm1'];
  readonly stemRelu: NoWeights;
  readonly group1: readonly PreActivationSpec[];
  readonly group2: readonly PreActivationSpec[];
  readonly group3: readonly PreActivationSpec[];
  readonly norm: PreActivationSpec['norm1'];
  readonly relu: NoWeights;
  readonly pool: NoWeights;
  readonly fc: LinearSpec;
};

/** Options of {@link wideResNet}. */
export interface WideResNetOptions extends Pick<PreActivationOptions, 'shortcut' | 'norm'> {
  /** 6 n + 4 for n blocks in each of the three groups. */
  readonly depth: number;
  /** By how much the groups are wider than `channels`. Default 1. */
  readonly width?: number;
  /** Channels of the image. */
  readonly in: number;
  readonly classes: number;
  /** Channels of the groups before they are widened; the stem has the first. Default 16, 32, 64. */
  readonly channels?: readonly [number, number, number];
  /** Stride of the stem; 2 for a quarter of the multiply-adds. Default 1. */
  readonly stride?: number;
}

/**
 * A wide residual network: [in, H, W] to [classes] logits (Zagoruyko and Komodakis 2016). A 3x3 convolution with its
 * normalisation and ReLU; three groups of {@link preActivationBlock}, of which the second and third halve the image; a
 * last normalisation and ReLU; the means of all channels; one linear layer. `depth` counts the 3x3 convolutions, the
 * linear layer, and two projections (which a padded shortcut does without).
 * @throws ArgumentError for a depth that is not 6 n + 4, or sizes below 1; when applied, ShapeError
 * @example
 * const net = nn.wideResNet({ depth: 40, in: 3, classes: 10 });
 * const n = nn.countParams(net.spec); // 562,778, running statistics included
 */
export function wideResNet({
  depth,
  width = 1,
  in: inputs,
  classes,
  channels = [16, 32, 64],
  stride = 1,
  shortcut = 'pad',
  norm = shiftNorm,
}: WideResNetOptions): Module<WideResNetSpec> {
  const blocks = (depth - 4) / 6;
  if (!Number.isInteger(blocks) || blocks < 1)
    throw new ArgumentError(`wideResNet: expected a depth of 6 n + 4 (10, 16, 22, ...), got ${depth}`);
  whole('wideResNet', 'width', width);
  const widths = channels.map((n) => width * whole('wideResNet', 'channels', n));
  const group = (i: 0 | 1 | 2): readonly Module<PreActivationSpec>[] =>
    Array.from({ length: blocks }, (_, at) =>
      preActivationBlock({
        in: at > 0 ? widths[i]! : i === 0 ? channels[0] : widths[i - 1]!,
        out: widths[i]!,
        stride: at === 0 && i > 0 ? 2 : 1,
        shortcut,
        norm,
      }),
    );
  const layers: Readonly<Record<keyof WideResNetSpec, AnyModule>> = {
    stem: conv2d({
      in: inputs,
      out: channels[0],
      kernel: 3,
      stride,
      padding: 1,
      bias: false,
      init: kaimingNormal(),
    }),
    stemNorm: norm(channels[0]),
    stemRelu: relu,
    group1: sequential(group(0)),
    group2: sequential(group(1)),
    group3: sequential(group(2)),
    norm: norm(widths[2]!),
    relu,
    pool: globalAvgPool,
    fc: linear({ in: widths[2]!, out: classes }),
  };
  // The types of the layers, all together, are more than the compiler follows.
  const inOrder = sequential as unknown as (layers: Layers) => Module<WideResNetSpec>;
  return { ...inOrder(layers), name: 'wideResNet' };
}

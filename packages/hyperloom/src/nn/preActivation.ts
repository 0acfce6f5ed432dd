import { ArgumentError, add, pad, relu, slice, type Tensor } from '../tensor/index.ts';
import { batchNorm } from './batchNorm.ts';
import { type ConvSpec, conv2d } from './conv.ts';
import { kaimingNormal } from './init.ts';
import { type AnyModule, applyChild, defineModule, type Module, type Params, type WeightSpec } from './module.ts';
import { expectShape, whole } from './options.ts';

/** The layer that normalises a number of channels; its weights lie side by side. */
export type NormOf = (channels: number) => AnyModule & { readonly spec: Readonly<Record<string, WeightSpec>> };

/** Weights of {@link preActivationBlock}; `project` where the shortcut is a projection that is needed. */
export type PreActivationSpec = {
  readonly norm1: Readonly<Record<string, WeightSpec>>;
  readonly conv1: ConvSpec;
  readonly norm2: Readonly<Record<string, WeightSpec>>;
  readonly conv2: ConvSpec;
  readonly project?: ConvSpec;
};

/** Options of {@link preActivationBlock}. */
export interface PreActivationOptions {
  readonly in: number;
  readonly out: number;
  /** Of the first convolution. Default 1. */
  readonly stride?: number;
  /**
   * What is added where the block changes the shape: every stride-th place of the input with channels of zeros behind
   * its own (option A of He et al. 2016a), or a 1x1 convolution (option B). Default `pad`.
   */
  readonly shortcut?: 'pad' | 'project';
  /** Default `batchNorm` without a scale, which the ReLU and convolution behind it make redundant. */
  readonly norm?: NormOf;
}

/** Batch normalisation with a shift alone: a ReLU and a convolution follow, so a scale would add nothing. */
export const shiftNorm: NormOf = (channels) => batchNorm({ channels, scale: false });

/**
 * A residual block of two 3x3 convolutions without bias, each behind a normalisation and a ReLU: [in, H, W] to
 * [out, H / stride, W / stride], rounded up (He et al. 2016b, "Identity mappings in deep residual networks"). A
 * projection reads the input after its first normalisation and ReLU, as in wide residual networks.
 * @throws ArgumentError for sizes below 1, or fewer channels out than in over a padded shortcut; when applied,
 *   ShapeError
 * @example
 * const block = nn.preActivationBlock({ in: 16, out: 32, stride: 2 });
 * const y = block.apply(block.init(random.key(0)), constant(zerosArray('float32', [16, 7, 7])), { training: true }); // [32, 4, 4]
 */
export function preActivationBlock({
  in: inputs,
  out,
  stride = 1,
  shortcut = 'pad',
  norm = shiftNorm,
}: PreActivationOptions): Module<PreActivationSpec> {
  const name = 'preActivationBlock';
  if (shortcut !== 'pad' && shortcut !== 'project')
    throw new ArgumentError(`${name}: expected a shortcut of pad or project, got ${String(shortcut)}`);
  if (shortcut === 'pad' && out < inputs)
    throw new ArgumentError(`${name}: expected at least ${inputs} channels out over a padded shortcut, got ${out}`);
  const conv = (from: number, kernel: number, step: number) =>
    conv2d({
      in: from,
      out,
      kernel,
      stride: step,
      padding: (kernel - 1) / 2,
      bias: false,
      init: kaimingNormal(),
    });
  const norm1 = norm(whole(name, 'in', inputs));
  const conv1 = conv(inputs, 3, whole(name, 'stride', stride));
  const norm2 = norm(whole(name, 'out', out));
  const conv2 = conv(out, 3, 1);
  const changes = stride > 1 || out !== inputs;
  const project = changes && shortcut === 'project' ? conv(inputs, 1, stride) : undefined;
  return defineModule<PreActivationSpec>({
    name,
    spec: {
      norm1: norm1.spec,
      conv1: conv1.spec,
      norm2: norm2.spec,
      conv2: conv2.spec,
      ...(project && { project: project.spec }),
    },
    apply: (params, x, context) => {
      expectShape(name, [inputs, 'H', 'W'], x.shape);
      const active = relu(applyChild('norm1', norm1, params.norm1 as never, x, context));
      const h = applyChild('conv1', conv1, params.conv1, active, context);
      const between = relu(applyChild('norm2', norm2, params.norm2 as never, h, context));
      const y = applyChild('conv2', conv2, params.conv2, between, context);
      const skip = project
        ? applyChild('project', project, (params as Record<'project', Params<ConvSpec>>).project, active, context)
        : padded(x, out, stride);
      return add(y, skip);
    },
  });
}

/** Every stride-th place, and channels of zeros behind those that there are. */
function padded(x: Tensor, channels: number, stride: number): Tensor {
  const [own, height, width] = x.shape as [number, number, number];
  const kept = slice(x, [
    [0, own],
    [0, height, stride],
    [0, width, stride],
  ]);
  if (channels === own) return kept;
  return pad(kept, [
    [0, channels - own],
    [0, 0],
    [0, 0],
  ]);
}

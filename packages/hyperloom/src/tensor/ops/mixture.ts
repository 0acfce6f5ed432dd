import { sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { reshape } from './broadcast.ts';
import { fold, unfold } from './channels.ts';
import type { ConvAttrs } from './geometry.ts';
import { matmul } from './matmul.ts';

/*
 * Convolutions with kernels that are mixtures, W_b = sum_k alpha_bk V_k, such as those of experts. A convolution is
 * linear in its kernel, so the outputs can be mixed in place of the kernels:
 *
 *   x_b * W_b = sum_k alpha_bk (x_b * V_k)
 *
 * which is one convolution of all examples with K times the outputs, and no kernel for each example. That pays where
 * an image has few places: kernels of examples are written, read and differentiated, places are multiplied.
 */

/** Coefficients [B, K], and the K kernels [K, O, I, ...] that they mix. */
interface Mixture {
  readonly alpha: Tensor;
  readonly kernels: Tensor;
}

/** Multiply-adds that take as long as a number of a kernel of each example does, forwards and backwards. Measured. */
const kernelMemory = 100;
/** The same for a number of the outputs that are mixed. Measured. */
const outputMemory = 48;

/** How kernels [B, O, I, ...] were mixed of those of all examples, if they were. */
function mixtureOf(w: Tensor): Mixture | undefined {
  let made = w;
  while (made.node.op.name === 'reshape') made = made.node.inputs[0]!;
  if (made.node.op.name !== 'matmul') return undefined;
  const [alpha, kernels] = made.node.inputs as [Tensor, Tensor];
  const [size, ...kernel] = w.shape as [number, ...number[]];
  const count = kernels.shape[0]!;
  if (kernels.rank !== 2 || kernels.shape[1] !== sizeOf(kernel) || sizeOf(alpha.shape) !== size * count)
    return undefined;
  return { alpha: reshape(alpha, [size, count]), kernels: reshape(kernels, [count, ...kernel]) };
}

/**
 * The convolutions of each example's kernel, [B, O, I, ...], with its own input, [B, N, I, ...], or with one for all,
 * [N, I, ...], by mixing outputs: [B, N, O, ...]. Undefined where kernels are no mixtures, or mixing them first is
 * cheaper.
 * @param conv handed in because its own file imports this one
 * @param places of one output
 */
export function mixedOutputs(
  conv: (x: Tensor, w: Tensor, attrs: ConvAttrs) => Tensor,
  {
    x,
    own,
    w,
    attrs,
    places,
  }: {
    readonly x: Tensor;
    readonly own: boolean;
    readonly w: Tensor;
    readonly attrs: ConvAttrs;
    readonly places: number;
  },
): Tensor | undefined {
  if (attrs.groups !== 1) return undefined;
  const mixture = mixtureOf(w);
  if (mixture === undefined) return undefined;
  const { alpha, kernels } = mixture;
  const [count, outputs, ...tail] = kernels.shape as [number, number, ...number[]];
  const products = outputs * sizeOf(tail);
  const more = (count - 1) * places * products + outputMemory * count * outputs * places;
  if (more >= kernelMemory * products) return undefined;
  const size = w.shape[0]!;
  const y = conv(own ? fold(x) : x, reshape(kernels, [count * outputs, ...tail]), attrs);
  const spatial = y.shape.slice(2);
  const apart = own ? unfold(y, size) : reshape(y, [1, ...y.shape]);
  const stacked = reshape(apart, [...apart.shape.slice(0, 2), count, outputs * sizeOf(spatial)]);
  const mixed = matmul(reshape(alpha, [size, 1, 1, count]), stacked);
  return reshape(mixed, [size, stacked.shape[1]!, outputs, ...spatial]);
}

import type { ConvAttrs, Shape } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import { Value } from '../value.ts';
import { convNode, inputGradPadding } from './conv-node.ts';
import type { Call } from './lowering.ts';

/*
 * ONNX Runtime's blocked convolution kernels: channels lie in blocks that fill a vector register. Weights of ONNX
 * files are brought into blocks when a session is made; ours are values of the program, so the program does it.
 */

const domain = 'com.microsoft.nchwc';

/** Whether a convolution of these channels fills whole blocks. */
export const fillsBlocks = (block: number, x: Shape, w: Shape, groups: number): boolean =>
  block > 0 && x.length === 4 && groups === 1 && w[0]! % block === 0 && w[1]! % block === 0;

/** The blocked form of a value, made once for all who read it. */
function blockedForm(b: Builder, value: Value): string {
  value.blocked ??= { name: b.node('ReorderInput', [value.name()], {}, { domain }), grid: value.shape };
  return value.blocked.name;
}

/** A blocked result; its row-major form is written when it is asked for. */
function result(b: Builder, y: Call['outputs'][number], name: string): Value {
  const plain = () => b.node('ReorderOutput', [name], { channels: y.shape[1]! }, { domain });
  return new Value(y, plain, { blocked: { name, grid: y.shape } });
}

/** conv by the blocked kernels. */
export function blockedConv({ b, inputs: [x, w], outputs: [y], attrs, target: { block } }: Call<ConvAttrs>): Value {
  const [o, c, height, width] = w!.shape as [number, number, number, number];
  // [O, I, taps] to [O / block, I / block, taps, block of I, block of O].
  const view = [o / block, block, c / block, block, height * width];
  const kernel = b.rearrange(w!.name(), w!.shape, view, [0, 2, 4, 3, 1], w!.shape);
  const node = convNode([height, width], attrs);
  return result(b, y!, b.node('Conv', [blockedForm(b, x!), kernel], node, { domain }));
}

/** convInputGrad by the blocked kernels, for strides of 1: a convolution by the kernel turned about. */
export function blockedInputGrad({
  b,
  inputs: [w, dy],
  outputs: [x],
  attrs,
  target: { block },
}: Call<ConvAttrs & { spatial: readonly number[] }>): Value {
  const [o, c, height, width] = w!.shape as [number, number, number, number];
  const taps = height * width;
  const flat = b.reshape(w!.name(), w!.shape, [o, c, taps]);
  const turned = b.node('Slice', [flat, b.ints([-1]), b.ints([-(2 ** 31)]), b.ints([2]), b.ints([-1])]);
  const view = [o / block, block, c / block, block, taps];
  const kernel = b.rearrange(turned, [o, c, taps], view, [2, 0, 4, 1, 3], [c, o, height, width]);
  const padding = inputGradPadding([height, width], dy!.shape.slice(2), attrs);
  const node = convNode([height, width], { ...attrs, padding });
  return result(b, x!, b.node('Conv', [blockedForm(b, dy!), kernel], node, { domain }));
}

import type { Engine } from 'hyperloom/engine';
import * as nn from 'hyperloom/nn';
import { programCost, trace, tree, vmap, zerosArray } from 'hyperloom/tensor';
import { type Materialised, openRun } from 'hyperloom/train';
import type { ImageSet } from './images.ts';
import type { Widths } from './widths.ts';

/** What of a set of images a network depends on. */
export type Images = Pick<ImageSet, 'channels' | 'height' | 'width' | 'classes'>;

/** Channels of the three convolutions at full width. */
export const fullWidths: Widths = [8, 16, 16];

/** The smallest channels that training meets. */
export const leastWidths: Widths = [1, 2, 2];

/**
 * Three convolutions, each with ReLU and a pool, and a linear layer. With gates, channels can be closed; without, it is
 * a network of its own at the given widths.
 */
export function slimNet({ channels, height, width, classes }: Images, own: Widths, gated = true) {
  const [c1, c2, c3] = own as [number, number, number];
  const block = (inputs: number, outputs: number, kernel: number) => ({
    conv: nn.conv2d({ in: inputs, out: outputs, kernel, padding: 'same', init: nn.init.kaimingNormal() }),
    ...(gated && { open: nn.gate({ channels: outputs }) }),
    relu: nn.relu,
    pool: nn.maxPool({ window: 2 }),
  });
  const left = Math.floor(height / 8) * Math.floor(width / 8);
  return nn.sequential({
    block1: nn.sequential(block(channels, c1, 5)),
    block2: nn.sequential(block(c1, c2, 3)),
    block3: nn.sequential(block(c2, c3, 3)),
    flatten: nn.flatten,
    fc: nn.linear({ in: left * c3, out: classes.length }),
  });
}

/** Multiply-adds of one image, and weights, of the network without gates at the given widths. */
export function costOf(images: Images, own: Widths): { readonly multiplyAdds: number; readonly parameters: number } {
  const net = slimNet(images, own, false) as unknown as nn.AnyModule;
  const { channels, height, width } = images;
  const input = { dtype: 'float32', shape: [channels, height, width] } as const;
  const types: unknown = tree.map(({ dtype, shape }: nn.WeightSpec) => ({ dtype, shape }), net.spec as unknown);
  const { program } = trace((params: never, x: never) => net.apply(params, x), types, input);
  return { multiplyAdds: programCost(program).multiplyAdds, parameters: nn.countParams(net.spec) };
}

/** Milliseconds that a network takes for 100 images: the median of some runs. */
export async function milliseconds(
  { module, params }: Materialised,
  { channels, height, width }: Images,
  engine: Engine,
): Promise<number> {
  const run = openRun(module, params, engine);
  const images = zerosArray('float32', [100, channels, height, width]);
  const classify = (own: never, all: never) =>
    vmap((image: never) => module.apply(own, image, { training: false }) as never)(all);
  const times: number[] = [];
  for (let i = 0; i < 31; i++) {
    const began = performance.now();
    await run.call(classify, images);
    times.push(performance.now() - began);
  }
  await run.dispose();
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

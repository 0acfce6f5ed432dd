import { type WideResNetOptions, type WideResNetSpec, wideResNet } from '../nn/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { type LayerwiseOptions, type LayerwiseSpec, layerwise } from './heads/layerwise.ts';
import { type Hypernetwork, hypernetwork } from './hypernetwork.ts';

/** Settings of {@link hyperResNet}: those of the network and those of the generator. */
export interface HyperResNetOptions
  extends WideResNetOptions,
    Partial<Pick<LayerwiseOptions, 'embedding' | 'hidden' | 'tile' | 'init' | 'std'>> {}

/** The type of {@link hyperResNet}: no code, and the weights of a layerwise head. */
export type HyperResNet = Hypernetwork<
  WideResNetSpec,
  Tensor,
  Tensor,
  undefined,
  Readonly<Record<string, never>>,
  LayerwiseSpec
>;

/**
 * A hyper residual network (Ha et al. 2016, section 4.2): {@link wideResNet} whose 3x3 kernels in blocks are generated
 * by one {@link layerwise} head. Every kernel is tiled with basic kernels, 16x16 channels each, of which each has a
 * learned embedding z. The stem, the normalisations, the linear layer and any projections are stored.
 * @throws ArgumentError for a depth that is not 6 n + 4, or sizes below 1
 * @example
 * const model = hyper.hyperResNet({ depth: 40, in: 3, classes: 10 });
 * const n = nn.countParams(model.spec); // 96,618 where the network itself has 562,778
 */
export function hyperResNet({
  embedding = 64,
  hidden = embedding,
  tile = [16, 16],
  init,
  std,
  ...options
}: HyperResNetOptions): HyperResNet {
  const head = layerwise({
    embedding,
    hidden,
    tile,
    ...(init !== undefined && { init }),
    ...(std !== undefined && { std }),
  });
  return hypernetwork(wideResNet(options), { head, generate: 'group*.*.conv*.weight' });
}

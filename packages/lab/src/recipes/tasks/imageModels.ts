import { codes, type Head, type HyperSettings, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { add, clip, constant, gather, mul, ndarray, sub, type Tensor } from 'hyperloom/tensor';
import { concatenation } from '../concatenation.ts';

/** Sizes of a network of sines from places to colours. */
export interface ImageNet {
  /** Widths of the layers of sines. */
  readonly hidden: readonly number[];
  readonly frequency: number;
}

/** A network that is an image: places from -1 to 1 [..., 2] to colours [..., 3], around the middle of 0 to 1. */
export const imageNet = ({ hidden, frequency }: ImageNet, inputs = 2) => {
  const net = nn.siren({ in: inputs, hidden, out: 3, frequency });
  return nn.defineModule<nn.MlpSpec>({
    name: 'imageNet',
    spec: net.spec,
    init: net.init,
    apply: (params, places, context) => add(mul(net.apply(params, places, context), 0.5), 0.5),
  });
};

/** What generates an image network. */
export const imageHeads = {
  dense: () => heads.dense(),
  lowRank: () => heads.lowRank({ rank: 4 }),
  scale: () => heads.scale(),
} as const satisfies Readonly<Record<string, () => unknown>>;

export type ImageHead = keyof typeof imageHeads;

/**
 * A hypernetwork with a learned code for each icon: { code: its number, input: places [points, 2] } to colours. Weights
 * get their scale in the target: they are small, and a step of Adam on a head that gives them as they are is too long.
 */
export const generated = (net: ImageNet, head: ImageHead, code: number, count: number) =>
  hypernetwork(imageNet(net), {
    code: codes.embeddings({ count, size: code }),
    head: imageHeads[head]() as unknown as Head,
    scaling: 'target',
  });

/**
 * Standard deviation of the codes that {@link told} learns, before they are scaled to 1. Its weights want small steps of
 * Adam, by which codes of 1 would hardly move: with all icons they cost it 2.6 dB.
 */
export const toldStd = 0.02;

/**
 * The control: one network of sines that is told the code beside each place. Places enter it as they would without a
 * code: the first layer's weights start smaller by the number of inputs, which is made up for.
 */
export const told = (net: ImageNet, code: number, count: number) =>
  concatenation({
    code: codes.embeddings({ count, size: code, std: toldStd }),
    in: 2,
    network: (inputs) => {
      const own = imageNet(net, inputs);
      const factors = constant(
        ndarray(Float32Array.from({ length: inputs }, (_, i) => (i < 2 ? inputs / 2 : 1 / toldStd))),
      );
      return { ...own, apply: (params, x, context) => own.apply(params, mul(x, factors), context) };
    },
  });

/** An error, a mean of squares of colours, as a peak signal-to-noise ratio in dB; 100 for none. */
export const decibels = (error: number): number => -10 * Math.log10(Math.max(error, 1e-10));

/** What {@link drawBetween} needs of a hypernetwork with a table of codes. */
interface Coded {
  readonly target: unknown;
  readonly settings: HyperSettings;
}

interface ByVector {
  apply(params: unknown, input: { readonly code: Tensor; readonly input: Tensor }): Tensor;
}

/**
 * Colours at places from the code on the line between those of two icons: of the parameters of a model, the icons'
 * numbers, a share and places [points, 2], to [points, 3].
 */
export function drawBetween({ target, settings }: Coded) {
  const untyped = hypernetwork as unknown as (target: unknown, options: object) => ByVector;
  const byVector = untyped(target, { ...settings, code: settings.code.size });
  type CodedParams = { readonly code: { readonly table: Tensor } };
  return (params: CodedParams, from: Tensor, to: Tensor, share: Tensor, places: Tensor): Tensor => {
    const [a, b] = [gather(params.code.table, from), gather(params.code.table, to)];
    const code = add(mul(a, sub(1, share)), mul(b, share));
    return clip(byVector.apply({ ...params, code: {} }, { code, input: places }), 0, 1);
  };
}

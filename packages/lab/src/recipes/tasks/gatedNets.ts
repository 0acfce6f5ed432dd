import { type Costed, codes, costed, heads, hypernetwork, multiplyAdds } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { batchMean, mean, mul, square, stack, sub, type Tensor } from 'hyperloom/tensor';
import type { Trainable } from 'hyperloom/train';

/** What a network of this file is made for. */
export interface NetShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
}

/** Widths of a small residual network: of its trunk at half and at quarter size, and inside of its blocks. */
export interface NetWidths {
  readonly early: number;
  readonly late: number;
  readonly insideEarly: number;
  readonly insideLate: number;
}

/** The widths of the network that is gated. */
export const fullWidths: NetWidths = { early: 8, late: 16, insideEarly: 8, insideLate: 24 };

const conv = (inputs: number, out: number, kernel: number, stride = 1) =>
  nn.conv2d({ in: inputs, out, kernel, padding: kernel >> 1, stride, init: nn.init.kaimingNormal() });

/** relu(conv(x)) with a gate on each channel, and a convolution back, with a gate on the whole: what is added to x. */
const block = (trunk: number, inside: number, gated: boolean) =>
  nn.residual(
    nn.sequential({
      conv1: conv(trunk, inside, 3),
      relu: nn.relu,
      ...(gated && { channels: nn.gate({ channels: inside }) }),
      conv2: nn.conv2d({ in: inside, out: trunk, kernel: 3, padding: 1 }),
      ...(gated && { layer: nn.gate() }),
    }),
  );

/** A small residual network over images, whose channels inside of blocks and whole blocks have gates, or none. */
export function residualNet(
  { channels, height, width, classes }: NetShape,
  widths: NetWidths,
  gated: boolean,
): Trainable {
  const { early, late, insideEarly, insideLate } = widths;
  const quarter = (n: number) => Math.ceil(Math.ceil(n / 2) / 2);
  return nn.sequential({
    stem: conv(channels, early, 5, 2),
    relu0: nn.relu,
    block1: block(early, insideEarly, gated),
    down: conv(early, late, 3, 2),
    relu1: nn.relu,
    block2: block(late, insideLate, gated),
    block3: block(late, insideLate, gated),
    relu2: nn.relu,
    flatten: nn.flatten,
    fc: nn.linear({ in: late * quarter(height) * quarter(width), out: classes }),
  }) as unknown as Trainable;
}

/** Types and shapes of one image. */
export const imageOf = ({ channels, height, width }: NetShape) =>
  ({ dtype: 'float32', shape: [channels, height, width] }) as const;

/** The narrowest network of the same shape, all widths in proportion, that has at least a share of the multiply-adds. */
export function narrowed(shape: NetShape, share: number): Trainable {
  const count = (net: Trainable) => multiplyAdds(net, imageOf(shape));
  const scaled = (factor: number) =>
    residualNet(
      shape,
      Object.fromEntries(
        Object.entries(fullWidths).map(([name, n]) => [name, Math.max(1, Math.round(n * factor))]),
      ) as unknown as NetWidths,
      false,
    );
  const most = count(scaled(1));
  for (let percent = 1; percent < 100; percent++) {
    const net = scaled(percent / 100);
    if (count(net) >= share * most) return net;
  }
  return scaled(1);
}

/** What the gating network reads: the budget alone, or a glance at the image too. */
export type Reads = 'budget' | 'image';

/** Numbers of the code that come from the image, and units between code and gates. */
const [glance, hidden] = [32, 64];

/** What the gated network gives. */
export interface Gated extends Costed<Tensor> {
  /** How undecided its gates are: the mean over weights of p (1 - p), for the probability p of being open. */
  readonly doubt: Tensor;
  /** How much gates differ between the examples of a batch: the mean over weights of the squared deviation of p. */
  readonly variety: Tensor;
}

/** A costed model that also says how undecided and how various its gates are. */
const judgedGates = (model: Trainable): Trainable => ({
  ...model,
  apply: (params: never, input: never, context: nn.Context = { training: false }): Gated => {
    const doubts: Tensor[] = [];
    const varieties: Tensor[] = [];
    const expect = (path: string, open: Tensor): void => {
      doubts.push(mean(mul(open, sub(1, open))));
      varieties.push(mean(square(sub(open, batchMean(open)))));
      context.expect?.(path, open);
    };
    const given = model.apply(params, input, { ...context, expect } as never) as Costed<Tensor>;
    return { ...given, doubt: mean(stack(doubts)), variety: mean(stack(varieties)) };
  },
});

/**
 * The residual network with gates that a hypernetwork opens, and the gating network alone. It gives logits, the
 * expected share of multiply-adds, and the doubt and variety of its gates. Its glance at the image is a linear layer over means of 4 by 4 pixels.
 */
export function gatedNet(shape: NetShape, reads: Reads): { readonly model: Trainable; readonly gating: Trainable } {
  const { channels, height, width } = shape;
  const cells = channels * Math.floor(height / 4) * Math.floor(width / 4);
  const encoder = nn.sequential({
    pool: nn.avgPool({ window: 4 }),
    flatten: nn.flatten,
    fc: nn.linear({ in: cells, out: glance, init: nn.init.kaimingNormal() }),
    tanh: nn.tanh,
  });
  // The mean square of budgets from 0.25 to 1.
  const budget = codes.input({ size: 1, secondMoment: 0.44 });
  const image = codes.encoder(encoder, { size: glance, secondMoment: 0.4 });
  const code = reads === 'image' ? codes.concat({ budget, image }) : codes.concat({ budget });
  const head = heads.gates({ kind: 'gumbel', hidden: [hidden], open: 0.8, spread: 2 });
  const own = hypernetwork(
    residualNet(shape, fullWidths, true) as never,
    {
      code: code as never,
      generate: '**.gate',
      head,
    } as never,
  ) as unknown as Trainable & { generate(params: never, code: never): unknown };
  const model = judgedGates(costed(own as never, { input: imageOf(shape) } as never) as unknown as Trainable);
  return { model, gating: { ...own, apply: (params: never, source: never) => own.generate(params, source) } };
}

/** Multiply-adds of the gating network for one image. */
export const gatingCost = (shape: NetShape, reads: Reads): number =>
  multiplyAdds(gatedNet(shape, reads).gating, {
    budget: { dtype: 'float32', shape: [1] },
    ...(reads === 'image' && { image: imageOf(shape) }),
  });

import { codes, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { broadcastTo, concat, gather, reshape, type Tensor, tree } from 'hyperloom/tensor';
import type { Trainable } from 'hyperloom/train';

/** Images and what they are taken for, as {@link leNet} needs to know of them. */
export interface Sizes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Outputs: the classes of the set that has most. */
  readonly classes: number;
  /** Tasks that share a model. */
  readonly tasks: number;
}

/** What every model reads: the position of a task, and a group of its images [n, channels, height, width]. */
interface Input {
  readonly code: Tensor;
  readonly input: Tensor;
}

/** Two 5x5 convolutions, each pooled: [channels, height, width] to a vector. */
const body = (channels: number) => ({
  conv1: nn.conv2d({ in: channels, out: 10, kernel: 5 }),
  pool1: nn.maxPool({ window: 2 }),
  relu1: nn.relu,
  conv2: nn.conv2d({ in: 10, out: 20, kernel: 5 }),
  pool2: nn.maxPool({ window: 2 }),
  relu2: nn.relu,
  flatten: nn.flatten,
});

/** Elements of the vector that the convolutions end with: 320 for 28 x 28 pixels. */
const features = ({ height, width }: Sizes): number => {
  const after = (size: number) => Math.floor((Math.floor((size - 4) / 2) - 4) / 2);
  return 20 * after(height) * after(width);
};

/** LeNet in the small form of hypnettorch (`mnist_small`): 21,840 weights for grey images of 28 x 28 and ten classes. */
export const leNet = (sizes: Sizes) =>
  nn.sequential({
    ...body(sizes.channels),
    fc1: nn.linear({ in: features(sizes), out: 50 }),
    relu3: nn.relu,
    fc2: nn.linear({ in: 50, out: sizes.classes }),
  });

/** Hypernetworks of a LeNet for each task. */
export function leNetHypers(sizes: Sizes, { code, hidden }: { readonly code: number; readonly hidden: number }) {
  const target = nn.each(leNet(sizes));
  const table = () => codes.embeddings({ count: sizes.tasks, size: code, even: true });
  const dense = heads.dense({ hidden: [hidden, hidden] });
  return {
    /** As hypnettorch's tutorial has it: two hidden layers, and an output for each weight of the target. */
    dense: hypernetwork(target, { code: table(), head: dense }),
    /** Of as many parameters as one LeNet, less than half of what it generates. */
    chunked: hypernetwork(target, { code: table(), head: heads.chunked({ chunk: 1_092, embedding: 8, hidden: [18] }) }),
    /** The first, fed with a code itself in place of its position: for codes that are of no task. */
    anyCode: hypernetwork(target, { code, head: dense }),
  };
}

/** A network of its own for each task, as rows of one table. */
export function separateNets(sizes: Sizes): Trainable {
  const net = leNet(sizes);
  const rowsOf = (w: nn.WeightSpec): nn.WeightSpec => ({
    ...w,
    shape: [sizes.tasks, ...w.shape],
    init: nn.init.byRow((key, row) => w.init(key, { ...w, shape: row.shape })),
  });
  return nn.defineModule({
    name: 'separate',
    spec: tree.map(rowsOf, net.spec),
    apply: (params: never, { code, input }: Input) =>
      nn.each(net).apply(tree.map((w: Tensor) => gather(w, code), params) as never, input),
  }) as unknown as Trainable;
}

/** One LeNet that is told the task: a learned code of its own is joined to what its convolutions end with. */
export function toldNet(sizes: Sizes, { code, width }: { readonly code: number; readonly width: number }) {
  const table = codes.embeddings({ count: sizes.tasks, size: code, even: true });
  const [images, joined] = [
    nn.sequential(body(sizes.channels)),
    nn.mlp({ in: features(sizes) + code, hidden: [width], out: sizes.classes }),
  ];
  return nn.defineModule({
    name: 'told',
    spec: { code: table.spec, images: images.spec, joined: joined.spec },
    apply: (params: never, { code: position, input }: Input): Tensor => {
      const own = params as { readonly code: never; readonly images: never; readonly joined: never };
      const vector = reshape(table.apply(own.code, position), [1, code]);
      const seen = nn.each(images).apply(own.images, input);
      return joined.apply(own.joined, concat([seen, broadcastTo(vector, [seen.shape[0]!, code])], 1));
    },
  });
}

/** One LeNet whose last layer alone is of each task. */
export function sharedBody(sizes: Sizes) {
  const { classes, tasks } = sizes;
  const images = nn.sequential({
    ...body(sizes.channels),
    fc1: nn.linear({ in: features(sizes), out: 50 }),
    relu3: nn.relu,
  });
  const last = nn.linear({ in: 50, out: classes * tasks });
  return nn.defineModule({
    name: 'sharedBody',
    spec: { images: images.spec, last: last.spec },
    apply: (params: never, { code, input }: Input): Tensor => {
      const own = params as { readonly images: never; readonly last: never };
      const all = last.apply(own.last, nn.each(images).apply(own.images, input));
      return gather(reshape(all, [all.shape[0]!, tasks, classes]), code, 1);
    },
  });
}

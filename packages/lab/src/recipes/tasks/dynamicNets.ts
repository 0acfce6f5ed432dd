import {
  condConv2d,
  type DynamicFilter,
  dyConv2d,
  dynamicFilter2d,
  fullConv2d,
  type Temperature,
} from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { programCost, type Shape, trace, tree } from 'hyperloom/tensor';

/** A classifier of images, and what it takes. */
export interface Classifier {
  readonly model: nn.AnyModule;
  /** Its second and third layer, whose kernels may depend on the image. */
  readonly layers: readonly [nn.AnyModule, nn.AnyModule];
  /** Trained parameters. */
  readonly parameters: number;
  /** Multiply-adds of one image. */
  readonly multiplyAdds: number;
}

/** What classifiers of one experiment have in common. */
export interface Task {
  readonly channels: number;
  readonly canvas: number;
  readonly classes: number;
}

/** Channels of the first layer, and of the second and third in a network of width 1. */
const [first, second, third] = [8, 16, 24];

type Layer = (options: { readonly in: number; readonly out: number }) => nn.AnyModule;

const init = nn.init.kaimingNormal();
const same = { kernel: 3, padding: 'same', bias: false, init } as const;

/**
 * Three convolutions and a linear layer. The first is the same in all: images are small, and what makes kernels should
 * see more than pixels.
 * @param width multiplies the channels of the second and third layer
 */
function classifier({ channels, canvas, classes }: Task, layer: Layer, width: number): Classifier {
  // Channels that a layer reads in groups are whole groups.
  const unit = layer === kinds.filters ? groupSize : 1;
  const two = Math.max(1, Math.round((second * width) / unit)) * unit;
  const three = Math.max(1, Math.round(third * width));
  const layers = [layer({ in: first, out: two }), layer({ in: two, out: three })] as const;
  const places = Math.floor(Math.floor(Math.ceil(canvas / 2) / 2) / 2) ** 2;
  const model = nn.sequential({
    conv1: nn.conv2d({ in: channels, out: first, kernel: 5, padding: 2, stride: 2, bias: false, init }),
    norm1: nn.batchNorm({ channels: first }),
    relu1: nn.relu,
    conv2: layers[0],
    norm2: nn.batchNorm({ channels: two }),
    relu2: nn.relu,
    pool2: nn.maxPool({ window: 2 }),
    conv3: layers[1],
    norm3: nn.batchNorm({ channels: three }),
    relu3: nn.relu,
    pool3: nn.maxPool({ window: 2 }),
    flatten: nn.flatten,
    fc: nn.linear({ in: places * three, out: classes }),
  }) as unknown as nn.AnyModule;
  return {
    model,
    layers,
    parameters: tree
      .leaves<nn.WeightSpec>(model.spec)
      .reduce((n, spec) => n + (spec.trained ? nn.countParams(spec) : 0), 0),
    multiplyAdds: multiplyAdds(model, [channels, canvas, canvas]) + filterWork(layers, canvas),
  };
}

/** Multiply-adds of the products and convolutions of one image. */
function multiplyAdds(model: nn.AnyModule, shape: Shape): number {
  const apply = model.apply as (params: unknown, x: never) => never;
  const spec = tree.map(({ dtype, shape: own }: nn.WeightSpec) => ({ dtype, shape: own }), model.spec as unknown);
  return programCost(trace(apply as never, spec, { dtype: 'float32', shape }).program).multiplyAdds;
}

/** Those of filters for each place, which are elementwise operations. */
const filterWork = ([two, three]: Classifier['layers'], canvas: number): number => {
  const size = Math.ceil(canvas / 2);
  const of = (layer: nn.AnyModule, side: number) =>
    'filterMultiplyAdds' in layer ? (layer as unknown as DynamicFilter).filterMultiplyAdds([0, side, side]) : 0;
  return of(two, size) + of(three, Math.floor(size / 2));
};

/** Channels that share the filters of a place. */
const groupSize = 8;

/** Kernels that experts mix. */
export const expertCount = 4;

const untyped = (layer: unknown): nn.AnyModule => layer as nn.AnyModule;

/** The layers that are compared. A whole kernel is made of three numbers, so that it has as many parameters as four experts. */
const kinds: Readonly<Record<'static' | 'full' | 'condConv' | 'filters', Layer>> = {
  static: (options) => nn.conv2d({ ...options, ...same }),
  full: (options) => untyped(fullConv2d({ ...options, ...same, code: expertCount - 1 })),
  condConv: (options) => untyped(condConv2d({ ...options, ...same, experts: expertCount })),
  filters: (options) =>
    untyped(
      dynamicFilter2d({ ...options, kernel: 3, groups: options.in / groupSize, reduction: 0.5, bias: false, init }),
    ),
};

/** The networks of the experiment. */
export interface Networks {
  readonly full: Classifier;
  readonly condConv: Classifier;
  readonly dyConv: Classifier;
  readonly filters: Classifier;
  /** Static, of the multiply-adds of all of these. */
  readonly equalWork: Classifier;
  /** Static, of the parameters of the first three; the filters have nearly as many. */
  readonly equalParameters: Classifier;
}

/** Networks for a task; the widths of all but the first three are sought such that they have what those have. */
export function networks(task: Task, temperature: Temperature): Networks {
  const dy: Layer = (options) => untyped(dyConv2d({ ...options, ...same, experts: expertCount, temperature }));
  const full = classifier(task, kinds.full, 1);
  const like = (layer: Layer, measure: 'parameters' | 'multiplyAdds', value: number) =>
    nearest((width) => classifier(task, layer, width), measure, value);
  return {
    full,
    condConv: classifier(task, kinds.condConv, 1),
    dyConv: classifier(task, dy, 1),
    filters: like(kinds.filters, 'multiplyAdds', full.multiplyAdds),
    equalWork: like(kinds.static, 'multiplyAdds', full.multiplyAdds),
    equalParameters: like(kinds.static, 'parameters', full.parameters),
  };
}

/** The classifier of a family whose measure is nearest to a value: measures grow with the width, in steps of a channel. */
function nearest(
  make: (width: number) => Classifier,
  measure: 'parameters' | 'multiplyAdds',
  value: number,
): Classifier {
  let [low, high] = [1 / 32, 16];
  while (high - low > 1 / 128) {
    const middle = (low + high) / 2;
    if (make(middle)[measure] <= value) low = middle;
    else high = middle;
  }
  const [below, above] = [make(low), make(high)];
  return above[measure] - value < value - below[measure] ? above : below;
}

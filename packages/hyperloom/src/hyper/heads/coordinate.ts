import { init, type WeightSpec, weight } from '../../nn/index.ts';
import {
  ArgumentError,
  add,
  concat,
  constant,
  matmul,
  mul,
  ndarray,
  reshape,
  sin,
  sizeOf,
  split,
  type Tensor,
} from '../../tensor/index.ts';
import { type AxisName, axesOf, fourier, specFeatureCount, specFeatures } from '../generator/target-features.ts';
import type { Affine } from '../generator/trunk.ts';
import { evenColumns, factorOf, isConstant, startOf, staysConstant, unitModel } from '../generator/unit.ts';
import { defineHead, type Head, type TargetSpec } from '../head.ts';
import { type HeadInit, hyperfanIn } from '../init.ts';

/** Settings of {@link coordinate}. */
export interface CoordinateOptions {
  /** Widths of the sine layers between features and weight. */
  readonly hidden: readonly number[];
  /** Number of frequencies, each a sine and a cosine, at which each axis of a weight and the depth are seen. Default 12. */
  readonly frequencies?: number;
  /** Elements of a learned embedding of each weight of the target, beside what its spec says. Default 0, for none. */
  readonly layerEmbedding?: number;
  /** How the last layer starts. Default {@link hyperfanIn}. */
  readonly init?: HeadInit;
}

/** The weights of a coordinate head. The first layer is kept in parts, one for each kind of feature. */
export interface CoordinateSpec {
  readonly first: {
    readonly code?: WeightSpec;
    readonly embedding?: WeightSpec;
    readonly layer: WeightSpec;
    readonly bias: WeightSpec;
  };
  /** The first layer for places along each axis that some weight of the target has. */
  readonly along: { readonly [A in AxisName]?: WeightSpec };
  readonly embeddings?: WeightSpec;
  readonly hidden: readonly Affine[];
  /** The last layer for weights that start at random, and for those that start at a constant. */
  readonly last: { readonly drawn?: WeightSpec; readonly constant?: WeightSpec };
}

/**
 * Standard deviations of each part's share in the angle of a first sine, and of the angles of later ones. Angles that
 * differ by a few radians from one place to the next make neighbouring weights independent. Where they are not, a matrix
 * repeats itself along its rows, and the contract's eight layers start several times too large.
 */
const spread = { code: 1, layer: 2, place: 4, later: 4 } as const;

/**
 * Coordinate head: one small network maps [code, features of the weight's spec, place in the weight] to each number, as
 * the pattern generator of HyperNEAT does (Stanley et al. 2009), so that its parameters do not grow with the target.
 * Places (output, input, row and column of the kernel) and depth enter as sines and cosines (Tancik et al. 2020); the
 * layers are sines with uniform phases (Sitzmann et al. 2020), whose mean square is 1/2 exactly, so that the last layer
 * gives each weight the standard deviation of its own initializer. What the target starts at a constant has a last
 * layer of its own, which starts at zero.
 *
 * Parameters: h_1 for each element of the code, each of the 10 features of a spec, each embedding element, and for
 * 2 `frequencies` of depth and of each kind of axis that the target has; then h_1 + (h_1 + 1) h_2 + ... + 2 h_last, and
 * `layerEmbedding` for each weight tensor. Multiply-adds for each generated number: h_1 h_2 + ... + h_last, and as many
 * sines as there are units; the first layer is a sum of a term for each axis, up to 4 h_1 additions. All numbers are made
 * in one pass, which holds the widest layer for each: 64 units for a million weights are 256 MB, several times that in
 * training, and a code for each example of a batch multiplies it all.
 * @throws ArgumentError for no layers, or sizes that are not whole or too small
 * @example
 * const target = nn.mlp({ in: 1, hidden: [40, 40], out: 1 }); // 1,761 weights
 * const model = hypernetwork(target, { code: 8, head: heads.coordinate({ hidden: [32] }) });
 * const n = nn.countParams(model.spec.head); // 2,976, and as many for a target of any width
 */
export function coordinate({
  hidden,
  frequencies = 12,
  layerEmbedding = 0,
  init: start = hyperfanIn(),
}: CoordinateOptions): Head<CoordinateSpec> {
  const check = (name: string, value: number | undefined, least: number): void => {
    if (value === undefined || !Number.isInteger(value) || value < least)
      throw new ArgumentError(`heads.coordinate: expected ${name} of at least ${least}, got ${value ?? 'none'}`);
  };
  for (const width of hidden.length === 0 ? [undefined] : hidden) check('hidden', width, 1);
  check('frequencies', frequencies, 1);
  check('layerEmbedding', layerEmbedding, 0);

  const constantly = (w: WeightSpec): boolean => staysConstant(w, start);
  return defineHead<CoordinateSpec>({
    name: 'coordinate',
    spec: (target, { size, secondMoment }) => {
      const all = Object.values(target);
      const model = unitModel(target);
      const last = { width: hidden.at(-1)!, secondMoment: 1 / 2 };
      // A part of the first layer for features of the given squared norm.
      const part = (rows: number, norm: number, std: number) =>
        weight({ shape: [rows, hidden[0]!], init: init.normal({ std: std / Math.sqrt(norm) }) });
      const phases = (width: number) =>
        weight({ shape: [width], role: 'bias', init: init.uniform({ bound: Math.PI }) });
      return {
        first: {
          ...(size > 0 && { code: part(size, size * secondMoment, spread.code) }),
          ...(layerEmbedding > 0 && { embedding: part(layerEmbedding, layerEmbedding, spread.layer) }),
          layer: part(2 * frequencies + specFeatureCount, frequencies, spread.layer),
          bias: phases(hidden[0]!),
        },
        along: Object.fromEntries(
          all
            .flatMap((w) => axesOf(w.shape))
            .filter(({ size: n }) => n > 1)
            .map(({ name }) => [name, part(2 * frequencies, frequencies, spread.place)]),
        ),
        ...(layerEmbedding > 0 && {
          embeddings: weight({ shape: [all.length, layerEmbedding], role: 'code', init: init.normal() }),
        }),
        hidden: hidden.slice(1).map((width, i) => ({
          weight: weight({
            shape: [hidden[i]!, width],
            init: init.normal({ std: spread.later / Math.sqrt(hidden[i]! / 2) }),
          }),
          bias: phases(width),
        })),
        last: {
          ...(!all.every(constantly) && {
            drawn: weight({ shape: [last.width, 1], init: evenColumns(start.weight(model, last)) }),
          }),
          ...(all.some(constantly) && { constant: weight({ shape: [last.width, 1], init: init.zeros }) }),
        },
      };
    },
    apply: (params, code, target) => {
      const model = unitModel(target);
      // Those of one kind together, so that each last layer is one product.
      const entries = Object.entries(target).sort(([, a], [, b]) => Number(constantly(a)) - Number(constantly(b)));
      const terms = layerTerms(params, code, target, frequencies);
      const angles = entries.map(([path, w]) => angleOf(params.along, terms[path]!, w, frequencies));
      const features = params.hidden.reduce((x, l) => sin(add(matmul(x, l.weight), l.bias)), sin(concat(angles)));
      const counts = entries.map(([, { shape }]) => sizeOf(shape));
      const drawn = entries.reduce((n, [, w], i) => n + (constantly(w) ? 0 : counts[i]!), 0);
      const last = [params.last.drawn, params.last.constant].filter((by) => by !== undefined);
      const parts = last.length > 1 ? split(features, [drawn, features.shape[0]! - drawn]) : [features];
      const numbers = split(concat(last.map((by, i) => matmul(parts[i]!, by))), counts);
      return Object.fromEntries(
        entries.map(([path, w], i) => {
          const own = mul(reshape(numbers[i]!, w.shape), factorOf(w, model, start));
          return [path, isConstant(w) ? add(own, startOf(w)) : own];
        }),
      );
    },
  });
}

interface First {
  readonly code?: Tensor;
  readonly embedding?: Tensor;
  readonly layer: Tensor;
  readonly bias: Tensor;
}

/** What code, depth and spec add to the angles of each weight tensor: [1, units] by path. */
function layerTerms(
  { first, embeddings }: { readonly first: First; readonly embeddings?: Tensor },
  code: Tensor,
  target: TargetSpec,
  frequencies: number,
): Record<string, Tensor> {
  const specs = Object.values(target);
  const features = specs.map((w, i) => [...fourier(i, specs.length, frequencies), ...specFeatures(w)]);
  const parts = [matmul(constant(ndarray(features)), first.layer), first.bias];
  if (first.embedding) parts.push(matmul(embeddings!, first.embedding));
  if (first.code) parts.push(matmul(reshape(code, [1, -1]), first.code));
  const sums = parts.reduce((a, b) => add(a, b));
  const rows = split(
    sums,
    specs.map(() => 1),
  );
  return Object.fromEntries(Object.keys(target).map((path, i) => [path, rows[i]!]));
}

/** The angles of the first sines for every number of a weight, in its order: [numbers, units]. */
function angleOf(
  along: { readonly [A in AxisName]?: Tensor },
  layer: Tensor,
  { shape }: WeightSpec,
  frequencies: number,
): Tensor {
  const axes = axesOf(shape);
  const units = layer.shape[1]!;
  const alone = (axis: number) => axes.map(({ size }, i) => (i === axis ? size : 1));
  // An axis of one place says nothing that the spec does not.
  const angles = axes.reduce(
    (sum, { name, size }, i) => {
      if (size === 1) return sum;
      const waves = constant(ndarray(Array.from({ length: size }, (_, place) => fourier(place, size, frequencies))));
      return add(sum, reshape(matmul(waves, along[name]!), [...alone(i), units]));
    },
    reshape(layer, [...alone(-1), units]),
  );
  return reshape(angles, [sizeOf(shape), units]);
}

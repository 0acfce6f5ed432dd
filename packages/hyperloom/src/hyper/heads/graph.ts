import { init, type WeightSpec, weight } from '../../nn/index.ts';
import {
  ArgumentError,
  add,
  concat,
  constant,
  gather,
  matmul,
  mul,
  ndarray,
  reshape,
  sigmoid,
  sin,
  sizeOf,
  slice,
  split,
  sub,
  type Tensor,
  tanh,
  transpose,
} from '../../tensor/index.ts';
import { mainWeight, type Structure, structureOf } from '../generator/structure.ts';
import { type AxisName, axesOf, specFeatureCount, specFeatures, waves } from '../generator/target-features.ts';
import { type Affine, type AffineWeights, affine } from '../generator/trunk.ts';
import { evenColumns, factorOf, isConstant, startOf, staysConstant, unitModel } from '../generator/unit.ts';
import { type CodeSpec, defineHead, type Head, type TargetSpec } from '../head.ts';
import { type HeadInit, hyperfanIn } from '../init.ts';

/** Settings of {@link graph}. */
export interface GraphOptions {
  /** Elements of each layer's state, and sines that a tile is made of. */
  readonly hidden: number;
  /** How often layers tell their neighbours of themselves. Default 2; information goes as many layers far. */
  readonly rounds?: number;
  /** Outputs and inputs of a tile. Default 8 by 8. */
  readonly tile?: readonly [number, number];
  /** How the last layer starts. Default {@link hyperfanIn}. */
  readonly init?: HeadInit;
}

/** The weights of a graph head. None of their sizes depends on how many layers the target has, or how wide they are. */
export interface GraphSpec {
  readonly node: { readonly features: Affine; readonly code?: WeightSpec };
  readonly round: { readonly gate: Affine; readonly update: Affine };
  readonly tile: {
    readonly state: WeightSpec;
    readonly spec: Affine;
    readonly along: { readonly [A in AxisName]?: WeightSpec };
  };
  /** The last layer of each {@link kindOf} of weight that the target has. */
  readonly last: { readonly [kind: string]: WeightSpec };
}

/** Number of frequencies at which a tile's place in its weight is seen. */
const frequencies = 8;

/** Standard deviations of each part's share in the angles of a tile's sines; see `coordinate`. */
const spread = { state: 2, spec: 1, place: 4 } as const;

/** Where a layer stands in the order: smooth, so that a depth between those that were learned is no surprise. */
const orderFeatures = (i: number, n: number): number[] => [
  i / Math.max(1, n - 1),
  1 / (1 + i),
  1 / (n - i),
  Math.log2(n) / 4,
];

/** A layer's role and size, the largest of the roles and sizes of its weights, and its place in the order. */
const nodeFeatureCount = 2 * specFeatureCount + orderFeatures(0, 1).length;

/**
 * Graph head (after graph hypernetworks, Zhang et al. 2019, and GHN-2, Knyazev et al. 2021): a graph network over the
 * layers of the target, which one set of parameters serves whatever the target's depth and width. Layers are nodes;
 * each has an edge to the next, and the first of a container to its last. A node starts from features of its specs and
 * its place in the order, and the code. In each round it hears the mean of the nodes before it and of those after it,
 * through a gate of its own (Cho et al. 2014). A decoder then makes tiles of a fixed size from a node's state, the spec of
 * the weight and the tile's place; tiles side by side, cut to size, are the weight, at the scale of its own initializer.
 * What the target starts at a constant has a last layer of its own, which starts at zero.
 *
 * Places are counted from the first tile, not as parts of the whole, so that a wider layer begins as a narrow one does.
 * How far it carries over is for each family of targets to be measured: residual networks of a depth between those it
 * was trained on worked, plain networks of such a depth did no better than at an ordinary start, and little held beyond
 * the sizes that were seen.
 *
 * Parameters, with H for hidden: about (code + 25) H + 6 H^2 + 2 H for nodes; H^2 + 43 H (75 H with kernels) for the angles of
 * tiles; and H
 * times the tile (t_out t_in for matrices and kernels, t_out for vectors) for each kind. Multiply-adds: 6 H^2 for each
 * layer and round, H for each generated number, those that are cut off included.
 * @throws ArgumentError for sizes that are not whole or below 1; `rounds` may be 0
 * @example
 * const head = heads.graph({ hidden: 32 });
 * const small = hypernetwork(nn.mlp({ in: 1, hidden: [8, 8], out: 1 }), { head });
 * const large = hypernetwork(nn.mlp({ in: 1, hidden: [16, 16, 16], out: 1 }), { head });
 * const params = small.init(random.key(0));
 * const weights = large.generate(params); // of a network that is wider and deeper
 */
export function graph({
  hidden,
  rounds = 2,
  tile = [8, 8],
  init: start = hyperfanIn(),
}: GraphOptions): Head<GraphSpec> {
  const check = (name: string, value: number, least: number): void => {
    if (!Number.isInteger(value) || value < least)
      throw new ArgumentError(`heads.graph: expected ${name} of at least ${least}, got ${value}`);
  };
  check('hidden', hidden, 1);
  check('rounds', rounds, 0);
  check('tile outputs', tile[0], 1);
  check('tile inputs', tile[1], 1);
  return defineHead<GraphSpec>({
    name: 'graph',
    spec: (target, code) => specOf(target, code, { hidden, tile, start }),
    apply: (params, code, target) => {
      const structure = structureOf(target);
      const states = statesOf(params, code, target, structure, rounds);
      const model = unitModel(target);
      const made = Object.entries(tilesOf(params, states, target, structure, tile, start)).map(([path, tiles]) => {
        const w = target[path]!;
        const own = mul(joined(tiles, w, tile), factorOf(w, model, start));
        return [path, isConstant(w) ? add(own, startOf(w)) : own] as const;
      });
      return Object.fromEntries(made);
    },
  });
}

/** What a weight's tiles are made by: whether it is drawn or starts at a constant, and whether it has inputs. */
const kindOf = (w: WeightSpec, start: HeadInit): string =>
  `${staysConstant(w, start) ? 'constant' : 'drawn'}${w.shape.length > 1 ? 'Kernel' : 'Vector'}`;

function specOf(
  target: TargetSpec,
  code: CodeSpec,
  {
    hidden,
    tile,
    start,
  }: { readonly hidden: number; readonly tile: readonly [number, number]; readonly start: HeadInit },
): GraphSpec {
  const all = Object.values(target);
  // A layer whose outputs have the variance given, for inputs of the given sum of squares.
  const part = (rows: number, norm: number, std = 1) =>
    weight({ shape: [rows, hidden], init: init.normal({ std: std / Math.sqrt(norm) }) });
  const bias = (start = init.zeros) => weight({ shape: [hidden], role: 'bias', init: start });
  const input = { width: hidden, secondMoment: 1 / 2 };
  const model = unitModel(target);
  const kinds = new Map(all.map((w) => [kindOf(w, start), w]));
  return {
    node: {
      features: { weight: part(nodeFeatureCount, 6), bias: bias() },
      ...(code.size > 0 && { code: part(code.size, code.size * code.secondMoment) }),
    },
    round: {
      gate: { weight: part(3 * hidden, hidden), bias: bias() },
      update: { weight: part(3 * hidden, hidden), bias: bias() },
    },
    tile: {
      // States lie between -1 and 1, with a mean square near 0.4.
      state: part(hidden, 0.4 * hidden, spread.state),
      spec: { weight: part(specFeatureCount, 4, spread.spec), bias: bias(init.uniform({ bound: Math.PI })) },
      along: Object.fromEntries(
        all.flatMap((w) => axesOf(w.shape)).map(({ name }) => [name, part(2 * frequencies, frequencies, spread.place)]),
      ),
    },
    last: Object.fromEntries(
      [...kinds].map(([kind, w]) => [
        kind,
        weight({
          shape: [hidden, tile[0] * (w.shape.length > 1 ? tile[1] : 1)],
          init: staysConstant(w, start) ? init.zeros : evenColumns(start.weight(model, input)),
        }),
      ]),
    ),
  };
}

interface NodeParams {
  readonly node: { readonly features: AffineWeights; readonly code?: Tensor };
  readonly round: { readonly gate: AffineWeights; readonly update: AffineWeights };
}

/** The states of the layers after all rounds: [layers, hidden]. */
function statesOf(
  { node, round }: NodeParams,
  code: Tensor,
  target: TargetSpec,
  { layers, edges }: Structure,
  rounds: number,
): Tensor {
  const features = layers.map((layer, i) => [
    ...specFeatures(mainWeight(target, layer)),
    ...layer.map((path) => specFeatures(target[path]!)).reduce((a, b) => a.map((x, j) => Math.max(x, b[j]!))),
    ...orderFeatures(i, layers.length),
  ]);
  const own = affine(constant(ndarray(features)), node.features);
  const first = tanh(node.code ? add(own, matmul(reshape(code, [1, -1]), node.code)) : own);
  const [before, after] = [
    meanOver(edges, layers.length),
    meanOver(
      edges.map(([a, b]) => [b, a]),
      layers.length,
    ),
  ];
  return Array.from({ length: rounds }).reduce<Tensor>((h) => {
    const heard = concat([h, matmul(before, h), matmul(after, h)], 1);
    const gate = sigmoid(affine(heard, round.gate));
    return add(h, mul(gate, sub(tanh(affine(heard, round.update)), h)));
  }, first);
}

/** [n, n]: row i is the mean over the nodes with an edge to i. */
function meanOver(edges: readonly (readonly [number, number])[], n: number): Tensor {
  const into = Array.from({ length: n }, (_, i) => edges.filter(([, to]) => to === i).map(([from]) => from));
  return constant(
    ndarray(into.map((from) => Array.from({ length: n }, (_, j) => (from.includes(j) ? 1 / from.length : 0)))),
  );
}

interface TileParams {
  readonly tile: {
    readonly state: Tensor;
    readonly spec: AffineWeights;
    readonly along: { readonly [A in AxisName]?: Tensor };
  };
  readonly last: { readonly [kind: string]: Tensor };
}

/** Numbers made by tiles, one row for each: the last layer times the sines of the tiles' angles. */
function tilesOf(
  { tile, last }: TileParams,
  states: Tensor,
  target: TargetSpec,
  { layers }: Structure,
  sizeOfTile: readonly [number, number],
  start: HeadInit,
): Record<string, Tensor> {
  const paths = layers.flat();
  const owners = layers.flatMap((layer, i) => layer.map(() => i));
  const specs = constant(ndarray(paths.map((path) => specFeatures(target[path]!))));
  const ofLayers = gather(matmul(states, tile.state), constant(owners, 'int32'));
  const terms = split(
    add(ofLayers, affine(specs, tile.spec)),
    paths.map(() => 1),
  );
  const angles = Object.fromEntries(
    paths.map((path, i) => [path, anglesOf(tile.along, terms[i]!, gridOf(target[path]!, sizeOfTile))]),
  );
  return Object.assign(
    {},
    ...Object.entries(last).map(([kind, by]) => {
      const own = paths.filter((path) => kindOf(target[path]!, start) === kind);
      const rows = matmul(sin(concat(own.map((path) => angles[path]!))), by);
      const parts = split(
        rows,
        own.map((path) => angles[path]!.shape[0]!),
      );
      return Object.fromEntries(own.map((path, i) => [path, parts[i]!]));
    }),
  );
}

/** How many tiles a weight has along outputs, inputs, and the kernel's rows and columns. */
function gridOf(
  { shape }: WeightSpec,
  [outputs, inputs]: readonly [number, number],
): Readonly<Record<AxisName, number>> {
  const along = Object.fromEntries(axesOf(shape).map(({ name, size }) => [name, size]));
  return {
    output: Math.ceil((along.output ?? 1) / outputs),
    input: Math.ceil((along.input ?? 1) / inputs),
    row: along.row ?? 1,
    column: along.column ?? 1,
  };
}

/** The angles of every tile of a weight: [tiles, hidden]. */
function anglesOf(
  along: { readonly [A in AxisName]?: Tensor },
  term: Tensor,
  grid: Readonly<Record<AxisName, number>>,
): Tensor {
  const sizes = Object.entries(grid) as [AxisName, number][];
  const units = term.shape[1]!;
  const alone = (axis: number) => sizes.map(([, size], i) => (i === axis ? size : 1));
  const angles = sizes.reduce(
    (sum, [name, size], axis) => {
      const by = along[name];
      if (by === undefined) return sum;
      const places = constant(ndarray(Array.from({ length: size }, (_, i) => waves(i, frequencies))));
      return add(sum, reshape(matmul(places, by), [...alone(axis), units]));
    },
    reshape(term, [...alone(-1), units]),
  );
  return reshape(angles, [sizeOf(angles.shape) / units, units]);
}

/** Tiles side by side, cut to the weight. */
function joined(tiles: Tensor, w: WeightSpec, sizeOfTile: readonly [number, number]): Tensor {
  const { shape } = w;
  const grid = gridOf(w, sizeOfTile);
  if (shape.length < 2) return reshape(slice(reshape(tiles, [-1]), [[0, sizeOf(shape)]]), shape);
  const [outputs, inputs] = sizeOfTile;
  const places = grid.row * grid.column;
  const apart = reshape(tiles, [grid.output, grid.input, places, outputs, inputs]);
  const whole = reshape(transpose(apart, [0, 3, 1, 4, 2]), [grid.output * outputs, grid.input * inputs, places]);
  const matrix = shape.length === 2;
  const [out, into] = (matrix ? [shape[1], shape[0]] : shape) as [number, number];
  const cut = slice(whole, [
    [0, out],
    [0, into],
    [0, places],
  ]);
  return matrix ? transpose(reshape(cut, [out, into]), [1, 0]) : reshape(cut, shape);
}

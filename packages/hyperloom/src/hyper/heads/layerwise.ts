import { type Initializer, init, type Role, type WeightSpec, weight } from '../../nn/index.ts';
import {
  ArgumentError,
  add,
  broadcastTo,
  concat,
  constant,
  matmul,
  mul,
  ndarray,
  reshape,
  type Shape,
  sizeOf,
  slice,
  type Tensor,
  transpose,
} from '../../tensor/index.ts';
import { signsOf } from '../generator/unit.ts';
import { type CodeSpec, defineHead, type Head, type TargetSpec } from '../head.ts';
import { type HeadInit, hyperfanIn } from '../init.ts';

/** Settings of {@link layerwise}. */
export interface LayerwiseOptions {
  /** Elements of each layer embedding z: N_z of the paper. */
  readonly embedding: number;
  /** Elements of the intermediate vectors a: d of the paper. Default the embedding's size, as there. */
  readonly hidden?: number;
  /** Output and input channels of the basic kernel that larger kernels are tiled with. Default: each kernel is one tile. */
  readonly tile?: readonly [number, number];
  /** How the second layer starts. Default {@link hyperfanIn}. */
  readonly init?: HeadInit;
  /** Standard deviation of the embeddings' first values. Default 1. */
  readonly std?: number;
}

/** The weights of one generator and the embeddings of the tiles that share it. */
export interface GeneratorSpec {
  readonly z: WeightSpec;
  readonly in: { readonly weight: WeightSpec; readonly bias: WeightSpec };
  readonly out: { readonly weight: WeightSpec; readonly bias: WeightSpec };
}

/** The weights of a layerwise head: one generator for each size of tile. */
export type LayerwiseSpec = Readonly<Record<string, GeneratorSpec>>;

/** How one weight of the target is made of tiles: an array of `rows` by `columns` of them. */
interface Tiling {
  readonly path: string;
  readonly generator: string;
  readonly role: Role;
  /** [outputs, inputs, ...kernel] of a tile; a matrix [in, out] and a vector have no kernel. */
  readonly outputs: number;
  readonly inputs: number;
  readonly kernel: Shape;
  readonly rows: number;
  readonly columns: number;
  readonly first: number;
}

/**
 * Layerwise head (Ha et al. 2016, section 3.1): every layer, or every tile of a large kernel, has a learned embedding z,
 * and tiles of one size share a two-layer linear generator: for each input channel i, a_i = W_i z + B_i, and the
 * kernel's slice is K_i = W_out a_i + B_out. A code, when the hypernetwork has one, is joined to every z;
 * the tiles of one weight then have fixed signs, since the code moves them alike.
 * Cost: N_z for each tile; N_z d + d for each input channel; (d + 1) times the size of a slice.
 * @throws ArgumentError for sizes below 1
 * @example
 * const conv = nn.conv2d({ in: 16, out: 16, kernel: 7, padding: 3 });
 * const model = hypernetwork(conv, { head: heads.layerwise({ embedding: 4 }), generate: 'weight' });
 * const n = nn.countParams(model.spec.head); // 4,244 for a kernel of 12,544
 */
export function layerwise({
  embedding,
  hidden = embedding,
  tile,
  init: start = hyperfanIn(),
  std = 1,
}: LayerwiseOptions): Head<LayerwiseSpec> {
  for (const [name, value] of Object.entries({
    embedding,
    hidden,
    ...(tile && { 'tile output': tile[0], 'tile input': tile[1] }),
  })) {
    if (!Number.isInteger(value) || value < 1)
      throw new ArgumentError(`heads.layerwise: expected ${name} of at least 1, got ${value}`);
  }
  return defineHead<LayerwiseSpec>({
    name: 'layerwise',
    spec: (target, code) => {
      const groups = groupsOf(tilingsOf(target, tile));
      return Object.fromEntries(
        [...groups].map(([name, group]) => [
          name,
          generatorSpec(group, target, { embedding, hidden, start, std, code }),
        ]),
      );
    },
    apply: (params, code, target) => {
      const groups = groupsOf(tilingsOf(target, tile));
      const generated = [...groups].flatMap(([name, group]) => {
        const model = target[group[0]!.path]!;
        return group.map((tiling) => {
          const weights = generate(params[name]!, code, tiling, target);
          const ratio = start.ratio(target[tiling.path]!, model);
          return [tiling.path, ratio === 1 ? weights : mul(weights, ratio)] as const;
        });
      });
      return Object.fromEntries(generated);
    },
  });
}

function tilingsOf(target: TargetSpec, tile: readonly [number, number] | undefined): Tiling[] {
  const used = new Map<string, number>();
  const constants = new Map<Role, Initializer[]>();
  return Object.entries(target).map(([path, spec]) => {
    const { shape, role } = spec;
    // What starts at a constant cannot share a generator with what does not, nor with another constant: neither's scale
    // is a multiple of the other's.
    const kind = spec.init.std?.(spec) === 0 ? [role, `constant${constantOf(constants, spec) || ''}`] : [role];
    const [out, inputs, kernel] = axesOf(shape);
    const fits = tile !== undefined && shape.length > 1 && out % tile[0] === 0 && inputs % tile[1] === 0;
    const [outputs, slices] = fits ? tile : [out, inputs];
    const generator = [...kind, outputs, slices, ...kernel].join('x');
    const [rows, columns] = [out / outputs, inputs / slices];
    const first = used.get(generator) ?? 0;
    used.set(generator, first + rows * columns);
    return { path, generator, role, outputs, inputs: slices, kernel, rows, columns, first };
  });
}

/** Which of the constants of its role a weight starts at, in the order that they came. */
function constantOf(constants: Map<Role, Initializer[]>, { role, init: own }: WeightSpec): number {
  const seen = constants.get(role) ?? [];
  if (!seen.includes(own)) constants.set(role, [...seen, own]);
  return (constants.get(role) as Initializer[]).indexOf(own);
}

/** Tilings by the generator that they share; the first of each is the model for its scale. */
function groupsOf(tilings: readonly Tiling[]): Map<string, Tiling[]> {
  const groups = new Map<string, Tiling[]>();
  for (const tiling of tilings) groups.set(tiling.generator, [...(groups.get(tiling.generator) ?? []), tiling]);
  return groups;
}

/** [outputs, inputs, kernel] of a weight: kernels are [out, in, ...k], matrices [in, out], anything else one slice. */
function axesOf(shape: Shape): [number, number, Shape] {
  if (shape.length > 2) return [shape[0]!, shape[1]!, shape.slice(2)];
  return shape.length === 2 ? [shape[1]!, shape[0]!, []] : [sizeOf(shape), 1, []];
}

interface GeneratorOptions {
  readonly embedding: number;
  readonly hidden: number;
  readonly start: HeadInit;
  readonly std: number;
  readonly code: CodeSpec;
}

function generatorSpec(
  group: readonly Tiling[],
  target: TargetSpec,
  { embedding, hidden, start, std, code }: GeneratorOptions,
): GeneratorSpec {
  const { outputs, inputs, kernel } = group[0]!;
  const width = embedding + code.size;
  const secondMoment = (embedding * std ** 2 + code.size * code.secondMoment) / width;
  const length = outputs * sizeOf(kernel);
  const tiles = group.reduce((n, { rows, columns }) => n + rows * columns, 0);
  const model = target[group[0]!.path]!;
  const input = { width: hidden, secondMoment: 1 };
  return {
    z: weight({ shape: [tiles, embedding], role: 'code', init: init.normal({ std }) }),
    in: {
      weight: weight({
        shape: [width, inputs * hidden],
        fanIn: width,
        init: init.normal({ std: 1 / Math.sqrt(width * secondMoment) }),
      }),
      bias: weight({ shape: [inputs * hidden], role: 'bias', init: init.zeros }),
    },
    out: {
      weight: weight({ shape: [hidden, length], init: start.weight(model, input) }),
      bias: weight({ shape: [length], role: 'bias', init: start.bias(sliceOf(model, length), input) }),
    },
  };
}

/** One slice of a weight as a weight: it starts as a part of what the weight's own initializer draws. */
function sliceOf(model: WeightSpec, length: number): WeightSpec {
  const draw = (key: Tensor): Tensor => slice(reshape(model.init(key, model), [-1]), [[0, length]]);
  const std = model.init.std?.(model);
  return { ...model, shape: [length], init: Object.assign(draw, std !== undefined && { std: () => std }) };
}

interface Generator {
  readonly z: Tensor;
  readonly in: { readonly weight: Tensor; readonly bias: Tensor };
  readonly out: { readonly weight: Tensor; readonly bias: Tensor };
}

function generate(params: Generator, code: Tensor, tiling: Tiling, target: TargetSpec): Tensor {
  const { outputs, inputs, kernel, rows, columns, first, path } = tiling;
  const tiles = rows * columns;
  const { shape } = target[path]!;
  const own = params.z.shape[0] === tiles ? params.z : slice(params.z, [[first, first + tiles]]);
  const z = code.shape[0] === 0 ? own : concat([own, broadcastTo(code, [tiles, code.shape[0]!])], 1);
  const a = add(matmul(z, params.in.weight), params.in.bias);
  const slices = add(matmul(reshape(a, [tiles * inputs, -1]), params.out.weight), params.out.bias);
  const parted = reshape(slices, [rows, columns, inputs, outputs, sizeOf(kernel)]);
  // A code moves all tiles of a weight alike; fixed signs keep their inputs from adding up (see signsOf).
  const alike = code.shape[0] !== 0 && tiles > 1;
  const apart = alike ? mul(parted, constant(ndarray(signsOf(path, tiles), [rows, columns, 1, 1, 1]))) : parted;
  // Kernels want outputs first, matrices inputs first.
  if (shape.length > 2) return reshape(transpose(apart, [0, 3, 1, 2, 4]), shape);
  return reshape(transpose(apart, [1, 2, 0, 3, 4]), shape);
}

import {
  ArgumentError,
  type Aval,
  add,
  concat,
  constant,
  DTypeError,
  glob,
  type NdArray,
  reshape,
  sizeOf,
  split,
  type Tensor,
  tree,
  zerosArray,
} from '../tensor/index.ts';

/** Weights laid out in two vectors: those that are trained, and the rest. Null for none of the rest. */
export interface Packed<T> {
  readonly theta: T;
  readonly rest: T | null;
}

/**
 * The layout of a tree of float32 weights in vectors. A step reads and writes one array in place of many, and the
 * optimiser is a few operations over it whatever the number of layers. Weights that are not trained lie apart, so that
 * they cost neither gradient nor optimiser state.
 */
export interface Packing {
  /** Number of trained weights. */
  readonly size: number;
  /** Number of the others. */
  readonly restSize: number;
  /** Paths of the trained weights, in order: what each number of the optimiser's state belongs to. */
  readonly trained: readonly string[];
  /** Types and shapes of the vectors. */
  readonly form: Packed<Aval>;
  /** The vectors as a tree of weights. */
  unpack(packed: Packed<Tensor>): tree.Tree<Tensor>;
  /** A tree of weights as vectors. */
  pack(weights: unknown): Packed<Tensor>;
  /** The rest with additions by path, and null when there are none. */
  updated(rest: Tensor | null, deltas: Readonly<Record<string, Tensor>>): Tensor | null;
  /** Views of concrete vectors, one for each weight; they share their memory. */
  views(packed: Packed<NdArray>): tree.Tree<NdArray>;
  /** Concrete vectors filled from a tree of arrays. */
  gather(weights: unknown): Packed<NdArray>;
}

/** One of the two vectors: which leaves of the tree it holds, in order. */
interface Part {
  readonly size: number;
  readonly paths: readonly string[];
  pack(flat: Readonly<Record<string, Tensor>>): Tensor;
  unpack(vector: Tensor): readonly (readonly [string, Tensor])[];
  views(vector: NdArray): readonly (readonly [string, NdArray])[];
  gather(flat: Readonly<Record<string, NdArray>>): NdArray;
}

/** What packing reads of a weight; `trained` is true when absent. */
type Leaf = Aval & { readonly trained?: boolean; readonly role?: string };

/**
 * Lays out the weights of a spec, in the order of the tree.
 * @param trained patterns over paths: the weights to train; the others stay as they are. Default: all that the spec
 * does not say are untrained
 * @throws DTypeError when a weight is not float32, ArgumentError when nothing is left to train or a pattern fits no weight
 */
export function packing(spec: unknown, trained?: string | readonly string[]): Packing {
  const leaves = tree.flatten<Leaf>(spec);
  for (const [path, { dtype }] of Object.entries(leaves))
    if (dtype !== 'float32') throw new DTypeError(`train: expected float32 weights, got ${dtype} for ${path}`);
  const chosen = chosenPaths(leaves, trained);
  const moves = anyOf(trained ?? '**');
  const theta = partOf(leaves, (path) => chosen.has(path));
  const rest = partOf(leaves, (path) => !chosen.has(path));
  if (theta.size === 0) throw new ArgumentError('train: expected at least one weight to train, got none');
  const rebuild = <T>(entries: readonly (readonly [string, T])[]): tree.Tree<T> => {
    const flat = Object.fromEntries(entries);
    return tree.mapWithPath((_, path) => flat[path], spec) as tree.Tree<T>;
  };
  const hasRest = rest.size > 0;
  return {
    size: theta.size,
    restSize: rest.size,
    trained: theta.paths,
    form: { theta: vectorOf(theta), rest: hasRest ? vectorOf(rest) : null },
    unpack: (packed) =>
      rebuild([...theta.unpack(packed.theta), ...(packed.rest === null ? [] : rest.unpack(packed.rest))]),
    pack: (weights) => {
      const flat = tree.flatten<Tensor>(weights);
      return { theta: theta.pack(flat), rest: hasRest ? rest.pack(flat) : null };
    },
    updated: (vector, deltas) => {
      const own = Object.entries(deltas).filter(([path]) => !chosen.has(path));
      const strange = own.find(([path]) => !(path in leaves))?.[0];
      if (strange !== undefined)
        throw new ArgumentError(`update: expected the path of an untrained weight, got "${strange}"`);
      // Where patterns say what is trained, statistics that they leave out stay as they are too.
      const wanted = own.filter(([path]) => moves(path));
      if (vector === null || wanted.length === 0) return null;
      const flat = Object.fromEntries(wanted);
      const zeros = (path: string) => constant(zerosArray('float32', leaves[path]!.shape));
      return add(vector, rest.pack(Object.fromEntries(rest.paths.map((path) => [path, flat[path] ?? zeros(path)]))));
    },
    views: (packed) =>
      rebuild([...theta.views(packed.theta), ...(packed.rest === null ? [] : rest.views(packed.rest))]),
    gather: (weights) => {
      const flat = tree.flatten<NdArray>(weights);
      return { theta: theta.gather(flat), rest: hasRest ? rest.gather(flat) : null };
    },
  };
}

const vectorOf = ({ size }: Part): Aval => ({ dtype: 'float32', shape: [size] });

const anyOf = (patterns: string | readonly string[]): ((path: string) => boolean) => {
  const tests = (typeof patterns === 'string' ? [patterns] : patterns).map(glob);
  return (path) => tests.some((test) => test(path));
};

function chosenPaths(
  leaves: Readonly<Record<string, Leaf>>,
  trained: string | readonly string[] | undefined,
): ReadonlySet<string> {
  // What a spec says is not trained gets no gradient, whatever the patterns.
  const paths = Object.keys(leaves).filter((path) => leaves[path]!.trained !== false);
  if (trained === undefined) return new Set(paths);
  const chosen = new Set<string>();
  for (const pattern of typeof trained === 'string' ? [trained] : trained) {
    const fits = glob(pattern);
    const found = paths.filter(fits);
    // Running statistics move where a pattern fits them, without a gradient.
    const isMoving = Object.entries(leaves).some(([path, { role }]) => role === 'statistic' && fits(path));
    if (found.length === 0 && !isMoving)
      throw new ArgumentError(
        `train: expected a pattern of trained weights that fits one (${paths.join(', ')}), got "${pattern}"`,
      );
    for (const path of found) chosen.add(path);
  }
  return chosen;
}

function partOf(leaves: Readonly<Record<string, Leaf>>, holds: (path: string) => boolean): Part {
  const paths = Object.keys(leaves).filter(holds);
  const shapes = paths.map((path) => leaves[path]!.shape);
  const sizes = shapes.map(sizeOf);
  let size = 0;
  const starts = sizes.map((own) => {
    size += own;
    return size - own;
  });
  return {
    size,
    paths,
    pack: (flat) => concat(paths.map((path) => reshape(flat[path]!, [-1]))),
    unpack: (vector) => split(vector, sizes).map((part, i) => [paths[i]!, reshape(part, shapes[i]!)]),
    views: ({ dtype, data }) =>
      paths.map((path, i) => {
        const own = data.subarray(starts[i]!, starts[i]! + sizes[i]!) as NdArray['data'];
        return [path, { dtype, shape: shapes[i]!, data: own }];
      }),
    gather: (flat) => {
      const vector = zerosArray('float32', [size]);
      paths.forEach((path, i) => {
        vector.data.set(flat[path]!.data, starts[i]!);
      });
      return vector;
    },
  };
}

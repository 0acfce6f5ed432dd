import {
  type Aval,
  concat,
  DTypeError,
  type NdArray,
  reshape,
  sizeOf,
  split,
  type Tensor,
  tree,
  zerosArray,
} from '../tensor/index.ts';

/**
 * The layout of a tree of float32 weights in one vector. A step reads and writes one array in place of many, and the
 * optimiser is a few operations over it whatever the number of layers.
 */
export interface Packing {
  readonly size: number;
  /** The vector as a tree of weights. */
  unpack(vector: Tensor): tree.Tree<Tensor>;
  /** A tree of weights as one vector. */
  pack(weights: unknown): Tensor;
  /** Views of a concrete vector, one for each weight; they share its memory. */
  views(vector: NdArray): tree.Tree<NdArray>;
  /** A concrete vector filled from a tree of arrays. */
  gather(weights: unknown): NdArray;
}

/**
 * Lays out the weights of a spec in one vector, in the order of the tree.
 * @throws DTypeError when a weight is not float32
 */
export function packing(spec: unknown): Packing {
  const leaves = tree.flatten<Aval>(spec);
  const sizes = Object.entries(leaves).map(([path, { dtype, shape }]) => {
    if (dtype !== 'float32') throw new DTypeError(`train: expected float32 weights, got ${dtype} for ${path}`);
    return sizeOf(shape);
  });
  const shapes = Object.values(leaves).map(({ shape }) => shape);
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0));
  const size = sizes.reduce((a, b) => a + b, 0);
  const rebuild = <T>(flat: readonly T[]) => tree.unflatten(spec, flat) as tree.Tree<T>;
  return {
    size,
    unpack: (vector) => rebuild(split(vector, sizes).map((part, i) => reshape(part, shapes[i]!))),
    pack: (weights) => concat(tree.leaves<Tensor>(weights).map((t) => reshape(t, [-1]))),
    views: ({ dtype, data }) =>
      rebuild(
        shapes.map((shape, i) => {
          const own = data.subarray(starts[i]!, starts[i]! + sizes[i]!) as NdArray['data'];
          return { dtype, shape, data: own };
        }),
      ),
    gather: (weights) => {
      const vector = zerosArray('float32', [size]);
      tree.leaves<NdArray>(weights).forEach(({ data }, i) => {
        vector.data.set(data, starts[i]!);
      });
      return vector;
    },
  };
}

import { ArgumentError } from './errors.ts';

/** Values of one kind under names and positions, to any depth. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

/** A tree of the same form as `S` with every leaf of type `From` replaced by `To`. */
export type Mapped<S, From, To> = S extends From ? To : { readonly [K in keyof S]: Mapped<S[K], From, To> };

/** A leaf is whatever has a type and a shape (tensors, arrays, specs of either), or is no object at all. */
export const isLeaf = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || ('dtype' in value && 'shape' in value);

const isEmpty = (value: unknown): boolean => value === undefined || value === null;

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/**
 * Applies `f` to every leaf of one tree, together with the leaves at the same places of others.
 * @throws ArgumentError when another tree lacks a place, which is named
 * @example
 * const doubled = tree.map((x: Tensor) => mul(x, 2), { a: constant(1), b: [constant(2)] });
 */
export function map<S, L, R>(
  f: (leaf: L, ...rest: never[]) => R,
  tree: S,
  ...rest: readonly unknown[]
): Mapped<S, L, R> {
  return mapWithPath((leaf: L, _path, ...others) => f(leaf, ...(others as never[])), tree, ...rest);
}

/** {@link map} with the path of each leaf, such as `conv1.weight`. */
export function mapWithPath<S, L, R>(
  f: (leaf: L, path: string, ...rest: unknown[]) => R,
  tree: S,
  ...rest: readonly unknown[]
): Mapped<S, L, R> {
  const walk = (node: unknown, path: string, others: readonly unknown[]): unknown => {
    if (isEmpty(node)) return node;
    if (isLeaf(node)) return f(node as L, path, ...others);
    const child = (key: string, value: unknown) =>
      walk(
        value,
        join(path, key),
        others.map((other) => {
          if (isLeaf(other) || !(key in (other as object)))
            throw new ArgumentError(`tree: expected trees of one structure, got one without ${join(path, key)}`);
          return (other as Record<string, unknown>)[key];
        }),
      );
    if (Array.isArray(node)) return node.map((value, i) => child(String(i), value));
    return Object.fromEntries(Object.entries(node as object).map(([key, value]) => [key, child(key, value)]));
  };
  return walk(tree, '', rest) as Mapped<S, L, R>;
}

/** The leaves of a tree in order. */
export function leaves<L>(tree: unknown): L[] {
  const found: L[] = [];
  mapWithPath((leaf: L) => found.push(leaf), tree);
  return found;
}

/** The paths of the leaves of a tree in order: `conv1.weight`, `layers.0.bias`. */
export function paths(tree: unknown): string[] {
  const found: string[] = [];
  mapWithPath((_, path) => found.push(path), tree);
  return found;
}

/** The leaves of a tree by path. */
export const flatten = <L>(tree: unknown): Record<string, L> => {
  const found: Record<string, L> = {};
  mapWithPath((leaf: L, path) => {
    found[path] = leaf;
  }, tree);
  return found;
};

/**
 * A tree of the same form as `like` with the given leaves, in order.
 * @throws ArgumentError when the number of leaves differs
 * @example
 * const params = { w: constant(1), b: constant(2) };
 * const same = tree.unflatten(params, tree.leaves(params));
 */
export function unflatten<S, L, R>(like: S, flat: readonly R[]): Mapped<S, L, R> {
  const count = leaves(like).length;
  if (count !== flat.length) throw new ArgumentError(`tree: expected ${count} leaves, got ${flat.length}`);
  let next = 0;
  return map<S, L, R>(() => flat[next++] as R, like);
}

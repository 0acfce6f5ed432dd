import { type Aval, sameShape, showShape, tree } from '../tensor/index.ts';

/** Whether the leaves of one tree are at places of the other, of the same types and shapes. */
export function fitsTypes(wanted: unknown, found: unknown): boolean {
  const flat = tree.flatten<Partial<Aval> | undefined>(found);
  return Object.entries(tree.flatten<Aval>(wanted)).every(([path, { dtype, shape }]) => {
    const own = flat[path];
    return own?.dtype === dtype && own.shape !== undefined && sameShape(own.shape, shape);
  });
}

/** Whether two trees have the same places, of the same types and shapes. */
export const sameTypes = (wanted: unknown, found: unknown): boolean =>
  tree.paths(wanted).length === tree.paths(found).length && fitsTypes(wanted, found);

/** The leaves of a tree for a message: `h float32 [3], c float32 [3]`. */
export const showTypes = (types: unknown): string =>
  Object.entries(tree.flatten<Partial<Aval>>(types))
    .map(([path, { dtype, shape }]) =>
      [path, dtype ?? 'something else', shape && showShape(shape)].filter((part) => part).join(' '),
    )
    .join(', ') || 'none';

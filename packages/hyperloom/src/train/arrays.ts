import { type Aval, ndarray, tree } from '../tensor/index.ts';

/**
 * What a caller gives as arrays: arrays as they are; numbers, nested or not, as arrays of the type at their place, float32
 * where none is known; trees of these.
 * @param types a tree of types, of which any part may be absent
 * @example
 * const input = asArrays({ code: 1, input: [0.5] }, { code: { dtype: 'int32' } }); // int32 [] and float32 [1]
 */
export function asArrays(value: unknown, types?: unknown): unknown {
  if (
    typeof value === 'number' ||
    (Array.isArray(value) && typeof value.flat(Number.POSITIVE_INFINITY)[0] === 'number')
  )
    return ndarray(value as number[], undefined, (types as Partial<Aval> | undefined)?.dtype);
  if (tree.isLeaf(value)) return value;
  const at = (key: string): unknown => (types as Readonly<Record<string, unknown>> | undefined)?.[key];
  return Object.fromEntries(Object.entries(value as object).map(([key, child]) => [key, asArrays(child, at(key))]));
}

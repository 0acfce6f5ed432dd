import { init, type WeightSpec } from '../nn/index.ts';
import { ArgumentError, type NdArray, sameShape, showShape, tree } from '../tensor/index.ts';
import { mapTarget, type TargetSpec } from './head.ts';

/**
 * Weights to which the generated ones are added (the MIP residual of Ortiz et al. 2023; LoRA when the head is low-rank):
 * `true` for trained ones that start as the target's own, `'frozen'` for the same without training, or those of a
 * pretrained target, frozen unless `trained`; weights that are stored and not generated start as its too.
 */
export type Base = boolean | 'frozen' | { readonly params: unknown; readonly trained?: boolean };

/** Specs of the base of generated weights; none when there is no base. */
export function baseSpec(generated: TargetSpec, base: Base): TargetSpec {
  if (base === false) return {};
  if (base === true || base === 'frozen') return mapTarget(generated, (w) => ({ ...w, trained: base === true }));
  const arrays = pretrained(base);
  return mapTarget(generated, (w, path) => ({ ...fromArray(w, path, arrays[path]), trained: base.trained ?? false }));
}

/** Specs of stored weights beside a base: those that a pretrained target has start there too, running statistics as well. */
export function storedBeside(stored: TargetSpec, base: Base): TargetSpec {
  if (typeof base !== 'object') return stored;
  const arrays = pretrained(base);
  return mapTarget(stored, (w, path) => (path in arrays ? fromArray(w, path, arrays[path]) : w));
}

function pretrained(base: Exclude<Base, boolean | 'frozen'>): Readonly<Record<string, NdArray | undefined>> {
  if (!Object.hasOwn(Object(base), 'params'))
    throw new ArgumentError(`base: expected true, 'frozen' or { params }, got ${JSON.stringify(base)}`);
  return tree.flatten<NdArray>(base.params);
}

function fromArray(w: WeightSpec, path: string, array: NdArray | undefined): WeightSpec {
  if (array?.data === undefined || !sameShape(array.shape, w.shape)) {
    const got = array === undefined ? 'none' : array.data === undefined ? 'no array' : showShape(array.shape);
    throw new ArgumentError(`base: expected ${path} ${showShape(w.shape)}, got ${got}`);
  }
  return { ...w, init: init.values(array) };
}

/** What a head is asked for beside a base: the same weights, starting at 0, so that the network starts as the base. */
export const deltaOf = (generated: TargetSpec): TargetSpec =>
  mapTarget(generated, (w): WeightSpec => ({ ...w, init: init.zeros }));

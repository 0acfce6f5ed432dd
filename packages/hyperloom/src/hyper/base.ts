import { init, type WeightSpec } from '../nn/index.ts';
import { ArgumentError, type NdArray, sameShape, showShape, tree } from '../tensor/index.ts';
import { mapTarget, type TargetSpec } from './head.ts';

/**
 * Weights to which the generated ones are added (the MIP residual of Ortiz et al. 2023; LoRA when the head is low-rank):
 * `true` for trained ones that start as the target's own, `'frozen'` for the same without training, or those of a
 * pretrained target, frozen unless `trained`.
 */
export type Base = boolean | 'frozen' | { readonly params: unknown; readonly trained?: boolean };

/** Specs of the base of generated weights; none when there is no base. */
export function baseSpec(generated: TargetSpec, base: Base): TargetSpec {
  if (base === false) return {};
  if (base === true || base === 'frozen') return mapTarget(generated, (w) => ({ ...w, trained: base === true }));
  const arrays = tree.flatten<NdArray>(base.params);
  return mapTarget(generated, (w, path) => {
    const array = arrays[path];
    if (array === undefined || !sameShape(array.shape, w.shape)) {
      const got = array === undefined ? 'none' : showShape(array.shape);
      throw new ArgumentError(`base: expected ${path} ${showShape(w.shape)}, got ${got}`);
    }
    return { ...w, init: init.values(array), trained: base.trained ?? false };
  });
}

/** What a head is asked for beside a base: the same weights, starting at 0, so that the network starts as the base. */
export const deltaOf = (generated: TargetSpec): TargetSpec =>
  mapTarget(generated, (w): WeightSpec => ({ ...w, init: init.zeros }));

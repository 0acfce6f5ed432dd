import { init, type WeightSpec } from '../nn/index.ts';
import { mul, type Tensor } from '../tensor/index.ts';
import { mapTarget, type TargetSpec, type Weights } from './head.ts';

/** By how much the target scales a generated weight: its ordinary standard deviation, or 1 where it starts at a constant. */
const factor = (spec: WeightSpec): number => spec.init.std?.(spec) || 1;

/** The target as a head sees it that generates weights of unit variance. */
export const unitTarget = (generated: TargetSpec): TargetSpec =>
  mapTarget(generated, (w) => (factor(w) === 1 ? w : { ...w, init: init.normal() }));

/** Weights of unit variance at the target's own scale. */
export const scaled = (weights: Weights, generated: TargetSpec): Weights =>
  mapTarget(generated, (w, path) => (factor(w) === 1 ? (weights[path] as Tensor) : mul(weights[path]!, factor(w))));

import type { WeightSpec } from '../nn/index.ts';
import { countParams } from '../nn/index.ts';
import { type NdArray, type Shape, sizeOf, tree } from '../tensor/index.ts';
import type { TargetSpec } from './head.ts';

/** Mean and variance of an array's elements. */
export interface Moments {
  readonly mean: number;
  readonly variance: number;
}

/** One weight of a target under a hypernetwork. */
export interface WeightReport {
  readonly path: string;
  readonly shape: Shape;
  readonly source: 'generated' | 'stored';
  readonly count: number;
  /** The variance that the target's own initializer would give; absent where it does not say. */
  readonly expected?: number;
  readonly atInit: Moments;
  readonly now: Moments;
}

/** What {@link inspect} tells. */
export interface Inspection {
  readonly weights: readonly WeightReport[];
  /** Trained parameters of the whole hypernetwork. */
  readonly total: number;
  /** Parameters of the target trained directly. */
  readonly direct: number;
  /** Target weights that are generated. */
  readonly generated: number;
  /** Parameters that generate them: conditioner and head. */
  readonly generator: number;
  /** Generated weights for each parameter that generates them. */
  readonly compression: number;
}

/** What of a hypernetwork inspection reads. */
export interface Inspectable {
  readonly spec: { readonly code: unknown; readonly head: unknown; readonly target: unknown };
  readonly target: { readonly spec: unknown };
  readonly generated: TargetSpec;
}

/** Mean and variance (divided by n) of an array. */
export function moments({ data }: NdArray): Moments {
  let total = 0;
  let squares = 0;
  for (const value of data) {
    total += value;
    squares += value * value;
  }
  const mean = total / data.length;
  return { mean, variance: Math.max(0, squares / data.length - mean * mean) };
}

/**
 * What a hypernetwork generates and stores, weight by weight, at its start and now.
 * @param atInit all weights of the target as materialised from the first parameters
 * @param now the same from the present ones
 */
export function inspect(model: Inspectable, atInit: unknown, now: unknown): Inspection {
  const first = tree.flatten<NdArray>(atInit);
  const present = tree.flatten<NdArray>(now);
  const specs = Object.entries(tree.flatten<WeightSpec>(model.target.spec));
  const weights = specs.map(([path, spec]): WeightReport => {
    const std = spec.init.std?.(spec);
    return {
      path,
      shape: spec.shape,
      source: path in model.generated ? 'generated' : 'stored',
      count: sizeOf(spec.shape),
      ...(std !== undefined && { expected: std ** 2 }),
      atInit: moments(first[path]!),
      now: moments(present[path]!),
    };
  });
  const generated = countParams(model.generated);
  const generator = countParams(model.spec.code) + countParams(model.spec.head);
  return {
    weights,
    total: countParams(model.spec),
    direct: countParams(model.target.spec),
    generated,
    generator,
    compression: generated / generator,
  };
}

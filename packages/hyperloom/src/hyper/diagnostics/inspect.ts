import type { WeightSpec } from '../../nn/index.ts';
import { countParams } from '../../nn/index.ts';
import { type NdArray, type Shape, sizeOf, tree } from '../../tensor/index.ts';
import type { TargetSpec } from '../head.ts';
import { type Moments, moments, type Statistics, statistics } from './statistics.ts';

/** One weight of a target under a hypernetwork. */
export interface WeightReport {
  readonly path: string;
  readonly shape: Shape;
  readonly source: 'generated' | 'stored';
  readonly count: number;
  /** The variance that the target's own initializer would give; absent where it does not say. */
  readonly expected?: number;
  readonly atInit: Moments;
  readonly now: Statistics;
}

/** What {@link inspect} tells. */
export interface Inspection {
  readonly weights: readonly WeightReport[];
  /** Parameters of the whole hypernetwork: frozen ones and running statistics too. */
  readonly total: number;
  /** Those of the target alone. */
  readonly direct: number;
  /** Target weights that are generated. */
  readonly generated: number;
  /** Parameters that generate them: conditioner and head. */
  readonly generator: number;
  /** Generated weights for each parameter that generates them. */
  readonly compression: number;
  /** One line for each weight that holds NaN or infinite numbers, or nothing but zeros where it should vary. */
  readonly warnings: readonly string[];
}

/** What of a hypernetwork inspection reads. */
export interface Inspectable {
  readonly spec: { readonly code: unknown; readonly head: unknown; readonly target: unknown };
  readonly target: { readonly spec: unknown };
  readonly generated: TargetSpec;
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
      now: statistics(present[path]!),
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
    warnings: weights.flatMap(flaws),
  };
}

function flaws({ path, count, expected, now: { nonFinite, zeros } }: WeightReport): string[] {
  if (nonFinite > 0) return [`${path}: ${nonFinite} of ${count} elements are NaN or infinite.`];
  return zeros === 1 && expected !== undefined && expected > 0 ? [`${path}: all elements are 0.`] : [];
}

import type { SpecTree, WeightSpec } from '../nn/index.ts';
import { ArgumentError, glob, tree } from '../tensor/index.ts';
import type { TargetSpec } from './head.ts';

/** The weights of a target, parted into those to generate and those to store. */
export interface Selection {
  readonly generated: TargetSpec;
  readonly stored: TargetSpec;
}

/**
 * Parts the weights of a target by patterns over their paths. Weights that are not trained, such as running
 * statistics, are stored whatever the patterns.
 * @param patterns such as `conv2.*` or `**.weight`
 * @throws ArgumentError for no patterns, or one that matches no weight; the message lists the paths
 */
export function select(spec: SpecTree, patterns: readonly string[]): Selection {
  const all = tree.flatten<WeightSpec>(spec);
  const paths = Object.keys(all).filter((path) => all[path]!.trained);
  if (patterns.length === 0) throw new ArgumentError('generate: expected at least one pattern, got none');
  const tests = patterns.map(glob);
  patterns.forEach((pattern, i) => {
    if (!paths.some((path) => tests[i]!(path))) {
      throw new ArgumentError(
        `generate: expected a pattern that matches a weight of the target (${paths.join(', ')}), got "${pattern}"`,
      );
    }
  });
  const chosen = new Set(paths.filter((path) => tests.some((test) => test(path))));
  const part = (wanted: boolean): TargetSpec =>
    Object.fromEntries(Object.entries(all).filter(([path]) => chosen.has(path) === wanted));
  return { generated: part(true), stored: part(false) };
}

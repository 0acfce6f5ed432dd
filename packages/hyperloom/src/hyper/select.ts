import type { SpecTree, WeightSpec } from '../nn/index.ts';
import { ArgumentError, tree } from '../tensor/index.ts';
import type { TargetSpec } from './head.ts';

/** A pattern over paths of weights: `*` stands for any part between dots, `**` for any number of parts. */
const matcher = (pattern: string): RegExp => {
  const source = pattern
    .split('**')
    .map((piece) =>
      piece
        .split('*')
        .map((text) => text.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'))
        .join('[^.]*'),
    )
    .join('.*');
  return new RegExp(`^${source}$`);
};

/** The weights of a target, parted into those to generate and those to store. */
export interface Selection {
  readonly generated: TargetSpec;
  readonly stored: TargetSpec;
}

/**
 * Parts the weights of a target by patterns over their paths.
 * @param patterns such as `conv2.*` or `**.weight`
 * @throws ArgumentError when a pattern matches no weight; the message lists the paths
 */
export function select(spec: SpecTree, patterns: readonly string[]): Selection {
  const all = tree.flatten<WeightSpec>(spec);
  const paths = Object.keys(all);
  const tests = patterns.map(matcher);
  patterns.forEach((pattern, i) => {
    if (!paths.some((path) => tests[i]!.test(path))) {
      throw new ArgumentError(
        `generate: expected a pattern that matches a weight of the target (${paths.join(', ')}), got "${pattern}"`,
      );
    }
  });
  const part = (chosen: boolean): TargetSpec =>
    Object.fromEntries(Object.entries(all).filter(([path]) => tests.some((test) => test.test(path)) === chosen));
  return { generated: part(true), stored: part(false) };
}

import { childContext } from '../../nn/index.ts';
import { ArgumentError, glob } from '../../tensor/index.ts';
import { type AnyHead, defineHead, type Head, type TargetSpec, type Weights } from '../head.ts';

/** The weights of a head. */
export type HeadSpecOf<H> = H extends { spec(...args: never[]): infer S } ? S : never;

/** The weights of {@link compose}: those of each part, in the order of the patterns. */
export type ComposeSpec<P> = readonly HeadSpecOf<P[keyof P]>[];

/**
 * Different heads for different parts of one target, by patterns over the paths of its weights: `*` stands for any part
 * between dots, `**` for any number of parts. The first pattern that matches a weight has it. Parameters: those of each
 * head for its own part.
 * @param parts heads by pattern, in the order in which they are tried
 * @throws ArgumentError for no parts or a pattern that is a number; when given a target, for a weight that no pattern
 * matches and for a pattern that is left with none: the message lists the paths
 * @example
 * const head = heads.compose({ 'conv*.weight': heads.layerwise({ embedding: 4 }), '**': heads.dense() });
 * const target = nn.sequential({ conv1: nn.conv2d({ in: 1, out: 8, kernel: 3 }), flatten: nn.flatten });
 * const model = hypernetwork(target, { code: 4, head });
 */
export function compose<const P extends Readonly<Record<string, AnyHead>>>(parts: P): Head<ComposeSpec<P>> {
  const patterns = Object.keys(parts);
  if (patterns.length === 0) throw new ArgumentError('heads.compose: expected at least one pattern, got none');
  // Objects put keys that are numbers first, whatever the order in the source.
  const odd = patterns.find((pattern) => /^\d+$/.test(pattern));
  if (odd !== undefined) throw new ArgumentError(`heads.compose: expected patterns that are not numbers, got "${odd}"`);
  const heads = Object.values(parts) as readonly AnyHead[];
  return defineHead<ComposeSpec<P>>({
    name: 'compose',
    spec: (target, code) =>
      partition(target, patterns).map((part, i) => heads[i]!.spec(part, code)) as unknown as ComposeSpec<P>,
    apply: (params, code, target, context) => {
      const own = params as unknown as readonly never[];
      const weights = partition(target, patterns).map((part, i) =>
        heads[i]!.apply(own[i]!, code, part, childContext(context, String(i))),
      );
      return Object.assign({}, ...weights) as Weights;
    },
  });
}

/** The part of a target that each pattern has. */
function partition(target: TargetSpec, patterns: readonly string[]): TargetSpec[] {
  const paths = Object.keys(target);
  const tests = patterns.map(glob);
  const owners = paths.map((path) => tests.findIndex((test) => test(path)));
  const stray = paths.filter((_, i) => owners[i] === -1);
  if (stray.length > 0) {
    throw new ArgumentError(
      `heads.compose: expected a pattern for every weight, got none for ${stray.join(', ')} in ${patterns.join(', ')}`,
    );
  }
  return patterns.map((pattern, part) => {
    const own = Object.entries(target).filter((_, i) => owners[i] === part);
    if (own.length === 0) {
      const taken = paths.some((path) => tests[part]!(path)) ? ' that no earlier one has' : '';
      throw new ArgumentError(
        `heads.compose: expected a pattern that matches a weight${taken} (${paths.join(', ')}), got "${pattern}"`,
      );
    }
    return Object.fromEntries(own);
  });
}

import { randomAt } from 'hyperloom/data';
import { familyOf, type World } from 'hyperloom/rl';

/** Ranges of physics by name. */
export type Ranges = Readonly<Record<string, readonly [low: number, high: number]>>;

/** A body: physics by name. */
export type Body = Readonly<Record<string, number>>;

/** A body drawn uniformly: a pure function of its number. */
function bodyAt(ranges: Ranges, ...names: readonly number[]): Body {
  const random = randomAt(...names);
  return Object.fromEntries(
    Object.entries(ranges).map(([name, [low, high]]) => [name, low + (high - low) * random.uniform()]),
  );
}

const within = (body: Body, ranges: Ranges): boolean =>
  Object.entries(ranges).every(([name, [low, high]]) => body[name]! >= low && body[name]! <= high);

/**
 * Bodies that were never trained on: inside of the ranges of training, and of the world's own, wider ranges those outside.
 */
export function heldOutBodies(
  inner: Ranges,
  world: World,
  count: number,
): { readonly inside: readonly Body[]; readonly outside: readonly Body[] } {
  const outer = familyOf(world, Object.keys(inner)) as Ranges;
  const numbers = Array.from({ length: count }, (_, i) => i);
  return {
    inside: numbers.map((i) => bodyAt(inner, 1, i)),
    outside: numbers.map((i) => {
      for (let attempt = 0; ; attempt++) {
        const body = bodyAt(outer, 2, i, attempt);
        if (!within(body, inner)) return body;
      }
    }),
  };
}

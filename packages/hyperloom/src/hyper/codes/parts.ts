import { applyChild, type Context } from '../../nn/index.ts';
import { ArgumentError, type Tensor } from '../../tensor/index.ts';
import type { AnyConditioner, SourceOf } from '../conditioner.ts';

/** Conditioners by name, of which one code is made. */
export type Parts = { readonly [name: string]: AnyConditioner };

/** The specs of parts under their names. */
export type PartSpecs<P extends Parts> = { readonly [K in keyof P]: P[K]['spec'] };

type Silent<P extends Parts> = { [K in keyof P]: undefined extends SourceOf<P[K]> ? K : never }[keyof P];

type Named<P extends Parts> = { readonly [K in Exclude<keyof P, Silent<P>>]: SourceOf<P[K]> } & {
  readonly [K in Silent<P>]?: SourceOf<P[K]>;
};

/** What each part reads, under its name; those that read nothing may be left out, and where all do, so may the whole. */
export type PartSources<P extends Parts> = Exclude<keyof P, Silent<P>> extends never ? Named<P> | undefined : Named<P>;

/** The specs of parts under their names, once the names have been checked: they become parts of paths. */
export function specsOf<P extends Parts>(where: string, parts: P): PartSpecs<P> {
  const names = Object.keys(parts);
  if (names.length === 0) throw new ArgumentError(`${where}: expected at least one part, got none`);
  // Objects put numeric keys first, whatever the order in the source.
  const odd = names.find((name) => /^\d+$|\.|^$/.test(name));
  if (odd !== undefined)
    throw new ArgumentError(`${where}: expected names that are not numbers and hold no dots, got "${odd}"`);
  return Object.fromEntries(names.map((name) => [name, parts[name]!.spec])) as PartSpecs<P>;
}

/**
 * The code of each part, from the weights and the source under its name.
 * @throws ArgumentError for a source that no part reads
 */
export function codesOf(
  where: string,
  parts: Parts,
  params: unknown,
  sources: unknown,
  context: Context | undefined,
): readonly Tensor[] {
  const own = params as { readonly [name: string]: never };
  const given = (sources ?? {}) as { readonly [name: string]: never };
  const odd = Object.keys(given).find((name) => !(name in parts));
  if (odd !== undefined)
    throw new ArgumentError(`${where}: expected sources for ${Object.keys(parts).join(', ')}, got "${odd}"`);
  return Object.entries(parts).map(([name, part]) =>
    applyChild(name, part, own[name] as never, given[name] as never, context),
  );
}

import { sizeOf } from '../../tensor/index.ts';
import type { TargetSpec } from '../head.ts';

/** The layers of a target as a graph, read from the paths of its weights. */
export interface Structure {
  /** Layers in the order of the spec, each with its weights' paths. */
  readonly layers: readonly (readonly string[])[];
  /** [from, to]: each layer to the next, and the first layer of a container to its last, as around a residual block. */
  readonly edges: readonly (readonly [number, number])[];
}

/** The layer of a weight: what comes before the last dot of its path; '' without one. */
export const layerOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('.')));

/** `a.b.c` lies in `a` and `a.b`. */
const containersOf = (layer: string): string[] =>
  layer
    .split('.')
    .slice(0, -1)
    .map((_, i, parts) => parts.slice(0, i + 1).join('.'));

/** The graph of a target's layers. */
export function structureOf(target: TargetSpec): Structure {
  const layers = new Map<string, string[]>();
  for (const path of Object.keys(target)) layers.set(layerOf(path), [...(layers.get(layerOf(path)) ?? []), path]);
  const ends = new Map<string, [number, number]>();
  [...layers.keys()].forEach((layer, i) => {
    for (const container of containersOf(layer)) ends.set(container, [ends.get(container)?.[0] ?? i, i]);
  });
  // A container of containers may have the same ends.
  const skips = new Map([...ends.values()].filter(([from, to]) => to - from > 1).map((edge) => [edge.join(), edge]));
  const order = [...layers].slice(1).map((_, i) => [i, i + 1] as const);
  return { layers: [...layers.values()], edges: [...order, ...skips.values()] };
}

/** The largest weight of a layer, which stands for it. */
export const mainWeight = (target: TargetSpec, layer: readonly string[]) =>
  layer.map((path) => target[path]!).reduce((a, b) => (sizeOf(b.shape) > sizeOf(a.shape) ? b : a));

import type { World } from './world.ts';

/** Places of the numbers by which the threads take turns. */
export const turn = {
  /** Counts commands: workers wait for it to change. */
  count: 0,
  /** Workers that have not done the present command yet: the caller waits until it is 0. */
  pending: 1,
  command: 2,
  /** Workers that failed. What went wrong follows as a message. */
  failed: 3,
} as const;

/** What workers are told to do. */
export const commands = { reset: 0, step: 1 } as const;

/** Memory that the threads of an environment share: what goes in and what comes out of a step, a row for each copy. */
export interface Shared {
  readonly turn: Int32Array;
  /** Seed and iteration. */
  readonly names: Float64Array;
  /** [parameters, copies] */
  readonly physics: Float64Array;
  readonly actions: Float32Array;
  readonly observations: Float32Array;
  readonly reached: Float32Array;
  readonly rewards: Float32Array;
  /** x and z of each site: [copies, sites, 2]; of the state that `reached` is of. */
  readonly points: Float32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
}

/** Views of one buffer, which is made unless one is given. */
export function share(
  { spec, sites }: World,
  copies: number,
  given?: SharedArrayBuffer,
): Shared & { readonly buffer: SharedArrayBuffer } {
  const seen = spec.observation.length * copies;
  const size = spec.action.kind === 'continuous' ? spec.action.size : 1;
  const doubles = 2 + Object.keys(spec.physics).length * copies;
  const floats = size * copies + 2 * seen + copies + 2 * sites.length * copies;
  const buffer = given ?? new SharedArrayBuffer(8 * doubles + 16 + 4 * floats + 2 * copies);
  let offset = 0;
  const view = <T extends { readonly byteLength: number }>(
    Kind: new (buffer: SharedArrayBuffer, offset: number, length: number) => T,
    length: number,
  ): T => {
    const made = new Kind(buffer, offset, length);
    offset += made.byteLength;
    return made;
  };
  return {
    buffer,
    names: view(Float64Array, 2),
    physics: view(Float64Array, doubles - 2),
    turn: view(Int32Array, 4),
    actions: view(Float32Array, size * copies),
    observations: view(Float32Array, seen),
    reached: view(Float32Array, seen),
    rewards: view(Float32Array, copies),
    points: view(Float32Array, 2 * sites.length * copies),
    terminated: view(Uint8Array, copies),
    truncated: view(Uint8Array, copies),
  };
}

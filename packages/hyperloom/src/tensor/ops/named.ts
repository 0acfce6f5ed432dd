import type { Op } from '../tensor.ts';

/*
 * Operations whose attributes hold programs reach the operations of those by name. The table that has all names imports
 * their records, so it hands itself to them.
 */

let table: Readonly<Record<string, Op>> = {};

/** Makes the operations known by name: `ops/index.ts` does, once. */
export function nameOps(all: Readonly<Record<string, Op>>): void {
  table = all;
}

/** The operation of a name. */
export const opNamed = (name: string): Op => table[name] as Op;

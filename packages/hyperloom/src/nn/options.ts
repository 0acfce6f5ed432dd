import { ArgumentError, type Shape, ShapeError, showShape } from '../tensor/index.ts';

/** A whole number of at least `least`, or an error that names the option. */
export function whole(where: string, name: string, value: number, least = 1): number {
  if (!Number.isInteger(value) || value < least) {
    throw new ArgumentError(`${where}: expected ${name} to be a whole number of at least ${least}, got ${value}`);
  }
  return value;
}

/** One whole number for each axis; a single number holds for all. */
export function perAxis(
  where: string,
  name: string,
  value: number | readonly number[],
  axes: number,
  least = 1,
): readonly number[] {
  const list = typeof value === 'number' ? new Array<number>(axes).fill(value) : value;
  if (list.length !== axes) throw new ArgumentError(`${where}: expected ${name} of length ${axes}, got ${list.length}`);
  return list.map((n) => whole(where, name, n, least));
}

/** Zeros before and after each axis: one number for all, or for each axis a number or `[before, after]`. */
export type Padding = number | readonly (number | readonly [number, number])[];

/** {@link Padding} written out. */
export function paddingPairs(where: string, value: Padding, axes: number): readonly (readonly [number, number])[] {
  const list = typeof value === 'number' ? new Array<number>(axes).fill(value) : value;
  if (list.length !== axes) throw new ArgumentError(`${where}: expected padding of length ${axes}, got ${list.length}`);
  return list.map((p) => {
    const [low, high] = typeof p === 'number' ? [p, p] : p;
    return [whole(where, 'padding', low, 0), whole(where, 'padding', high, 0)];
  });
}

/** A small positive number that keeps a division finite. */
export function positive(where: string, name: string, value: number): number {
  if (!(value > 0) || !Number.isFinite(value))
    throw new ArgumentError(`${where}: expected a positive ${name}, got ${value}`);
  return value;
}

/** Raises unless an input has the shape that a layer takes; letters stand for sizes that may be anything. */
export function expectShape(where: string, expected: readonly (number | string)[], got: Shape): void {
  const fits = expected.length === got.length && expected.every((d, i) => typeof d === 'string' || d === got[i]);
  if (!fits) throw new ShapeError(`${where}: expected [${expected.join(', ')}], got ${showShape(got)}`);
}

import { ArgumentError } from '../errors.ts';
import { type Aval, showShape } from '../shape.ts';

/** An axis counted from the front; negative ones count from the back. */
export function normalAxis(x: Aval, axis: number, op: string): number {
  const rank = x.shape.length;
  const found = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || found < 0 || found >= rank) {
    throw new ArgumentError(
      `${op}: expected an axis from ${-rank} to ${rank - 1} for shape ${showShape(x.shape)}, got ${axis}`,
    );
  }
  return found;
}

/** One axis, several, or all when undefined; sorted, counted from the front. */
export function normalAxes(x: Aval, axis: number | readonly number[] | undefined, op: string): number[] {
  if (axis === undefined) return x.shape.map((_, i) => i);
  const axes = (typeof axis === 'number' ? [axis] : axis).map((a) => normalAxis(x, a, op)).sort((a, b) => a - b);
  if (new Set(axes).size !== axes.length)
    throw new ArgumentError(`${op}: expected distinct axes, got [${axes.join(', ')}]`);
  return axes;
}

import { ArgumentError, ShapeError, showShape, type Tensor } from '../../tensor/index.ts';

/** A whole number of at least 1, or an error that names the option. */
export function atLeastOne(where: string, name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1)
    throw new ArgumentError(`${where}: expected a ${name} of at least 1, got ${value}`);
  return value;
}

/** A positive number, or an error that names the option. */
export function positive(where: string, name: string, value: number | undefined): number {
  if (value === undefined || !(value > 0) || !Number.isFinite(value))
    throw new ArgumentError(`${where}: expected a positive ${name}, got ${value ?? 'none'}`);
  return value;
}

/** The source itself if it is a vector of `size` elements, an error otherwise. */
export function vector(where: string, what: string, source: Tensor | undefined, size: number): Tensor {
  if (source?.rank !== 1 || source.shape[0] !== size)
    throw new ShapeError(`${where}: expected ${what} [${size}], got ${source ? showShape(source.shape) : 'nothing'}`);
  return source;
}

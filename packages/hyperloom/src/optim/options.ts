import { ArgumentError } from '../tensor/index.ts';

/** A finite number of at least 0, or above 0. */
export function amount(where: string, name: string, value: number, { above = false } = {}): number {
  if (!Number.isFinite(value) || !(above ? value > 0 : value >= 0)) {
    throw new ArgumentError(
      `${where}: expected ${name} to be a number ${above ? 'above' : 'of at least'} 0, got ${value}`,
    );
  }
  return value;
}

/** A decay of a running average: at least 0 and below 1. */
export function decayRate(where: string, name: string, value: number): number {
  if (!(value >= 0 && value < 1))
    throw new ArgumentError(`${where}: expected ${name} of at least 0 and below 1, got ${value}`);
  return value;
}

/** A whole number of at least 1. */
export function count(where: string, name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) {
    throw new ArgumentError(`${where}: expected ${name} to be a whole number of at least 1, got ${value}`);
  }
  return value;
}

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type NdArray, ndarray } from '../tensor/index.ts';

/** An array as the scripts of `goldens/` write it. */
export interface Flat {
  readonly shape: number[];
  readonly data: number[];
}

/** The cases of a file of `goldens/`, by name. */
export const goldenCases = <C>(file: string): Readonly<Record<string, C>> =>
  (JSON.parse(readFileSync(new URL(`../../goldens/${file}`, import.meta.url), 'utf8')) as { cases: Record<string, C> })
    .cases;

export const f64 = ({ shape, data }: Flat): NdArray => ndarray(Float64Array.from(data), shape);

/** Holds a value against PyTorch's in float64. */
export function expectClose(what: string, got: NdArray | undefined, { shape, data }: Flat): void {
  expect(got?.shape, what).toEqual(shape);
  data.forEach((x, i) => {
    expect(Math.abs((got?.data[i] ?? Number.NaN) - x), what).toBeLessThan(1e-9 * (1 + Math.abs(x)));
  });
}

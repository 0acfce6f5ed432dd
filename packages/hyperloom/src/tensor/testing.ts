import { readFileSync } from 'node:fs';
import { evaluate } from '../engine/reference/index.ts';
import { type NdArray, ndarray, type Tensor, trace } from './index.ts';

/** What a function gives for arrays, by the reference engine: a flat list for each result. */
export function run(f: (...xs: Tensor[]) => Tensor | readonly Tensor[], ...arrays: readonly NdArray[]): number[][] {
  const { program } = trace(f as (...xs: never[]) => unknown, ...arrays.map(({ dtype, shape }) => ({ dtype, shape })));
  return evaluate(program, arrays).map(({ data }) => Array.from(data));
}

/** {@link run} of a function with one result. */
export const run1 = (f: (...xs: Tensor[]) => Tensor, ...arrays: readonly NdArray[]): number[] =>
  run(f, ...arrays)[0] as number[];

/** float64 arrays, so that nothing is rounded on the way in. */
export const f64 = (data: Parameters<typeof ndarray>[0], shape?: readonly number[]): NdArray =>
  ndarray(data, shape, 'float64');
/** int32 arrays. */
export const i32 = (data: Parameters<typeof ndarray>[0], shape?: readonly number[]): NdArray =>
  ndarray(data, shape, 'int32');

/** Numbers from a fixed sequence between -1 and 1, without repeats nearby: inputs of tests. */
export function numbers(shape: readonly number[], seed = 1): NdArray {
  const size = shape.reduce((n, d) => n * d, 1);
  return f64(
    Float64Array.from({ length: size }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed)),
    shape,
  );
}

/** The largest difference between two lists, which must be equally long. */
export function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - (b[i] as number))), 0);
}

/** Values and gradients that PyTorch gave, by name: goldens/nets.py says how. */
export const goldens = JSON.parse(readFileSync(new URL('../../goldens/nets.json', import.meta.url), 'utf8')) as {
  readonly cases: Readonly<Record<string, unknown>>;
};

/** A golden list of numbers as a float64 array. */
export const goldenArray = ({ shape, data }: Pick<NdArray, 'shape' | 'data'>): NdArray =>
  f64(Float64Array.from(data), shape);

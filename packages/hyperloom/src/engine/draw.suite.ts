import fc from 'fast-check';
import { allocate, type DType, type NdArray, sizeOf } from '../tensor/index.ts';

/** Draws a value of an arbitrary. */
export type Draw = <T>(arbitrary: fc.Arbitrary<T>) => T;

/** A whole number. */
export const int = (draw: Draw, min: number, max: number): number => draw(fc.integer({ min, max }));
/** A shape of given rank. */
export const shapeOf = (draw: Draw, rank: number, largest = 4): number[] =>
  Array.from({ length: rank }, () => int(draw, 1, largest));
/** A shape of up to four axes. */
export const anyShape = (draw: Draw): number[] => shapeOf(draw, int(draw, 0, 4));

/** An array whose elements come from a seeded sequence; floats are exact in float32. */
export function filled(draw: Draw, shape: readonly number[], dtype: DType, of: (unit: number) => number): NdArray {
  const data = allocate(dtype, sizeOf(shape));
  const seed = int(draw, 0, 1e6);
  for (let i = 0; i < data.length; i++) {
    const wave = Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 43758.5453;
    data[i] = Math.fround(of(wave - Math.floor(wave)));
  }
  return { dtype, shape, data };
}

/** Numbers around 0 that fit the type; integers repeat. */
export const numbers = (draw: Draw, shape: readonly number[], dtype: DType): NdArray =>
  filled(draw, shape, dtype, (u) =>
    dtype === 'bool'
      ? Number(u > 0.5)
      : dtype === 'int32'
        ? Math.floor(u * 21) - 10
        : dtype === 'uint32'
          ? Math.floor(u * 2 ** 32)
          : 4 * u - 2,
  );

/** Floats between two numbers. */
export const floats = (draw: Draw, shape: readonly number[], dtype: DType, low: number, high: number): NdArray =>
  filled(draw, shape, dtype, (u) => low + (high - low) * u);

/** Numbers of rows. */
export const indices = (draw: Draw, shape: readonly number[], rows: number): NdArray =>
  filled(draw, shape, 'int32', (u) => Math.floor(u * rows));

/** A type that an operation takes: the one asked for when it is a float, else one of these. */
export const typed = (draw: Draw, dtype: DType, others: readonly DType[]): DType =>
  draw(fc.constantFrom(dtype, ...(dtype === 'float64' ? [] : others)));

/** The types of whole numbers. */
export const integers: readonly DType[] = ['int32', 'uint32'];

/** Shapes that broadcast to a common one. */
export function broadcastable(draw: Draw, count: number): number[][] {
  const shape = anyShape(draw);
  return Array.from({ length: count }, () => {
    const kept = shape.slice(int(draw, 0, shape.length));
    return kept.map((d) => (draw(fc.boolean()) ? d : 1));
  });
}

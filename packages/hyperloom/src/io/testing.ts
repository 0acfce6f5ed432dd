import fc from 'fast-check';
import { type DType, type NdArray, type Shape, sameShape, zerosArray } from '../tensor/index.ts';

/** Arrays of every element type, empty ones and scalars too, with any bits (NaN payloads, infinities). */
export const arrays: fc.Arbitrary<NdArray> = fc
  .record({
    dtype: fc.constantFrom<DType>('float32', 'float64', 'int32', 'uint32', 'bool'),
    shape: fc.array(fc.nat(3), { maxLength: 3 }),
    seed: fc.integer(),
  })
  .map(({ dtype, shape, seed }) => filled(dtype, shape, seed));

function filled(dtype: DType, shape: Shape, seed: number): NdArray {
  const array = zerosArray(dtype, shape);
  const bytes = bytesOf(array);
  let state = seed;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = dtype === 'bool' ? state >>> 31 : state >>> 24;
  }
  return array;
}

export const bytesOf = ({ data }: NdArray): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Whether two arrays are the same to the last bit. */
export const sameBits = (a: NdArray, b: NdArray): boolean =>
  a.dtype === b.dtype && sameShape(a.shape, b.shape) && bytesOf(a).every((byte, i) => byte === bytesOf(b)[i]);

/** The message of what an action throws or rejects with. */
export async function messageOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'nothing was thrown';
}

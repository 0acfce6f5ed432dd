import { FormatError, type Shape, showShape, sizeOf } from '../tensor/index.ts';

/** Unsigned bytes with a shape, row-major: what image files hold. Programs take floats, see `scaledBytes`. */
export interface ByteArray {
  readonly dtype: 'uint8';
  readonly shape: Shape;
  readonly data: Uint8Array;
}

const elementTypes: Readonly<Record<number, string>> = {
  8: 'uint8',
  9: 'int8',
  11: 'int16',
  12: 'int32',
  13: 'float32',
  14: 'float64',
};

/**
 * Reads an IDX file of unsigned bytes, the format of MNIST and its relatives: two zero bytes, the element type, the
 * number of axes, each axis as a big-endian uint32, then the elements. A gzip stream is recognised by its first bytes.
 * The result shares memory with `bytes` when they are plain.
 * @param name what to call the file in errors
 * @throws FormatError when the gzip stream is damaged, the magic number or element type is another, or the length
 * does not fit the sizes
 * @example
 * const file = new Uint8Array([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]);
 * const labels = await readIdx(file, 'labels'); // { dtype: 'uint8', shape: [3], data: Uint8Array [7, 8, 9] }
 */
export async function readIdx(bytes: Uint8Array, name: string): Promise<ByteArray> {
  return parseIdx(await uncompressed(bytes, name), name);
}

/** The bytes themselves, or what a gzip stream holds when they begin as one. */
export const uncompressed = async (bytes: Uint8Array, name: string): Promise<Uint8Array> =>
  bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzip(bytes, name) : bytes;

/** {@link readIdx} for bytes that are known to be plain. */
export function parseIdx(file: Uint8Array, name: string): ByteArray {
  const error = (message: string) => new FormatError(`idx "${name}": ${message}`);
  if (file.length < 4) throw error(`expected a header of at least 4 bytes, got ${file.length}`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const type = view.getUint8(2);
  const rank = view.getUint8(3);
  if (view.getUint16(0) !== 0 || elementTypes[type] === undefined) {
    throw error(`expected the magic number 00 00 08 and the number of axes, got ${hex(file.subarray(0, 4))}`);
  }
  if (type !== 8) throw error(`expected elements of type uint8 (08), got ${elementTypes[type]} (${hex([type])})`);
  if (rank === 0) throw error('expected at least 1 axis, got 0');
  const start = 4 + 4 * rank;
  if (file.length < start) throw error(`expected ${rank} sizes in ${start} bytes, got a file of ${file.length} bytes`);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = start + sizeOf(shape);
  if (file.length !== expected) {
    throw error(`expected ${expected} bytes for shape ${showShape(shape)}, got ${file.length}`);
  }
  return { dtype: 'uint8', shape, data: file.subarray(start) };
}

const hex = (bytes: Iterable<number>): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ');

async function gunzip(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream('gzip'));
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    throw new FormatError(`idx "${name}": expected a whole gzip stream, got a damaged or truncated one`, { cause });
  }
}

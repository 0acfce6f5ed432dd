import type { NdArray } from '../tensor/index.ts';
import {
  ArgumentError,
  byteSize,
  type DType,
  FormatError,
  type Shape,
  showShape,
  sizeOf,
  zerosArray,
} from '../tensor/index.ts';
import { repeatedKey } from './json.ts';

/** What a safetensors file holds. */
export interface Safetensors {
  readonly tensors: Readonly<Record<string, NdArray>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const toFormat = { float64: 'F64', float32: 'F32', int32: 'I32', uint32: 'U32', bool: 'BOOL' } as const;
const fromFormat = new Map<unknown, DType>(Object.entries(toFormat).map(([dtype, name]) => [name, dtype as DType]));

/** The limit of the reference implementation. */
const longestHeader = 100_000_000;
const metadataKey = '__metadata__';

/**
 * Writes tensors in the safetensors format: the header's length (8 bytes, little-endian), a JSON header padded with
 * spaces to a multiple of 8 bytes, then the data, largest element type first so that each array is aligned.
 * The bytes depend on names and content only, not on the order of the keys.
 * @throws ArgumentError when a tensor is called `__metadata__`
 * @example
 * const bytes = encodeSafetensors({ bias: ndarray([1, 2, 3]) }, { by: 'hyperloom' });
 * const { tensors } = decodeSafetensors(bytes, 'bias.safetensors'); // bias: float32 [3]
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, NdArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = Object.entries(tensors).sort(
    ([aName, a], [bName, b]) => byteSize(b.dtype) - byteSize(a.dtype) || (aName < bName ? -1 : 1),
  );
  const fields: [string, unknown][] = Object.keys(metadata).length > 0 ? [[metadataKey, metadata]] : [];
  let end = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === metadataKey) throw new ArgumentError(`safetensors: expected a tensor name, got ${metadataKey}`);
    fields.push([name, { dtype: toFormat[dtype], shape, data_offsets: [end, end + data.byteLength] }]);
    end += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)));
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(json, 8);
  bytes.fill(0x20, 8 + json.length, start);
  let offset = start;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file. Every length, type and offset is checked before it is used; the arrays are copies.
 * @param name what to call the file in errors
 * @throws FormatError when the file is foreign, truncated, malformed, or holds an element type that tensors lack
 * @example
 * const bytes = encodeSafetensors({ step: ndarray(new Int32Array([3])) });
 * const { tensors, metadata } = decodeSafetensors(bytes, 'run.safetensors');
 */
export function decodeSafetensors(bytes: Uint8Array, name: string): Safetensors {
  const error = (message: string) => new FormatError(`safetensors "${name}": ${message}`);
  const { header, start } = readHeader(bytes, error);
  const { [metadataKey]: metadata = {}, ...rest } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw error(`expected text values in ${metadataKey}, got others`);
  }
  const entries = Object.entries(rest).map(([key, value]) => readEntry(key, value, error));
  const available = bytes.length - start;
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== end) {
      throw error(`tensor ${JSON.stringify(entry.key)}: expected data from byte ${end} on, got from ${entry.begin} on`);
    }
    end = entry.end;
  }
  if (end !== available) throw error(`expected ${end} bytes of data, got ${available}`);
  const tensors = entries.map(({ key, dtype, shape, begin }): [string, NdArray] => {
    const array = zerosArray(dtype, shape);
    const { data } = array;
    const source = bytes.subarray(start + begin, start + begin + data.byteLength);
    if (dtype === 'bool' && source.some((value) => value > 1))
      throw error(`tensor ${JSON.stringify(key)}: expected bytes 0 and 1, got others`);
    new Uint8Array(data.buffer).set(source);
    return [key, array];
  });
  return { tensors: Object.fromEntries(tensors), metadata: metadata as Record<string, string> };
}

type ErrorOf = (message: string) => FormatError;

function readHeader(bytes: Uint8Array, error: ErrorOf): { header: Record<string, unknown>; start: number } {
  if (bytes.length < 8) throw error(`expected a safetensors file of at least 8 bytes, got ${bytes.length}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > longestHeader)
    throw error(`expected a safetensors file, got one whose header would have ${length} bytes`);
  const start = 8 + Number(length);
  if (start > bytes.length) throw error(`expected a header of ${length} bytes, got ${bytes.length - 8}`);
  if (bytes[8] !== 0x7b || length === 0n) throw error('expected a header that begins with {, got another byte');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start));
  } catch {
    throw error('expected a header in UTF-8, got other bytes');
  }
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw error('expected a header in JSON, got other text');
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined)
    throw error(`expected each key once in the header, got ${JSON.stringify(repeated)} again`);
  return { header: header as Record<string, unknown>, start };
}

interface Entry {
  readonly key: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

function readEntry(key: string, value: unknown, error: ErrorOf): Entry {
  const fail = (message: string) => error(`tensor ${JSON.stringify(key)}: ${message}`);
  if (!isRecord(value)) throw fail('expected { dtype, shape, data_offsets }, got another value');
  const { dtype: type, shape, data_offsets: offsets } = value;
  const dtype = fromFormat.get(type);
  if (dtype === undefined) {
    throw fail(`expected element type ${Array.from(fromFormat.keys()).join(', ')}, got ${show(type)}`);
  }
  if (!areSizes(shape)) throw fail(`expected a shape of whole numbers, got ${show(shape)}`);
  if (!areSizes(offsets) || offsets.length !== 2) {
    throw fail(`expected two data_offsets, got ${show(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  const size = sizeOf(shape) * byteSize(dtype);
  if (end - begin !== size) {
    throw fail(`expected ${size} bytes for ${dtype} ${showShape(shape)}, got offsets ${begin} to ${end}`);
  }
  return { key, dtype, shape, begin, end };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const areSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);

/** A value from the header on one short line, however large or deep it is. */
function show(value: unknown): string {
  if (Array.isArray(value))
    return `[${value
      .slice(0, 8)
      .map((item) => (typeof item === 'object' ? '...' : show(item)))
      .join(', ')}]`;
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return isRecord(value) ? 'an object' : String(value);
}

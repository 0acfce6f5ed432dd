import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError, ndarray, zerosArray } from '../tensor/index.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import { arrays, messageOf, sameBits } from './testing.ts';

/** A file from a header as text and the number of data bytes. */
function file(header: string, data: number | Uint8Array = 0): Uint8Array {
  const json = new TextEncoder().encode(header);
  const rest = typeof data === 'number' ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + json.length + rest.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(rest, 8 + json.length);
  return bytes;
}

const decode = (bytes: Uint8Array) => decodeSafetensors(bytes, 'x.safetensors');

describe('encodeSafetensors', () => {
  it('writes the format byte for byte', () => {
    const bytes = encodeSafetensors({ b: ndarray([[1, 2]]), a: ndarray(new Float64Array([3]), []) }, { k: 'v' });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
    expect(header.trimEnd()).toBe(
      '{"__metadata__":{"k":"v"},"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]},' +
        '"b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}}',
    );
    const data = new DataView(bytes.buffer, 8 + length);
    expect([data.byteLength, data.getFloat64(0, true), data.getFloat32(8, true), data.getFloat32(12, true)]).toEqual([
      16, 3, 1, 2,
    ]);
  });

  it('does not depend on the order of the keys', () => {
    const [a, b] = [ndarray([1]), ndarray([2])];
    expect(encodeSafetensors({ a, b })).toEqual(encodeSafetensors({ b, a }));
  });

  it('refuses the reserved name', () => {
    expect(() => encodeSafetensors({ __metadata__: ndarray([1]) })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: safetensors: expected a tensor name, got __metadata__]`,
    );
  });
});

describe('decodeSafetensors', () => {
  it('gives back any tensors and metadata, bit for bit', () => {
    const names = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '', '0'));
    fc.assert(
      fc.property(fc.dictionary(names, arrays), fc.dictionary(names, fc.string()), (tensors, metadata) => {
        fc.pre(!Object.hasOwn(tensors, '__metadata__'));
        const out = decode(encodeSafetensors(tensors, metadata));
        expect(Object.keys(out.tensors).sort()).toEqual(Object.keys(tensors).sort());
        for (const [name, array] of Object.entries(tensors)) {
          expect(Object.entries(out.tensors).some(([key, found]) => key === name && sameBits(found, array))).toBe(true);
        }
        expect(Object.entries(out.metadata).sort()).toEqual(Object.entries(metadata).sort());
      }),
    );
  });

  it('reads a file that is a view at an odd offset of another buffer', () => {
    const bytes = encodeSafetensors({ x: ndarray([1, 2, 3]) });
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    expect(decode(shifted).tensors.x?.data).toEqual(new Float32Array([1, 2, 3]));
  });

  it('reads a header with texts of many megabytes', () => {
    const long = 'x"\\'.repeat(3e6);
    expect(decode(encodeSafetensors({}, { long })).metadata.long === long).toBe(true);
  });

  it('never fails in another way than FormatError, whatever the bytes', () => {
    const bytes = encodeSafetensors(
      {
        'a.weight': ndarray([
          [1, 2],
          [3, 4],
        ]),
        flag: ndarray([true, false], [2], 'bool'),
        none: zerosArray('int32', [0, 3]),
      },
      { k: 'v' },
    );
    const attempt = (damaged: Uint8Array) => {
      try {
        decode(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        expect((error as Error).message).not.toContain('\n');
      }
    };
    for (let end = 0; end < bytes.length; end++) expect(() => decode(bytes.subarray(0, end))).toThrow(FormatError);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] as number) ^ change;
        attempt(damaged);
      }),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), attempt));
    fc.assert(fc.property(fc.json(), (json) => attempt(file(json))));
    fc.assert(
      fc.property(fc.json(), fc.json(), fc.json(), (dtype, shape, offsets) =>
        attempt(file(`{"a":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}}`)),
      ),
    );
  });

  it('refuses what is not in order, and says what', async () => {
    const messages: Record<string, string> = {};
    for (const [what, bytes] of damaged) messages[what] = await messageOf(() => decode(bytes));
    expect(messages).toMatchInlineSnapshot(`
      {
        "a boolean of 2": "FormatError: safetensors "x.safetensors": tensor "a": expected bytes 0 and 1, got others",
        "a cut header": "FormatError: safetensors "x.safetensors": expected a header of 7 bytes, got 2",
        "a foreign file": "FormatError: safetensors "x.safetensors": expected a safetensors file, got one whose header would have 3976169591536898085 bytes",
        "a half float": "FormatError: safetensors "x.safetensors": tensor "a": expected element type F64, F32, I32, U32, BOOL, got "F16"",
        "a header that is no object": "FormatError: safetensors "x.safetensors": expected a header that begins with {, got another byte",
        "a hole": "FormatError: safetensors "x.safetensors": tensor "a": expected data from byte 0 on, got from 4 on",
        "a huge header": "FormatError: safetensors "x.safetensors": expected a safetensors file, got one whose header would have 8897841259083430779 bytes",
        "a name with a line break": "FormatError: safetensors "x.safetensors": tensor "a\\nb": expected { dtype, shape, data_offsets }, got another value",
        "a negative size": "FormatError: safetensors "x.safetensors": tensor "a": expected a shape of whole numbers, got [-1]",
        "a repeated field": "FormatError: safetensors "x.safetensors": expected each key once in the header, got "dtype" again",
        "a repeated name": "FormatError: safetensors "x.safetensors": expected each key once in the header, got "a" again",
        "a size beyond counting": "FormatError: safetensors "x.safetensors": tensor "a": expected 3.2451855365842665e+32 bytes for float32 [9007199254740991, 9007199254740991], got offsets 0 to 4",
        "a type that is no text": "FormatError: safetensors "x.safetensors": tensor "a": expected element type F64, F32, I32, U32, BOOL, got [...]",
        "an empty file": "FormatError: safetensors "x.safetensors": expected a safetensors file of at least 8 bytes, got 0",
        "an empty header": "FormatError: safetensors "x.safetensors": expected a header that begins with {, got another byte",
        "an overlap": "FormatError: safetensors "x.safetensors": tensor "b": expected data from byte 8 on, got from 4 on",
        "bad JSON": "FormatError: safetensors "x.safetensors": expected a header in JSON, got other text",
        "bad UTF-8": "FormatError: safetensors "x.safetensors": expected a header in UTF-8, got other bytes",
        "data that belongs to nothing": "FormatError: safetensors "x.safetensors": expected 4 bytes of data, got 5",
        "metadata of another kind": "FormatError: safetensors "x.safetensors": expected text values in __metadata__, got others",
        "missing data": "FormatError: safetensors "x.safetensors": expected 8 bytes of data, got 7",
        "no entry": "FormatError: safetensors "x.safetensors": tensor "a": expected { dtype, shape, data_offsets }, got another value",
        "offsets that do not fit the shape": "FormatError: safetensors "x.safetensors": tensor "a": expected 8 bytes for float32 [2], got offsets 0 to 4",
        "one offset": "FormatError: safetensors "x.safetensors": tensor "a": expected two data_offsets, got [0]",
      }
    `);
  });
});

const damaged: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['an empty file', new Uint8Array(0)],
  ['a huge header', new Uint8Array(16).fill(0x7b)],
  ['a foreign file', new TextEncoder().encode('%PDF-1.7\0\0\0\0\0')],
  ['a cut header', file('{"a":1}').subarray(0, 10)],
  ['an empty header', file('')],
  ['a header that is no object', file('[1]')],
  ['bad JSON', file('{"a":')],
  [
    'bad UTF-8',
    (() => {
      const b = file('{"a":1}');
      b[10] = 0xff;
      return b;
    })(),
  ],
  [
    'a repeated name',
    file(
      '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}',
      8,
    ),
  ],
  ['a repeated field', file('{"a":{"dtype":"F32","dtype":"I32","shape":[],"data_offsets":[0,4]}}', 4)],
  ['metadata of another kind', file('{"__metadata__":{"a":1}}')],
  ['no entry', file('{"a":null}')],
  ['a half float', file('{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}', 4)],
  ['a type that is no text', file('{"a":{"dtype":[[1]],"shape":[2],"data_offsets":[0,4]}}', 4)],
  ['a negative size', file('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 4)],
  [
    'a size beyond counting',
    file('{"a":{"dtype":"F32","shape":[9007199254740991,9007199254740991],"data_offsets":[0,4]}}', 4),
  ],
  ['one offset', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}', 4)],
  ['offsets that do not fit the shape', file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', 4)],
  ['a hole', file('{"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}', 8)],
  [
    'an overlap',
    file(
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
      12,
    ),
  ],
  ['missing data', file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', 7)],
  ['data that belongs to nothing', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 5)],
  ['a boolean of 2', file('{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}', new Uint8Array([2]))],
  ['a name with a line break', file('{"a\\nb":7}')],
];

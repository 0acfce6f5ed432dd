import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../tensor/index.ts';
import { readIdx } from './idx.ts';
import { idx, messageOf } from './testing.ts';

const bytes = idx([2, 3], [1, 2, 3, 4, 5, 6]);

describe('readIdx', () => {
  it('reads plain and gzip files of any shape', async () => {
    const shapes = fc.array(fc.nat(4), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shapes, fc.boolean(), fc.nat(255), async (shape, zip, first) => {
        const data = Uint8Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => first + i);
        const file = idx(shape, data);
        expect(await readIdx(zip ? gzipSync(file) : file, 'x')).toEqual({ dtype: 'uint8', shape, data });
      }),
    );
  });

  it('reads sizes that need all four bytes', async () => {
    const file = idx([70_000, 1], new Uint8Array(70_000).fill(9));
    expect((await readIdx(file, 'x')).shape).toEqual([70_000, 1]);
  });

  it('gives content of the right size or a FormatError of one line, whatever the bytes', async () => {
    const attempt = async (file: Uint8Array) => {
      const found = await readIdx(file, 'x').catch((error: unknown) => error);
      if (found instanceof Error) {
        expect(found).toBeInstanceOf(FormatError);
        expect(found.message).not.toContain('\n');
      }
    };
    const zipped = gzipSync(bytes);
    for (const file of [bytes, zipped]) {
      for (let end = 0; end < file.length; end++) {
        await expect(readIdx(file.subarray(0, end), 'x')).rejects.toThrow(FormatError);
      }
      await fc.assert(
        fc.asyncProperty(fc.nat(file.length - 1), fc.nat(255), (at, value) => {
          const damaged = Uint8Array.from(file);
          damaged[at] = value;
          return attempt(damaged);
        }),
      );
    }
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 24 }), attempt));
  });

  it('says what is wrong', async () => {
    const changed = (at: number, value: number) => Uint8Array.from(bytes).fill(value, at, at + 1);
    const refused = (file: Uint8Array) => messageOf(() => readIdx(file, 'train'));
    expect({
      empty: await refused(new Uint8Array(0)),
      foreign: await refused(new TextEncoder().encode('%PDF-1.7')),
      elements: await refused(changed(2, 13)),
      axes: await refused(changed(3, 0)),
      header: await refused(bytes.subarray(0, 9)),
      truncated: await refused(bytes.subarray(0, -2)),
      trailing: await refused(new Uint8Array([...bytes, 0])),
      sizes: await refused(changed(4, 255)),
      gzip: await refused(gzipSync(bytes).subarray(0, -6)),
    }).toMatchInlineSnapshot(`
      {
        "axes": "FormatError: idx "train": expected at least 1 axis, got 0",
        "elements": "FormatError: idx "train": expected elements of type uint8 (08), got float32 (0d)",
        "empty": "FormatError: idx "train": expected a header of at least 4 bytes, got 0",
        "foreign": "FormatError: idx "train": expected the magic number 00 00 08 and the number of axes, got 25 50 44 46",
        "gzip": "FormatError: idx "train": expected a whole gzip stream, got a damaged or truncated one",
        "header": "FormatError: idx "train": expected 2 sizes in 12 bytes, got a file of 9 bytes",
        "sizes": "FormatError: idx "train": expected 12834570258 bytes for shape [4278190082, 3], got 18",
        "trailing": "FormatError: idx "train": expected 18 bytes for shape [2, 3], got 19",
        "truncated": "FormatError: idx "train": expected 18 bytes for shape [2, 3], got 16",
      }
    `);
  });
});

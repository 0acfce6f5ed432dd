import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf } from './testing.ts';
import { decodeText, splitText } from './text.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe('decodeText', () => {
  it('gives back any text without NUL, less a byte order mark', () => {
    const texts = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !/[\0\ufeff]/.test(text));
    fc.assert(
      fc.property(texts, (text) => {
        expect(decodeText(bytesOf(text), 'x')).toBe(text);
      }),
    );
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), 'x')).toBe('a');
  });

  it('says what is no text, and where', async () => {
    const refused = (...bytes: number[]) => messageOf(() => decodeText(Uint8Array.from(bytes), 'x.txt'));
    expect(await refused()).toMatchInlineSnapshot(
      `"FormatError: text "x.txt": expected text in UTF-8, got an empty file"`,
    );
    expect(await refused(0x61, 0, 0x62)).toMatchInlineSnapshot(
      `"FormatError: text "x.txt": expected text in UTF-8, got a NUL byte at 1, as binary files have"`,
    );
    expect(await refused(0x61, 0xc3, 0xa9, 0xe9, 0x20, 0x61)).toMatchInlineSnapshot(
      `"FormatError: text "x.txt": expected text in UTF-8, got the byte 0xe9 at 3, which begins no character"`,
    );
    expect(await refused(0x61, 0xe2, 0x82)).toMatchInlineSnapshot(
      `"FormatError: text "x.txt": expected text in UTF-8, got the byte 0xe2 at 1, which begins no character"`,
    );
  });

  it('names the first byte that is wrong, wherever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(300), fc.nat(300), async (before, behind) => {
        const bytes = [...bytesOf('é'.repeat(before)), 0xff, ...bytesOf('é'.repeat(behind))];
        expect(await messageOf(() => decodeText(Uint8Array.from(bytes), 'x'))).toContain(
          `got the byte 0xff at ${2 * before}`,
        );
      }),
    );
  });
});

describe('splitText', () => {
  it('cuts a text into 90, 5 and 5 %', () => {
    const { train, validation, test } = splitText(Int32Array.from({ length: 215 }, (_, i) => i));
    expect([train.length, validation.length, test.length]).toEqual([195, 10, 10]);
    expect([train[0], validation[0], test[0], test.at(-1)]).toEqual([0, 195, 205, 214]);
  });

  it('loses nothing, whatever the shares, and keeps characters whole', () => {
    const shares = fc.record({
      validation: fc.double({ min: 0.05, max: 0.4, noNaN: true }),
      test: fc.double({ min: 0.05, max: 0.4, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '𝄞'), minLength: 60 }), shares, (text, own) => {
        const { train, validation, test } = splitText(text, own);
        expect(train + validation + test).toBe(text);
        for (const part of [train, validation, test])
          expect(/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(part)).toBe(false);
        expect(Math.abs(test.length - own.test * text.length)).toBeLessThanOrEqual(2);
      }),
    );
  });

  it('may leave out a part, and refuses one that would be empty', async () => {
    expect(splitText('abc', { validation: 0, test: 0 })).toEqual({ train: 'abc', validation: '', test: '' });
    expect(await messageOf(() => splitText('to be'))).toMatchInlineSnapshot(
      `"ArgumentError: splitText: expected a length of at least 20, got 5"`,
    );
    expect(await messageOf(() => splitText('', { validation: 0, test: 0 }))).toMatchInlineSnapshot(
      `"ArgumentError: splitText: expected a length of at least 1, got 0"`,
    );
    expect(await messageOf(() => splitText('to be', { validation: 0.7, test: 0.3 }))).toMatchInlineSnapshot(
      `"ArgumentError: splitText: expected shares of at least 0 and together below 1, got 0.7 and 0.3"`,
    );
  });
});

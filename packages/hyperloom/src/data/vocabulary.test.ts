import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf } from './testing.ts';
import { vocabulary } from './vocabulary.ts';

describe('vocabulary', () => {
  it('numbers the characters of a text by code point', () => {
    const { symbols, size, encode } = vocabulary('bé 𝄞\n\uff5e b');
    expect(symbols).toEqual(['\n', ' ', 'b', 'é', '\uff5e', '𝄞']);
    expect(size).toBe(6);
    expect([...encode('𝄞b')]).toEqual([5, 2]);
  });

  it('gives back any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        const { encode, decode, symbols, size } = vocabulary(text);
        expect(decode(encode(text))).toBe(text);
        expect(encode(text)).toHaveLength([...text].length);
        expect(size).toBe(new Set(text).size);
        expect(vocabulary(symbols).symbols).toEqual(symbols);
      }),
    );
  });

  it('is of several texts together', () => {
    expect(vocabulary(['ba', 'ca']).symbols).toEqual(['a', 'b', 'c']);
  });

  it('names the first character that it lacks, and where it is', async () => {
    const { encode } = vocabulary('to be,\nor not');
    expect(await messageOf(() => encode('not to be\nor é?'))).toMatchInlineSnapshot(
      `"ArgumentError: vocabulary: expected one of its 9 characters, got "é" (U+00E9) at line 2, column 4"`,
    );
    expect(await messageOf(() => encode('\tto'))).toMatchInlineSnapshot(
      `"ArgumentError: vocabulary: expected one of its 9 characters, got "\\t" (U+0009) at line 1, column 1"`,
    );
    expect(await messageOf(() => encode('to 𝄞'))).toMatchInlineSnapshot(
      `"ArgumentError: vocabulary: expected one of its 9 characters, got "𝄞" (U+1D11E) at line 1, column 4"`,
    );
  });

  it('writes a symbol in place of unknown characters when told to', () => {
    const { symbols, encode, decode } = vocabulary('abc', { unknown: '?' });
    expect(symbols).toEqual(['?', 'a', 'b', 'c']);
    expect(decode(encode('a𝄞c'))).toBe('a?c');
  });

  it('refuses what is no vocabulary, and numbers of no symbol', async () => {
    expect(await messageOf(() => vocabulary(''))).toMatchInlineSnapshot(
      `"ArgumentError: vocabulary: expected at least one character, got an empty text"`,
    );
    expect(await messageOf(() => vocabulary('a', { unknown: '??' }))).toMatchInlineSnapshot(
      `"ArgumentError: vocabulary: expected one character as unknown, got "??""`,
    );
    expect(await messageOf(() => vocabulary('ab').decode([0, 2]))).toMatchInlineSnapshot(
      `"ArgumentError: vocabulary: expected a number from 0 to 1, got 2"`,
    );
  });
});

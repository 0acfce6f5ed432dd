import { ArgumentError, FormatError } from '../tensor/index.ts';

/**
 * UTF-8 bytes as text; a byte order mark at the front is left out.
 * @param name what to call the source in errors
 * @throws FormatError when the bytes are no UTF-8, or hold a NUL and so are no text, or there are none
 * @example
 * const text = decodeText(new TextEncoder().encode('to be, or not to be'), 'hamlet.txt');
 */
export function decodeText(bytes: Uint8Array, name: string): string {
  const error = (got: string) => new FormatError(`text "${name}": expected text in UTF-8, got ${got}`);
  if (bytes.length === 0) throw error('an empty file');
  const zero = bytes.indexOf(0);
  if (zero >= 0) throw error(`a NUL byte at ${zero}, as binary files have`);
  const text = decoded(bytes);
  if (text !== undefined) return text;
  const at = wrongAt(bytes);
  throw error(`the byte 0x${bytes[at]!.toString(16).padStart(2, '0')} at ${at}, which begins no character`);
}

/** The text of bytes; undefined where they are no UTF-8. With `stream` they may end within a character. */
function decoded(bytes: Uint8Array, stream = false): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream });
  } catch {
    return undefined;
  }
}

/** Where bytes stop being UTF-8: at the character that the longest beginning of a text ends within. */
function wrongAt(bytes: Uint8Array): number {
  let [good, bad] = [0, bytes.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (decoded(bytes.subarray(0, middle), true) === undefined) bad = middle;
    else good = middle;
  }
  while (decoded(bytes.subarray(0, good)) === undefined) good--;
  return good;
}

/** Three parts of a text, one after another. */
export interface TextSplit<T> {
  readonly train: T;
  readonly validation: T;
  readonly test: T;
}

/** The shares of {@link splitText}; what they leave is trained on. */
export interface SplitShares {
  /** Default 0.05. */
  readonly validation?: number;
  /** Default 0.05. */
  readonly test?: number;
}

/**
 * A text, or the numbers of its characters, in three contiguous parts: by default the first 90 % to train on, the next
 * 5 % to validate on, the last 5 % to test on. Numbers are not copied; a character of a text stays whole.
 * @throws ArgumentError for shares that leave nothing to train on, or a text so short that a part would be empty
 * @example
 * const { train, validation, test } = splitText('0123456789'.repeat(10)); // 90, 5 and 5 characters
 */
export function splitText<T extends string | Int32Array>(text: T, shares: SplitShares = {}): TextSplit<T> {
  const { validation = 0.05, test = 0.05 } = shares;
  if (!(validation >= 0 && test >= 0 && validation + test < 1))
    throw new ArgumentError(
      `splitText: expected shares of at least 0 and together below 1, got ${validation} and ${test}`,
    );
  const count = text.length;
  const [held, last] = [Math.floor(validation * count), Math.floor(test * count)];
  const first = whole(text, count - held - last);
  const second = whole(text, count - last);
  const isShort = (share: number, from: number, to: number) => share > 0 && from === to;
  if (first === 0 || isShort(validation, first, second) || isShort(test, second, count)) {
    const least = Math.max(1, ...[validation, test].map((share) => (share > 0 ? Math.ceil(1 / share) : 0)));
    throw new ArgumentError(`splitText: expected a length of at least ${least}, got ${count}`);
  }
  const part = (from: number, to: number) =>
    (typeof text === 'string' ? text.slice(from, to) : text.subarray(from, to)) as T;
  return { train: part(0, first), validation: part(first, second), test: part(second, count) };
}

/** The nearest place to cut at, from `at` on, that is not within a surrogate pair. */
const whole = (text: string | Int32Array, at: number): number =>
  typeof text === 'string' && at > 0 && text.codePointAt(at - 1)! > 0xffff ? at + 1 : at;

import { ArgumentError, type Aval, type NdArray, tree, zerosArray } from '../tensor/index.ts';
import type { Batches, EvalBatches } from './batches.ts';

/** A window of each stream: characters, and the one that follows each. `A` is an array or its type. */
export interface TextWindow<A> {
  readonly input: {
    /** Characters, int32 [streams, length]. */
    readonly x: A;
    /** Whether a stream begins (again) with this window, bool [streams]: what was carried is of another place. */
    readonly fresh: A;
  };
  /** The character after each of x, int32 [streams, length]. */
  readonly target: A;
}

/** A {@link TextWindow} of several texts. */
export interface TextsWindow<A> extends TextWindow<A> {
  readonly input: TextWindow<A>['input'] & {
    /** Which text each stream is of, int32 [streams]. */
    readonly text: A;
  };
}

/** How texts are read. */
export interface StreamOptions {
  /** Rows of a batch; each reads a part of its own. */
  readonly streams: number;
  /** Characters of a window: the steps that a gradient goes back through. */
  readonly length: number;
}

/** Settings of {@link evalTextStreams}. */
export interface EvalStreamOptions extends StreamOptions {
  /** Reads this text alone of several. */
  readonly only?: number;
}

/** The windows of a text once, in order. */
export interface EvalStreams<S> extends EvalBatches<S> {
  /** Characters that are predicted: `total` windows of `length`. */
  readonly characters: number;
  /** Characters at the ends of texts that fill no window, fewer than `length` for each text; none are predicted. */
  readonly left: number;
}

/** What one row of a batch reads: windows one after another. */
interface Stream {
  readonly text: number;
  readonly from: number;
  readonly windows: number;
}

/**
 * Endless training batches of a text for models that carry a state: each row reads a contiguous part of its own, window
 * by window, and goes back to its beginning at its end, where `fresh` is true. Batch k is a pure function of k. Parts
 * are of equal length; what is left of a part after its last whole window is not read. Of several texts each has rows
 * of its own, so that the longest part is as short as can be, and `text` says which one a row reads.
 * @param text numbers of characters, as a vocabulary encodes them; an array of such for several texts
 * @throws ArgumentError for sizes that are not whole and at least 1, fewer streams than texts, or a text too short for
 * one window in each of its rows
 * @example
 * const text = vocabulary('to be, or not to be').encode('to be, or not to be');
 * const training = textStreams(text, { streams: 2, length: 4 });
 * const { input, target } = training.at(0); // x 'to b' and 'r no', target 'o be' and ' not', fresh true
 */
export function textStreams(text: Int32Array, options: StreamOptions): Batches<TextWindow<NdArray>>;
export function textStreams(texts: readonly Int32Array[], options: StreamOptions): Batches<TextsWindow<NdArray>>;
export function textStreams(
  given: Int32Array | readonly Int32Array[],
  { streams, length }: StreamOptions,
): Batches<TextWindow<NdArray>> {
  const texts = textsOf(given);
  const rows = rowsOfTexts('textStreams', texts, [...texts.keys()], { streams, length }).flatMap(({ text, count }) => {
    const part = Math.floor((texts[text]!.length - 1) / count);
    const windows = Math.floor(part / length);
    return Array.from({ length: count }, (_, row): Stream => ({ text, from: row * part, windows }));
  });
  const buffers = [windowArrays(given, rows, length), windowArrays(given, rows, length)] as const;
  let turn: 0 | 1 = 0;
  return {
    size: streams,
    perEpoch: Math.max(...rows.map(({ windows }) => windows)),
    spec: tree.map(({ dtype, shape }: NdArray): Aval => ({ dtype, shape }), buffers[0]),
    at: (step) => {
      if (!(Number.isSafeInteger(step) && step >= 0))
        throw new ArgumentError(`textStreams: expected a step of 0 or above, got ${step}`);
      const buffer = buffers[turn];
      turn = turn === 0 ? 1 : 0;
      fill(buffer, texts, rows, length, ({ windows }) => step % windows);
      return buffer;
    },
  };
}

/**
 * The windows of a text once and in order, for an evaluation that carries a state. All windows are whole, so that the
 * mean over them of a metric that is a mean over characters is the exact mean over the `characters` that are predicted:
 * all but the first of each text, and the `left` at its end. The first window of each row is `fresh`, so fewer streams
 * give more characters their context, and one stream all of it. Buffers are used in turn as in {@link Batches.at}.
 * @param text as for {@link textStreams}
 * @throws ArgumentError as {@link textStreams}, and when `only` is no text
 * @example
 * const text = vocabulary('to be, or not to be').encode('to be, or not to be');
 * const { total, characters, left } = evalTextStreams(text, { streams: 1, length: 4 }); // 4 windows, 16, 2
 */
export function evalTextStreams(text: Int32Array, options: StreamOptions): EvalStreams<TextWindow<NdArray>>;
export function evalTextStreams(
  texts: readonly Int32Array[],
  options: EvalStreamOptions,
): EvalStreams<TextsWindow<NdArray>>;
export function evalTextStreams(
  given: Int32Array | readonly Int32Array[],
  { streams, length, only }: EvalStreamOptions,
): EvalStreams<TextWindow<NdArray>> {
  const texts = textsOf(given);
  if (only !== undefined && texts[only] === undefined)
    throw new ArgumentError(`evalTextStreams: expected a text from 0 to ${texts.length - 1}, got ${only}`);
  const read = only === undefined ? [...texts.keys()] : [only];
  const rows = rowsOfTexts('evalTextStreams', texts, read, { streams, length }).flatMap(({ text, count }) => {
    const all = Math.floor((texts[text]!.length - 1) / length);
    let from = 0;
    return Array.from({ length: count }, (_, row): Stream => {
      const windows = Math.floor(all / count) + (row < all % count ? 1 : 0);
      from += windows * length;
      return { text, from: from - windows * length, windows };
    });
  });
  // Rows that end first lie last: those that go on are the first of a batch, as its count has it.
  rows.sort((a, b) => b.windows - a.windows);
  const total = rows.reduce((sum, { windows }) => sum + windows, 0);
  const pairs = read.reduce((sum, text) => sum + texts[text]!.length - 1, 0);
  const arrays = () => windowArrays(given, rows, length);
  return {
    size: streams,
    total,
    characters: total * length,
    left: pairs - total * length,
    spec: tree.map(({ dtype, shape }: NdArray): Aval => ({ dtype, shape }), arrays()),
    *[Symbol.iterator]() {
      const buffers = [arrays(), arrays()] as const;
      for (let step = 0; step < rows[0]!.windows; step++) {
        const batch = buffers[step % 2 === 0 ? 0 : 1];
        fill(batch, texts, rows, length, ({ windows }) => Math.min(step, windows - 1));
        yield { batch, count: rows.filter(({ windows }) => windows > step).length };
      }
    },
  };
}

const textsOf = (given: Int32Array | readonly Int32Array[]): readonly Int32Array[] =>
  given instanceof Int32Array ? [given] : given;

/** How many rows each text gets. */
function rowsOfTexts(
  name: string,
  texts: readonly Int32Array[],
  read: readonly number[],
  { streams, length }: StreamOptions,
): { readonly text: number; readonly count: number }[] {
  for (const [option, value] of Object.entries({ streams, length }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new ArgumentError(`${name}: expected a whole number of at least 1 for ${option}, got ${value}`);
  if (read.length === 0) throw new ArgumentError(`${name}: expected at least one text, got none`);
  if (streams < read.length)
    throw new ArgumentError(`${name}: expected at least a stream for each of the ${read.length} texts, got ${streams}`);
  const counts = read.map(() => 1);
  for (let given = read.length; given < streams; given++) {
    const parts = read.map((text, i) => texts[text]!.length / counts[i]!);
    counts[parts.indexOf(Math.max(...parts))]! += 1;
  }
  return read.map((text, i) => {
    const [count, found] = [counts[i]!, texts[text]!.length];
    if (found - 1 < count * length) {
      const which = texts.length === 1 ? '' : ` in text ${text}`;
      throw new ArgumentError(
        `${name}: expected at least ${count * length + 1} characters${which} for streams ${count} and length ${length}, got ${found}`,
      );
    }
    return { text, count };
  });
}

/** Arrays of a batch of given rows. */
function windowArrays(
  given: Int32Array | readonly Int32Array[],
  rows: readonly Stream[],
  length: number,
): TextWindow<NdArray> {
  const characters = () => zerosArray('int32', [rows.length, length]);
  const text: NdArray = { dtype: 'int32', shape: [rows.length], data: Int32Array.from(rows, (row) => row.text) };
  const windows = { x: characters(), fresh: zerosArray('bool', [rows.length]) };
  const input = given instanceof Int32Array ? windows : { ...windows, text };
  return { input, target: characters() };
}

/** Copies a window of each row. */
function fill(
  { input: { x, fresh }, target }: TextWindow<NdArray>,
  texts: readonly Int32Array[],
  rows: readonly Stream[],
  length: number,
  windowOf: (row: Stream) => number,
): void {
  rows.forEach((row, i) => {
    const window = windowOf(row);
    const start = row.from + window * length;
    const text = texts[row.text]!;
    (x.data as Int32Array).set(text.subarray(start, start + length), i * length);
    (target.data as Int32Array).set(text.subarray(start + 1, start + length + 1), i * length);
    fresh.data[i] = window === 0 ? 1 : 0;
  });
}

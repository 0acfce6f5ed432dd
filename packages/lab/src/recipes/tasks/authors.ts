import {
  type Batches,
  type EvalBatches,
  evalTextStreams,
  type TextsWindow,
  textStreams,
  type Vocabulary,
  vocabulary,
} from 'hyperloom/data';
import { ArgumentError, type Aval, type NdArray } from 'hyperloom/tensor';
import { readBooks } from './books.ts';

/** Who is read, and in which books, by their years: verse and prose from 1611 to 1911. */
export const library: Readonly<Record<string, string>> = {
  bible: 'kjv',
  shakespeare: 'hamlet,macbeth,caesar',
  milton: 'paradise',
  edgeworth: 'parents',
  austen: 'emma',
  melville: 'moby_dick',
  whitman: 'leaves',
  chesterton: 'brown',
};

/** Who comes later, and in which book. */
export const later = { name: 'carroll', books: 'alice' } as const;

/** What one author's text is parted into, as numbers of characters. */
export interface AuthorText {
  readonly train: Int32Array;
  readonly validation: Int32Array;
  readonly test: Int32Array;
}

/** Texts of several authors in one vocabulary. */
export interface AuthorTexts {
  readonly names: readonly string[];
  readonly texts: readonly AuthorText[];
  /** The author who comes later, of whom there is little to learn from. */
  readonly later: AuthorText;
  readonly vocabulary: Vocabulary;
}

/** How much is read. */
export interface AuthorSizes {
  /** Names of {@link library}. */
  readonly names: readonly string[];
  /** Characters of each author: the first of the books, parted 90/5/5. */
  readonly characters: number;
  /** Characters to learn the later author from. */
  readonly later: number;
}

/** Characters that the later author is validated and tested on. */
const laterHeld = { validation: 2_000, test: 20_000 } as const;

/**
 * The authors' texts, the same amount of each; books of one author stand one after another. Carriage returns are left
 * out, so that nobody is known by the ends of lines.
 * @throws ArgumentError for authors that are not there, or whose books are shorter than what is asked for
 */
export async function readAuthors({ names, characters, later: few }: AuthorSizes): Promise<AuthorTexts> {
  if (names.length < 2 || new Set(names).size < names.length)
    throw new ArgumentError(`--set authors: expected at least two authors, each once, got "${names.join(',')}"`);
  const unknown = names.find((name) => !Object.hasOwn(library, name));
  if (unknown !== undefined)
    throw new ArgumentError(`--set authors: expected some of ${Object.keys(library).join(', ')}, got "${unknown}"`);
  const held = laterHeld.validation + laterHeld.test;
  const read = async (name: string, books: string, asked: number, also = 0): Promise<string> => {
    const whole = (await readBooks(books)).map(({ text }) => text.replaceAll('\r', '')).join('');
    const most = whole.length - also;
    if (asked > most)
      throw new ArgumentError(
        `--set ${also > 0 ? 'newText' : 'characters'}: expected at most ${most}, as there are of ${name}, got ${asked}`,
      );
    return whole.slice(0, asked + also);
  };
  // What is wrong is told of the first author of whom it is, whoever is read first.
  const tried = await Promise.allSettled(names.map((name) => read(name, library[name]!, characters)));
  const texts = tried.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  const own = await read(later.name, later.books, few, held);
  const joint = vocabulary([...texts, own]);
  const parted = (text: string, validation: number, test: number): AuthorText => {
    const ids = joint.encode(text);
    const first = ids.length - validation - test;
    return {
      train: ids.subarray(0, first),
      validation: ids.subarray(first, first + validation),
      test: ids.subarray(first + validation),
    };
  };
  const share = Math.floor(0.05 * characters);
  return {
    names,
    texts: texts.map((text) => parted(text, share, share)),
    later: parted(own, laterHeld.validation, laterHeld.test),
    vocabulary: joint,
  };
}

/** Windows of authors, as a model reads them that is given a code for each author: `A` is an array or its type. */
export interface AuthorExample<A> {
  readonly input: {
    /** Who it is, int32 [authors]. */
    readonly code: A;
    readonly input: {
      /** Characters, int32 [authors, rows, length]. */
      readonly x: A;
      /** Whether a row begins anew, bool [authors, rows]. */
      readonly fresh: A;
    };
  };
  readonly target: {
    /** The character after each of x, int32 [authors, rows, length]. */
    readonly characters: A;
    /** Who it is, int32 [authors]: for figures of each author. */
    readonly author: A;
  };
}

/** What is read: texts of equal length, and the codes that they are of. */
interface Reading {
  readonly texts: readonly Int32Array[];
  /** The code of each text; their own numbers when absent. */
  readonly codes?: readonly number[];
  /** Rows of each text, each of which reads a part of its own. */
  readonly rows: number;
  /** Characters of a window. */
  readonly length: number;
}

/** Training batches: an example is an author, with rows of text that share the author's weights. */
export function authorBatches(reading: Reading): Batches<AuthorExample<NdArray>> {
  const { texts, rows, length } = reading;
  const streams = textStreams(texts, { streams: texts.length * rows, length });
  const group = grouping(reading);
  return {
    size: texts.length,
    perEpoch: streams.perEpoch,
    spec: group(streams.spec as unknown as TextsWindow<NdArray>) as unknown as AuthorExample<Aval> as never,
    at: (step) => group(streams.at(step) as TextsWindow<NdArray>) as never,
  };
}

/**
 * The windows of each text once, in order. A text is cut to whole windows of each of its rows, so that every author
 * counts as much as every other.
 */
export function authorTests(reading: Reading): EvalBatches<AuthorExample<NdArray>> {
  const { texts, rows, length } = reading;
  const whole = texts.map((text) =>
    text.subarray(0, Math.floor((text.length - 1) / (rows * length)) * rows * length + 1),
  );
  const streams = evalTextStreams(whole, { streams: texts.length * rows, length });
  const group = grouping(reading);
  return {
    size: texts.length,
    total: streams.total / rows,
    spec: group(streams.spec as unknown as TextsWindow<NdArray>) as never,
    *[Symbol.iterator]() {
      for (const { batch, count } of streams)
        yield { batch: group(batch as TextsWindow<NdArray>) as never, count: count / rows };
    },
  };
}

/** Makes examples of authors of the rows of texts, which stand in the order of the texts. Nothing is copied. */
function grouping({ texts, codes, rows }: Reading): (window: TextsWindow<NdArray>) => AuthorExample<NdArray> {
  const numbers = (values: readonly number[]): NdArray => ({
    dtype: 'int32',
    shape: [texts.length],
    data: Int32Array.from(values),
  });
  const author = numbers([...texts.keys()]);
  const code = codes === undefined ? author : numbers(codes);
  const byText = <A extends Aval>(array: A): A => ({ ...array, shape: [texts.length, rows, ...array.shape.slice(1)] });
  return ({ input: { x, fresh }, target }) => ({
    input: { code, input: { x: byText(x), fresh: byText(fresh) } },
    target: { characters: byText(target), author },
  });
}

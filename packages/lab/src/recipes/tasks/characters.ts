import { splitText, type TextSplit, type Vocabulary, vocabulary } from 'hyperloom/data';
import * as nn from 'hyperloom/nn';
import { mul, reshape, type Tensor, tree, where } from 'hyperloom/tensor';
import type { Carry } from 'hyperloom/train';
import type { Book } from './books.ts';

/** Books as numbers of characters, in three parts. */
export interface Characters {
  /** Of all characters in the books, those of the test parts too: none is unknown. */
  readonly vocabulary: Vocabulary;
  /** Of each book the first 90 %, the next 5 % and the last 5 %; the parts of several books are joined. */
  readonly parts: TextSplit<Int32Array>;
}

/** Splits each of several books. */
export function charactersOf(books: readonly Book[]): Characters {
  const known = vocabulary(books.map(({ text }) => text));
  const splits = books.map(({ text }) => splitText(known.encode(text)));
  const joined = (part: keyof TextSplit<Int32Array>): Int32Array => {
    const all = new Int32Array(splits.reduce((sum, split) => sum + split[part].length, 0));
    let at = 0;
    for (const { [part]: own } of splits) {
      all.set(own, at);
      at += own.length;
    }
    return all;
  };
  const parts = { train: joined('train'), validation: joined('validation'), test: joined('test') };
  return { vocabulary: known, parts };
}

/** Bits for each character of a text where a character has the share that it has in another, one more counted of each. */
export function unigramBits({ vocabulary: { size }, parts: { train, test } }: Characters): number {
  const counts = new Float64Array(size).fill(1);
  for (const id of train) counts[id]! += 1;
  const total = train.length + size;
  return test.reduce((sum, id) => sum - Math.log2(counts[id]! / total), 0) / test.length;
}

/** What a language model gives for a window, or for windows of several rows: logits [..., T, symbols], and the state at the end. */
export interface WindowOutput {
  readonly y: Tensor;
  readonly state: unknown;
}

/** Mean negative log-likelihood of a window's characters, in nats: what is trained. */
export const nats = ({ y }: WindowOutput, target: Tensor): Tensor => nn.losses.crossEntropy(y, target);

/** The same in bits: what is told. */
export const bits = (output: WindowOutput, target: Tensor): Tensor => mul(nats(output, target), Math.LOG2E);

/** A state of rows, leaves [..., n], with zeros where a row begins anew: fresh, bool [...]. */
export function begun<State>(fresh: Tensor, state: State): State {
  const first = reshape(fresh, [...fresh.shape, 1]);
  return tree.map((held: Tensor) => where(first, 0, held), state) as State;
}

/** The state of a language model goes from each window to the next, and begins anew with its text. */
export const windowCarry = (state: unknown): Carry => ({
  state,
  write: ({ x, fresh }: { readonly x: Tensor; readonly fresh: Tensor }, before: unknown) => ({
    x,
    state: begun(fresh, before),
  }),
  read: ({ state: after }: WindowOutput) => after,
});

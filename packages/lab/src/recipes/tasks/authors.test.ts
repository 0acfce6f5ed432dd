import { type Engine, runOnce } from 'hyperloom/engine';
import { ortEngine } from 'hyperloom/engine/ort';
import { type Aval, constant, type NdArray, random, type Tensor, tree } from 'hyperloom/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authorHeads, generated, language, writerBetween } from './authorModels.ts';
import { authorBatches, authorTests, library, readAuthors } from './authors.ts';

const names = ['bible', 'milton', 'melville'];
const rowsOf = ({ shape, data }: NdArray): number[][] => {
  const length = shape.at(-1)!;
  return Array.from({ length: data.length / length }, (_, i) => [...data.slice(i * length, (i + 1) * length)]);
};

describe('texts of authors', () => {
  test('are of equal length, in one vocabulary, without carriage returns, and another author is kept back', async () => {
    const { texts, later, vocabulary } = await readAuthors({ names, characters: 20_000, later: 3_000 });
    for (const { train, validation, test } of texts)
      expect([train.length, validation.length, test.length]).toEqual([18_000, 1_000, 1_000]);
    expect([later.train.length, later.validation.length, later.test.length]).toEqual([3_000, 2_000, 20_000]);
    expect(vocabulary.symbols).not.toContain('\r');
    expect(vocabulary.decode(texts[0]!.train.subarray(0, 24))).toBe('[The King James Bible]\n\n');
    expect(vocabulary.decode(later.train.subarray(0, 20))).toBe("[Alice's Adventures ");
  });

  test('of everybody are as long as any can be asked for', async () => {
    const { texts } = await readAuthors({ names: Object.keys(library), characters: 350_000, later: 4_000 });
    expect(texts.map(({ train }) => train.length)).toEqual(texts.map(() => 315_000));
  });

  test('a batch has an example of each author, with rows that read on where they were', async () => {
    const { texts } = await readAuthors({ names, characters: 20_000, later: 3_000 });
    const train = texts.map((text) => text.train);
    const data = authorBatches({ texts: train, rows: 4, length: 10 });
    const part = Math.floor(17_999 / 4);
    for (const step of [0, 1, 7]) {
      const { input, target } = data.at(step);
      expect([...input.code.data]).toEqual([0, 1, 2]);
      expect([...target.author.data]).toEqual([0, 1, 2]);
      expect(input.input.x.shape).toEqual([3, 4, 10]);
      expect([...input.input.fresh.data].every((fresh) => fresh === (step === 0 ? 1 : 0))).toBe(true);
      const [read, next] = [rowsOf(input.input.x), rowsOf(target.characters)];
      train.forEach((text, author) => {
        for (let row = 0; row < 4; row++) {
          const from = row * part + step * 10;
          expect(read[4 * author + row]).toEqual([...text.subarray(from, from + 10)]);
          expect(next[4 * author + row]).toEqual([...text.subarray(from + 1, from + 11)]);
        }
      });
    }
    expect(tree.map(({ shape }: NdArray) => shape.length, data.spec)).toEqual({
      input: { code: 1, input: { x: 3, fresh: 2 } },
      target: { characters: 3, author: 1 },
    });
  });

  test('a test reads every author as often, under the codes that it is given', () => {
    const texts = [0, 1].map((author) => Int32Array.from({ length: 107 }, (_, i) => 1_000 * author + i));
    const found = authorTests({ texts, codes: [5, 3], rows: 2, length: 10 });
    let examples = 0;
    const seen = new Set<number>();
    for (const { batch, count } of found) {
      expect([...batch.input.code.data]).toEqual([5, 3]);
      expect([...batch.target.author.data]).toEqual([0, 1]);
      expect(count).toBe(2);
      examples += count;
      for (const id of batch.target.characters.data) seen.add(Number(id));
    }
    expect(examples).toBe(found.total);
    expect([...seen].sort((a, b) => a - b)).toEqual(texts.flatMap((text) => [...text.subarray(1, 101)]));
  });
});

describe('codes between two authors', () => {
  let engine: Engine;
  beforeAll(() => {
    engine = ortEngine({ threads: 1, spinning: false });
  });
  afterAll(() => engine.dispose());

  test.each(Object.keys(authorHeads) as (keyof typeof authorHeads)[])(
    'give the authors at the ends, and others between: %s',
    async (head) => {
      const sizes = { symbols: 7, hidden: 6, code: 3 };
      const model = generated(sizes, head, names);
      const net = language(sizes);
      const input = {
        x: constant(2, 'int32'),
        state: tree.map(() => constant(Array.from({ length: 6 }, () => 0.1)), net.state),
      };
      const all = (key: Tensor) => {
        // Deltas start at zero: other weights, so that codes matter.
        const keys = random.split(key, tree.leaves(model.spec).length);
        const params = tree.unflatten(
          model.spec,
          tree.leaves<Aval>(model.spec).map(({ shape }, i) => random.normal(keys[i]!, shape)),
        ) as never;
        const own = (author: number) =>
          net.step(model.materialise(params, constant(author, 'int32')) as never, input as never).y;
        const between = (share: number) => writerBetween(model, net, [0, 2], share).step(params, input as never).y;
        return [own(0), own(2), between(0), between(0.5), between(1)];
      };
      const found = (await runOnce(engine, all, random.keyArray(3))) as unknown as NdArray[];
      const [first, last, start, middle, end] = found as [NdArray, NdArray, NdArray, NdArray, NdArray];
      const gap = (a: NdArray, b: NdArray) =>
        Math.max(...Array.from(a.data, (v, i) => Math.abs(Number(v) - Number(b.data[i]))));
      expect(gap(first, last)).toBeGreaterThan(0.01);
      expect(gap(start, first)).toBeLessThan(1e-5);
      expect(gap(end, last)).toBeLessThan(1e-5);
      expect(Math.min(gap(middle, first), gap(middle, last))).toBeGreaterThan(1e-3);
    },
  );
});

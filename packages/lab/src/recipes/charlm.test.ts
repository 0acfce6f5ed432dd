import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countParams } from 'hyperloom/nn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { settingsFrom } from '../run/settings.ts';
import { charlm } from './charlm.ts';
import { charactersOf, unigramBits } from './tasks/characters.ts';
import { figuresOf } from './testing.ts';

let folder = '';
let text = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'charlm-'));
  text = join(folder, 'rhyme.txt');
  // Two words in an order that a frequency cannot tell, and their ends.
  await writeFile(text, Array.from({ length: 1_500 }, (_, i) => (i % 3 === 0 ? 'abc. ' : 'cba, ')).join(''));
});
afterAll(() => rm(folder, { recursive: true }));

const tiny = { hidden: 16, hyper: 6, code: 2, streams: 8, length: 25 };

describe('charlm', () => {
  test('in short: all three models learn what frequencies of characters do not tell', async () => {
    const figures = await figuresOf(charlm, { steps: 150, settings: { ...tiny, text, learningRate: 0.02 } });
    const { counts } = await charlm.prepare(settingsFrom(charlm, [`text=${text}`]), { seed: 0 });
    expect(counts['data.unigram']).toBeGreaterThan(2);
    expect(Object.keys(figures)).toEqual(['main', 'lstm', 'lnLstm']);
    for (const { bits, validationBits } of Object.values(figures)) {
      expect(bits).toBeLessThan(0.5);
      expect(validationBits).toBeLessThan(0.5);
    }
  }, 60_000);

  test('in short: a HyperLSTM learns from plays', async () => {
    const settings = { ...tiny, streams: 16, control: false, learningRate: 0.02 };
    const figures = await figuresOf(charlm, { steps: 120, settings });
    // By frequencies of characters alone it is 4.6.
    expect(figures.main!.bits).toBeLessThan(3.8);
  }, 60_000);

  test('models are of equal size, in both forms', async () => {
    for (const full of [false, true]) {
      const { trials } = await charlm.prepare(settingsFrom(charlm, [`full=${full}`]), { seed: 0 });
      const [main, ...others] = trials.map(({ model }) => countOf(model.spec));
      for (const other of others) expect(Math.abs(other / main! - 1)).toBeLessThan(0.01);
    }
  });

  test('each book is split by itself, and frequencies are those of the training part', () => {
    const books = ['ab', 'bc'].map((pair) => ({ name: pair, text: pair.repeat(100) }));
    const read = charactersOf(books);
    const decoded = (part: keyof typeof read.parts) => read.vocabulary.decode(read.parts[part]);
    expect(decoded('train')).toBe('ab'.repeat(90) + 'bc'.repeat(90));
    expect(decoded('validation')).toBe('ab'.repeat(5) + 'bc'.repeat(5));
    expect(decoded('test')).toBe('ab'.repeat(5) + 'bc'.repeat(5));
    const share = (count: number) => -Math.log2((count + 1) / (360 + 3));
    expect(unigramBits(read)).toBeCloseTo((share(90) + 2 * share(180) + share(90)) / 4, 10);
  });

  test('what does not fit is refused before anything is trained', async () => {
    const refused = (...pairs: string[]) =>
      charlm.prepare(settingsFrom(charlm, pairs), { seed: 0 }).catch((error: Error) => error.message);
    expect([
      await refused('text=hamlett'),
      await refused('dropout=1'),
      await refused(`text=${text}`, 'streams=1000'),
      await refused(`text=${text}`, 'length=400'),
    ]).toMatchInlineSnapshot(`
      [
        "--set text: expected a book (emma, persuasion, sense, kjv, poems, stories, busterbrown, alice, ball, brown, thursday, parents, moby_dick, paradise, caesar, hamlet, macbeth, leaves) or the path of a text file, got "hamlett"; did you mean hamlet?",
        "hyperLstmCell: expected dropout of at least 0 and below 1, got 1",
        "--set text: expected more than 50000 characters to train on (90 %) for 1000 streams of 50, got 6750",
        "--set text: expected more than 400 characters to validate on and to test on (5 % each), got 375",
      ]
    `);
  });
});

const countOf = (spec: unknown): number => countParams(spec as never);

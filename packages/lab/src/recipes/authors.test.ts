import * as nn from 'hyperloom/nn';
import { describe, expect, test } from 'vitest';
import { settingsFrom } from '../run/settings.ts';
import { authors } from './authors.ts';
import { authorHeads } from './tasks/authorModels.ts';
import { figuresOf } from './testing.ts';

const small = { authors: 'bible,austen', characters: 40_000, newText: 2_000, hidden: 32, rows: 8, length: 25 };

const refused = (...pairs: readonly string[]) =>
  authors.prepare(settingsFrom(authors, pairs), { seed: 0 }).then(
    () => 'nothing was thrown',
    (error: Error) => `${error.name}: ${error.message}`,
  );

describe('authors', () => {
  test('in short: each model learns to spell, and an author who comes later costs one code', async () => {
    const { main, told, shared } = await figuresOf(authors, { steps: 150, settings: small });
    for (const figures of [main!, told!, shared!]) {
      // Characters by their frequency take 4.4 bits of these texts.
      expect(figures.bits).toBeLessThan(3.9);
      expect((figures['bits.bible']! + figures['bits.austen']!) / 2).toBeCloseTo(figures.bits!, 5);
      expect(figures['newAuthor.bits']).toBeLessThan(figures['newAuthor.before']! + 0.02);
    }
    expect(main!['newAuthor.parameters']).toBe(8);
    expect(told!['newAuthor.parameters']).toBe(8);
    expect(shared!['newAuthor.bits']).toBeLessThan(shared!['newAuthor.before']!);
  }, 120_000);

  test('the controls have as many parameters as the hypernetwork, whatever its head', async () => {
    for (const head of Object.keys(authorHeads)) {
      const { trials } = await authors.prepare(settingsFrom(authors, [`head=${head}`]), { seed: 0 });
      expect(trials.map(({ name }) => name)).toEqual(['main', 'told', 'shared']);
      const [main, told, shared] = trials.map(({ parameters, model }) => parameters ?? nn.countParams(model.spec));
      expect(Math.abs(told! / main! - 1)).toBeLessThan(0.01);
      expect(Math.abs(shared! / main! - 1)).toBeLessThan(0.01);
    }
  });

  test('refuses authors that are not there, or not as long as asked for', async () => {
    expect(await refused('authors=bible,joyce')).toMatchInlineSnapshot(
      `"ArgumentError: --set authors: expected some of bible, shakespeare, milton, edgeworth, austen, melville, whitman, chesterton, got "joyce""`,
    );
    expect(await refused('authors=bible')).toMatchInlineSnapshot(
      `"ArgumentError: --set authors: expected at least two authors, each once, got "bible""`,
    );
    expect(await refused('authors=bible,milton,bible')).toMatchInlineSnapshot(
      `"ArgumentError: --set authors: expected at least two authors, each once, got "bible,milton,bible""`,
    );
    expect(await refused('characters=500000')).toMatchInlineSnapshot(
      `"ArgumentError: --set characters: expected at most 375542, as there are of shakespeare, got 500000"`,
    );
    expect(await refused('newText=200000')).toMatchInlineSnapshot(
      `"ArgumentError: --set newText: expected at most 122395, as there are of carroll, got 200000"`,
    );
    expect(await refused('characters=2000')).toMatchInlineSnapshot(
      `"ArgumentError: --set characters: expected at least 4020 for 4 rows of 50, got 2000"`,
    );
    expect(await refused('newText=100')).toMatchInlineSnapshot(
      `"ArgumentError: --set newText: expected at least 201 for 4 rows of 50, got 100"`,
    );
    expect(await refused('between=bible')).toMatchInlineSnapshot(
      `"ArgumentError: --set between: expected two of bible, shakespeare, milton, edgeworth, austen, melville, whitman, chesterton, got "bible""`,
    );
    expect(await refused('authors=bible, milton', 'between= milton,bible ', 'newText=1')).toContain('--set newText');
    expect(await refused('authors=bible,milton', 'between=bible,bible')).toContain('expected two of bible, milton');
    expect(await refused('authors=bible,milton', 'between=bible,austen')).toMatchInlineSnapshot(
      `"ArgumentError: --set between: expected two of bible, milton, got "bible,austen""`,
    );
  });
});

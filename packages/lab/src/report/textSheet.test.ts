import { expect, test } from 'vitest';
import { textSheet } from './textSheet.ts';

test('a sheet has every text under its name, in lines that fit', () => {
  const long = 'word '.repeat(40).trim();
  const svg = textSheet('from a to b', [
    { name: 'a & b', text: `if x < y\n\n  "so"` },
    { name: 'long', text: long },
    { name: 'unbroken', text: 'x'.repeat(170) },
  ]);
  const lines = [...svg.matchAll(/<text [^>]*y="([\d.]+)"[^>]*>([^<]*)<\/text>/g)].map(([, y, text]) => ({
    y: Number(y),
    text: text!,
  }));
  const texts = lines.map(({ text }) => text);
  expect(texts.slice(0, 4)).toEqual(['from a to b', 'a &amp; b', 'if x &lt; y', '  &quot;so&quot;']);
  // An empty line keeps its place.
  expect(lines[3]!.y - lines[2]!.y).toBe(2 * (lines[2]!.y - lines[1]!.y));
  const from = texts.indexOf('long') + 1;
  expect(texts.slice(from, texts.indexOf('unbroken')).join('')).toBe(long);
  expect(texts.slice(texts.indexOf('unbroken') + 1).map(({ length }) => length)).toEqual([80, 80, 10]);
  for (const text of texts.slice(from)) expect(text.length).toBeLessThanOrEqual(81);
  const height = Number(/height="([\d.]+)"/.exec(svg)![1]);
  expect(lines.at(-1)!.y).toBeLessThan(height);
  expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true);
});

test('characters stay whole, and what SVG cannot hold is a sign', () => {
  const svg = textSheet('title', [{ name: 'signs', text: `${'\u{1d54f}'.repeat(81)}\n\fa\u0001b` }]);
  const texts = [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  expect(texts.slice(2)).toEqual(['\u{1d54f}'.repeat(80), '\u{1d54f}', '\ufffda\ufffdb']);
});

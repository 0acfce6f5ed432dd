import { expect, test } from 'vitest';
import { figure, markdown, replaceSection } from './document.ts';

test('a section is replaced and the rest stays', () => {
  const text = 'before\n<!-- a -->\nold\n<!-- end a -->\nafter';
  const once = replaceSection(text, 'a', markdown(['x', 'y'], [['1', '2']]));
  expect(once).toBe('before\n<!-- a -->\n\n| x | y |\n| --- | ---: |\n| 1 | 2 |\n\n<!-- end a -->\nafter');
  expect(replaceSection(once, 'a', 'old')).toBe('before\n<!-- a -->\n\nold\n\n<!-- end a -->\nafter');
  expect(() => replaceSection(text, 'b', '')).toThrow('expected <!-- b -->');
});

test('figures keep three digits', () => {
  expect([0, 0.0001234, 0.5, 12.34, 1234.5, 3.2e7, Number.NaN].map(figure)).toEqual([
    '0',
    '1.2e-4',
    '0.5',
    '12.3',
    '1,235',
    '3.2e+7',
    'NaN',
  ]);
});

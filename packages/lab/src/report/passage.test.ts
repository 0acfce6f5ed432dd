import { expect, test } from 'vitest';
import { passagePicture } from './passage.ts';

test('characters stand line by line, with a cell of each strip under each', () => {
  const strips = [
    { name: 'first', values: [0, 1, 2, 4, 4, 0, 0] },
    { name: 'second', values: [4, 0, 0, 0, 0, 0, 2] },
  ];
  const svg = passagePicture('changes', 'ab\n<c d', strips, { columns: 3 });
  const places = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)">([^<]+)<\/text>/g)].map(
    ([, x, y, sign]) => [Number(x), Number(y), sign] as const,
  );
  const letters = places.slice(strips.length);
  expect(letters.map(([, , sign]) => sign)).toEqual(['a', 'b', '⏎', '&lt;', 'c', 'd']);
  const [first, second, third] = [...new Set(letters.map(([, y]) => y))] as [number, number, number];
  expect(letters.map(([, y]) => y)).toEqual([first, first, first, second, second, third]);
  expect(letters[3]![0]).toBe(letters[0]![0]);
  const cells = [...svg.matchAll(/fill-opacity="([\d.]+)"><title>([^<]+)</g)].map(([, share, says]) => [share, says]);
  expect(cells).toHaveLength(14);
  expect(cells[0]).toEqual(['0', 'first at &quot;a&quot;: 0']);
  expect(cells[4]).toEqual(['0.5', 'first at &quot;\\n&quot;: 2']);
  expect(cells[13]).toEqual(['0.5', 'second at &quot;d&quot;: 2']);
  expect(svg).toContain('changes; full colour: 4');
});

import { PNG } from 'pngjs';
import { expect, test } from 'vitest';
import { imageGrid, png } from './imageGrid.ts';

const grey = { shape: [1, 1, 2], data: [0, 2] };

test('a picture holds its pixels, cut to what can be shown', () => {
  const { width, height, data } = PNG.sync.read(Buffer.from(png(grey)));
  expect([width, height, ...data]).toEqual([2, 1, 0, 0, 0, 255, 255, 255, 255, 255]);
  const colour = PNG.sync.read(Buffer.from(png({ shape: [3, 1, 1], data: [1, 0.5, -1] })));
  expect([...colour.data]).toEqual([255, 128, 0, 255]);
});

test('a grid has a picture for each place, with words that fit and cannot break the page', () => {
  const svg = imageGrid('a < b', [
    { name: 'first', images: [grey, undefined, grey], labels: ['x', '', 'a very long label indeed'] },
    { name: 'second', images: [grey] },
  ]);
  expect(svg.match(/<image /g)).toHaveLength(3);
  expect(svg).toContain('a &lt; b');
  expect(svg).toContain('…');
  expect(svg).not.toContain('a very long label indeed');
});

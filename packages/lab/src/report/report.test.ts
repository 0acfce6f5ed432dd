import { ndarray } from 'hyperloom/tensor';
import { PNG } from 'pngjs';
import { expect, test } from 'vitest';
import { confusionMatrix, curves, heatMap, plot } from './charts.ts';
import { tableHtml } from './html.ts';
import { codeSheet, kernelSheet } from './kernels.ts';

test('kernels are drawn in rows of outputs and columns of inputs, blue below zero and red above', () => {
  const png = PNG.sync.read(
    Buffer.from(kernelSheet(ndarray(new Float32Array([-1, 0, 1, 0.5]), [1, 2, 1, 2]), { zoom: 2, gap: 1 })),
  );
  expect([png.width, png.height]).toEqual([11, 4]);
  const pixel = (x: number, y: number) => [...png.data.subarray((y * png.width + x) * 4, (y * png.width + x) * 4 + 4)];
  expect(pixel(1, 1)).toEqual([33, 102, 172, 255]);
  expect(pixel(3, 1)).toEqual([247, 247, 247, 255]);
  expect(pixel(6, 1)).toEqual([178, 24, 43, 255]);
  expect(pixel(0, 0)[3]).toBe(0);
});

test('weights of several codes are rows, each weight on its own scale', () => {
  const codes = [
    { w: ndarray([100, -100]), b: ndarray([0.1]) },
    { w: ndarray([0, 50]), b: ndarray([-0.1]) },
  ];
  const png = PNG.sync.read(Buffer.from(codeSheet(codes, { gap: 4 })));
  expect([png.width, png.height]).toEqual([4 + 2 * 6 + 4 + 6 + 4, 4 + 2 * 14 + 4]);
  const pixel = (x: number, y: number) => [...png.data.subarray((y * png.width + x) * 4, (y * png.width + x) * 4 + 4)];
  const [red, blue, white] = [
    [178, 24, 43, 255],
    [33, 102, 172, 255],
    [247, 247, 247, 255],
  ];
  expect([pixel(4, 4), pixel(10, 4), pixel(20, 4)]).toEqual([red, blue, red]);
  expect([pixel(4, 18), pixel(20, 18)]).toEqual([white, blue]);
  const many = codes.map(() => ({ w: ndarray(new Float32Array(10_000).fill(1)) }));
  expect(PNG.sync.read(Buffer.from(codeSheet(many, { columns: 100 }))).width).toBe(4 + 200 + 4);
});

test('charts are SVG with their titles', () => {
  const svg = curves(
    'loss',
    [
      {
        name: 'main',
        points: [
          [1, 2],
          [2, 1],
        ],
        colour: '#000',
      },
    ],
    { log: true },
  );
  expect(svg).toMatch(/^<svg/);
  expect(svg).toContain('loss');
  expect(
    confusionMatrix(
      'errors',
      [
        [5, 1],
        [0, 4],
      ],
      ['a', 'b'],
    ),
  ).toContain('errors');
});

test('scales of logarithms end at powers of ten with short names, and steps are whole', () => {
  const points = [
    [1, 0.4],
    [2, 3e8],
    [3, 20],
  ] as const;
  const svg = curves('loss', [{ name: 'a', points, colour: '#000' }], { log: true });
  const labels = [...svg.matchAll(/<text[^>]*>([^<]+)<\/text>/g)].map(([, text]) => text);
  expect(labels).toContain('1e9');
  expect(labels).toContain('0.1');
  expect(labels).toContain('2');
  expect(labels).not.toContain('1.5');
});

test('a scale of logarithms is left where a value is not above 0', () => {
  const [first, ...rest] = [10, 1, 0].map((last) =>
    curves(
      'loss',
      [
        {
          name: 'main',
          points: [
            [1, 1000],
            [2, last],
          ],
          colour: '#000',
        },
      ],
      { log: true },
    ),
  );
  expect(first).toMatch(/>100</);
  expect(first).not.toMatch(/>(500|800)</);
  expect(rest.at(-1)).toMatch(/>800</);
});

test('points, joined points and matrices are drawn with their names', () => {
  const svg = plot(
    'front',
    [
      { name: 'found', points: [[0.25, 0.5]], colour: '#123456', mark: 'points' },
      {
        name: 'true',
        points: [
          [0, 1],
          [1, 0],
        ],
        colour: '#654321',
        mark: 'both',
      },
    ],
    { x: 'first loss', y: 'second loss', limits: { x: [0, 2] } },
  );
  for (const part of ['front', 'found', 'true', 'first loss', 'second loss', '#123456', '#654321'])
    expect(svg).toContain(part);
  const map = heatMap('weights', [[1, -2]], { columns: ['left', 'right'], rows: ['code'] });
  for (const part of ['weights', 'left', 'right', 'code']) expect(map).toContain(part);
  expect(map).toContain('rgb(33,102,172)');
});

test('numbers with units and spreads stand to the right, beside cells that are empty', () => {
  expect(tableHtml(['n'], [['7.55 % ± 0.50 %'], ['1.500 (1.000 to 2.000)'], ['']])).toContain('<th class="number">');
  expect(tableHtml(['n'], [['0.1'], ['none']])).not.toContain('number');
});

test('tables escape text and set numbers to the right', () => {
  expect(tableHtml(['<a>', 'n'], [['x & y', 1200]])).toBe(
    '<table><tr><th>&lt;a&gt;</th><th class="number">n</th></tr><tr><td>x &amp; y</td><td class="number">1,200</td></tr></table>',
  );
});

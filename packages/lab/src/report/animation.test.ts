import sharp from 'sharp';
import { expect, test } from 'vitest';
import { animation } from './animation.ts';
import { inline } from './report.ts';

/** A square that moves to the right. */
const pictures = Array.from(
  { length: 7 },
  (_, i) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30" viewBox="0 0 40 30"><rect x="${5 * i}" y="10" width="5" height="10" fill="#f00"/></svg>`,
);

const read = (bytes: Uint8Array) => sharp(Buffer.from(bytes), { pages: -1 }).metadata();

test('each picture is a page of its size, for its time', async () => {
  const bytes = await animation(pictures, { fps: 20, width: 80, height: 60, rest: 0.5 });
  expect(await read(bytes)).toMatchObject({ format: 'gif', pages: 7, width: 80, pageHeight: 60, loop: 0 });
  expect((await read(bytes)).delay).toEqual([50, 50, 50, 50, 50, 50, 500]);
  // The square is where its picture has it, on white.
  for (const page of [0, 3, 6]) {
    const { data } = await sharp(Buffer.from(bytes), { page })
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const colour = (x: number) => [...data.subarray(3 * (30 * 80 + x), 3 * (30 * 80 + x) + 3)];
    expect(colour(10 * page + 5)).toEqual([255, 0, 0]);
    expect(colour((10 * page + 25) % 80)).toEqual([255, 255, 255]);
  }
});

test('some can be left out: every other one, or those beyond the most', async () => {
  expect(await read(await animation(pictures.slice(0, 6), { every: 2 }))).toMatchObject({
    pages: 4,
    width: 240,
    pageHeight: 180,
    delay: [80, 80, 80, 1000],
  });
  expect((await read(await animation(pictures, { most: 3 }))).pages).toBe(3);
  await expect(animation([])).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Error: animation: expected at least one picture, got none]`,
  );
});

test('a report holds it as what it is', async () => {
  const content = await animation(pictures);
  const html = inline({ name: 'episode.gif', content });
  const [, bytes] = /src="data:image\/gif;base64,([^"]+)"/.exec(html) ?? [];
  expect((await read(Buffer.from(bytes ?? '', 'base64'))).pages).toBe(7);
  expect(inline({ name: 'weights.png', content })).toContain('data:image/png;base64,');
  expect(inline({ name: 'curve.svg', content: '<svg/>' })).toBe('<svg/>');
});

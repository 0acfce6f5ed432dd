import fc from 'fast-check';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { png } from '../../report/imageGrid.ts';
import { imageDecoder } from './imageFile.ts';

const decoded = async (file: Uint8Array, size: number, channels: 1 | 3 = 1): Promise<number[]> => [
  ...(await (await imageDecoder({ size, channels }))(file)),
];

test('grey images of the size that is asked for keep every byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 36, maxLength: 36 }), async (bytes) => {
      const data = Float32Array.from(bytes, (b) => b / 255);
      expect(await decoded(png({ shape: [1, 6, 6], data }), 6)).toEqual([...bytes]);
    }),
    { numRuns: 20 },
  );
});

test('colours come by channel, and a grey image has three that are the same', async () => {
  const colour = png({ shape: [3, 1, 1], data: [1, 0.4, 0] });
  expect(await decoded(colour, 2, 3)).toEqual([255, 255, 255, 255, 102, 102, 102, 102, 0, 0, 0, 0]);
  const grey = await sharp(Buffer.from([0, 50, 100, 150]), { raw: { width: 2, height: 2, channels: 1 } })
    .png()
    .toBuffer();
  expect(await decoded(grey, 2, 3)).toEqual([0, 50, 100, 150, 0, 50, 100, 150, 0, 50, 100, 150]);
});

test('transparent places are white, half transparent ones half', async () => {
  const create = (alpha: number) =>
    sharp({ create: { width: 2, height: 2, channels: 4, background: { r: 0, g: 0, b: 0, alpha } } });
  expect(await decoded(await create(0).png().toBuffer(), 2)).toEqual([255, 255, 255, 255]);
  expect(await decoded(await create(0.5).webp({ lossless: true }).toBuffer(), 1)).toEqual([127]);
  expect(await decoded(await create(0).gif().toBuffer(), 1)).toEqual([255]);
});

test('oblong images are whole and in the middle, and their edges go on', async () => {
  const wide = png({ shape: [1, 2, 4], data: [0, 0, 1, 1, 1, 1, 0, 0] });
  expect(await decoded(wide, 4)).toEqual([0, 0, 255, 255, 0, 0, 255, 255, 255, 255, 0, 0, 255, 255, 0, 0]);
  const line = png({ shape: [1, 1, 500], data: new Float32Array(500).fill(0.2) });
  expect(await decoded(line, 3)).toEqual(new Array(9).fill(51));
});

test('photographs are turned as their camera says', async () => {
  const half = Buffer.from(Array.from({ length: 16 * 16 }, (_, i) => (i % 16 < 8 ? 0 : 255)));
  const turned = await sharp(half, { raw: { width: 16, height: 16, channels: 1 } })
    .withMetadata({ orientation: 6 })
    .jpeg({ quality: 100 })
    .toBuffer();
  // Left and right become top and bottom.
  expect((await decoded(turned, 2)).map((value) => value > 127)).toEqual([false, false, true, true]);
});

test('16 bits, palettes and CMYK are read as what they show', async () => {
  const grey = sharp(Buffer.from([128, 128, 128]), { raw: { width: 1, height: 1, channels: 3 } });
  expect(await decoded(await grey.clone().toColourspace('rgb16').png().toBuffer(), 1, 3)).toEqual([128, 128, 128]);
  expect(await decoded(await grey.clone().png({ palette: true }).toBuffer(), 1, 3)).toEqual([128, 128, 128]);
  const [red, green, blue] = await decoded(await grey.clone().toColourspace('cmyk').jpeg().toBuffer(), 1, 3);
  for (const value of [red!, green!, blue!]) expect(Math.abs(value - 128)).toBeLessThan(16);
});

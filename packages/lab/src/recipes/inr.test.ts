import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inr } from './inr.ts';
import { meanPicture, psnr } from './tasks/drawing.ts';
import { coloursOf, groupBatches, pixelBatches } from './tasks/iconPixels.ts';
import { laterLast, readIcons } from './tasks/icons.ts';
import { squarePlaces } from './tasks/places.ts';
import { figuresOf } from './testing.ts';

describe('inr', () => {
  test('in short: generated networks meet their icons better than one network that is told the code', async () => {
    const { main, told, separate } = await figuresOf(inr, {
      steps: 400,
      settings: { icons: 48, heldOut: 4, size: 16 },
    });
    expect(main!.psnr).toBeGreaterThan(20);
    expect(main!.psnr).toBeGreaterThan(told!.psnr! + 3);
    expect(main!['old.changed']).toBe(0);
    expect(main!['new.parameters']).toBe(64);
    expect(main!['new.psnr']).toBeGreaterThan(13);
    expect(separate!['new.psnr']).toBeGreaterThan(20);
  }, 60_000);

  test('takes a folder of images in place of the icons, and says which file it left out', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'icons-'));
    const source = join(
      dirname(createRequire(import.meta.url).resolve('emoji-datasource-twitter/package.json')),
      'img',
    );
    await mkdir(join(folder, 'more'));
    const copied = ['1f600.png', '1f680.png', '1f431.png'];
    for (const [i, name] of copied.entries())
      await cp(join(source, 'twitter', '64', name), join(folder, i === 0 ? 'more' : '', name));
    await writeFile(join(folder, 'broken.png'), 'nothing');
    const settings = Object.fromEntries(Object.entries(inr.options).map(([key, option]) => [key, option.default]));
    const { counts, notes, read } = await inr.prepare({ ...settings, data: folder, heldOut: 1, size: 8 }, { seed: 0 });
    expect(counts).toMatchObject({ icons: 2, size: 8 });
    expect(notes![0]).toBe('left out 1 of 4 images: broken.png (not an image by its content)');
    expect(read!.data).toMatch(/^[0-9a-f]{32}$/);
    for (const name of ['more', ...copied.slice(1)]) await rm(join(folder, name), { recursive: true });
    await expect(readIcons(folder, { size: 8 })).rejects.toThrow(
      /expected images that can be read, got none: broken.png \(not an image by its content\)$/,
    );
    await rm(folder, { recursive: true });
  });
});

describe('icons', () => {
  test('all base entries of the package have a picture and a name of their own', async () => {
    const { names, pixels, notes } = await readIcons('emoji', { size: 8 });
    expect(names).toHaveLength(1911);
    expect(new Set(names).size).toBe(1911);
    expect(pixels.shape).toEqual([1911, 8, 8, 3]);
    expect(notes).toEqual([]);
    // Transparent corners are white.
    expect([...coloursOf({ pixels, size: 8 }, names.indexOf('rocket')).slice(0, 3)]).toEqual([1, 1, 1]);
  }, 30_000);

  test('some of them come evenly over the list, and those held out last', async () => {
    const icons = await readIcons('emoji', { count: 10, size: 16 });
    const moved = laterLast(icons, 2);
    expect(moved.names.slice(8)).toEqual([icons.names[2], icons.names[7]]);
    expect(new Set(moved.names)).toEqual(new Set(icons.names));
    expect(coloursOf(moved, 9)).toEqual(coloursOf(icons, 7));
    expect(() => laterLast(icons, 10)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: --set heldOut: expected fewer than the 10 icons there are, got 10]`,
    );
    await expect(readIcons('emoji', { count: 2000, size: 16 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: --set icons: expected, with those of heldOut, at most the 1,911 there are, got 2000]`,
    );
    await expect(readIcons('/nowhere', { size: 16 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: --set data: expected emoji or a folder of images, got "/nowhere", which is not there]`,
    );
  });

  test('batches hold colours of the places that they name, and are a function of their number', async () => {
    const icons = await readIcons('emoji', { count: 6, size: 16 });
    const places = squarePlaces(16).data;
    expect([...places.slice(0, 4)]).toEqual([-0.9375, -0.9375, -0.8125, -0.9375]);
    const check = (icon: number, input: ArrayLike<number>, target: ArrayLike<number>) => {
      for (let i = 0; i < target.length / 3; i++) {
        const [column, row] = [8 * input[2 * i]! + 7.5, 8 * input[2 * i + 1]! + 7.5];
        for (let c = 0; c < 3; c++) expect(target[3 * i + c]).toBe(coloursOf(icons, icon)[3 * (16 * row + column) + c]);
      }
    };
    const made = pixelBatches(icons, { icons: [1, 3, 4], rows: 2, points: 5, seed: 3 });
    const { input, target } = made.at(7);
    for (const [row, icon] of input.code.data.entries())
      check(icon, input.input.data.slice(10 * row, 10 * row + 10), target.data.slice(15 * row, 15 * row + 15));
    const again = pixelBatches(icons, { icons: [1, 3, 4], rows: 2, points: 5, seed: 3 }).at(7);
    expect(again).toEqual(made.at(7));
    expect(made.at(8)).not.toEqual(again);
    const group = groupBatches(icons, { icons: [5, 0], points: 4, seed: 3 }).at(2);
    expect([group.input.shape, group.target.shape]).toEqual([
      [1, 2, 4, 2],
      [1, 2, 4, 3],
    ]);
    check(5, group.input.data.slice(0, 8), group.target.data.slice(0, 12));
    check(0, group.input.data.slice(8), group.target.data.slice(12));
  });

  test('decibels: of equal pictures 100, of a difference of a tenth 20; a mean is that of each place', async () => {
    expect(psnr([0, 1, 0.5], [0, 1, 0.5])).toBe(100);
    expect(psnr([0.1, 0.9, 0.6], [0, 1, 0.5])).toBeCloseTo(20, 6);
    const icons = await readIcons('emoji', { count: 2, size: 8 });
    const both = [coloursOf(icons, 0), coloursOf(icons, 1)];
    for (const [i, c] of meanPicture(icons, [0, 1]).entries())
      expect(c).toBeCloseTo((both[0]![i]! + both[1]![i]!) / 2, 6);
  });
});

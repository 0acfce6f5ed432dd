import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readImages } from './images.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hyperloom-idx-'));
});
afterAll(() => rm(folder, { recursive: true }));

const message = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: Error) => error.message.replaceAll(folder, 'FOLDER'),
  );

const idx = (shape: readonly number[], value: (i: number) => number): Uint8Array => {
  const head = [0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, 0, n])];
  return Uint8Array.from([...head, ...Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => value(i))]);
};

async function writeIdx({ train = 20, test = 5, testHeight = 2, label = (i: number) => i % 4 } = {}) {
  const files = [
    ['train-images-idx3-ubyte', idx([train, 2, 3], (i) => i % 256)],
    ['train-labels-idx1-ubyte', idx([train], label)],
    ['t10k-images-idx3-ubyte', idx([test, testHeight, 3], (i) => 255 - i)],
    ['t10k-labels-idx1-ubyte', idx([test], label)],
  ] as const;
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
}

test('mnist keeps the last 5,000 images of training to validate on', async () => {
  const { training, validation, test: held, classes, digest } = await readImages('mnist');
  expect([training, validation, held].map(({ images }) => images.shape)).toEqual(
    [55_000, 5_000, 10_000].map((count) => [count, 1, 28, 28]),
  );
  expect([...validation.labels.data.slice(-3), ...held.labels.data.slice(0, 3)]).toEqual([5, 6, 8, 7, 2, 1]);
  expect(classes).toEqual([...'0123456789']);
  expect(digest).toBeUndefined();
});

describe("a folder of four files in MNIST's layout", () => {
  test('is taken as it is; a tenth is kept to validate on, classes are numbers', async () => {
    await writeIdx();
    const set = await readImages(folder, { size: 28, channels: 3 });
    expect([set.channels, set.height, set.width, set.classes]).toEqual([1, 2, 3, ['0', '1', '2', '3']]);
    expect([set.training, set.validation, set.test].map(({ images }) => images.shape)).toEqual(
      [18, 2, 5].map((count) => [count, 1, 2, 3]),
    );
    expect([...set.validation.images.data]).toEqual(Array.from({ length: 12 }, (_, i) => 108 + i));
    expect([...set.test.labels.data]).toEqual([0, 1, 2, 3, 0]);
    await writeIdx({ label: (i) => (i + 1) % 4 });
    expect((await readImages(folder)).digest).not.toBe(set.digest);
    await writeIdx();
    expect((await readImages(folder)).digest).toBe(set.digest);
  });

  test('that does not fit says how', async () => {
    await writeIdx({ train: 9 });
    expect(await message(readImages(folder))).toMatchInlineSnapshot(
      `"data "FOLDER": expected at least 10 images to train and 1 to test on, got 9 and 5"`,
    );
    await writeIdx({ testHeight: 4 });
    expect(await message(readImages(folder))).toMatchInlineSnapshot(
      `"data "FOLDER": expected images of one size, got 2 x 3 to train and 4 x 3 to test on"`,
    );
    await writeIdx({ label: () => 0 });
    expect(await message(readImages(folder))).toMatchInlineSnapshot(
      `"data "FOLDER": expected labels of at least 2 classes, got 0 alone"`,
    );
    await rm(join(folder, 't10k-labels-idx1-ubyte'));
    expect(await message(readImages(folder))).toMatchInlineSnapshot(
      `"mnist "FOLDER": expected a file t10k-labels-idx1-ubyte, with or without .gz, got none"`,
    );
  });
});

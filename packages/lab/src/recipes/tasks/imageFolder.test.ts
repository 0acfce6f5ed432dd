import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { png } from '../../report/imageGrid.ts';
import { readImageFolder } from './imageFolder.ts';
import { type ImageSet, readImages } from './images.ts';

let root: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hyperloom-images-'));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'set-'));
});

/** An image of one grey level from 0 to 255. */
const level = (value: number, size = 4): Uint8Array =>
  png({ shape: [1, size, size], data: new Float32Array(size * size).fill(value / 255) });

async function write(files: Readonly<Record<string, Uint8Array | string>>, into = folder): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(into, name)), { recursive: true });
    await writeFile(join(into, name), content);
  }
}

/** Images of two classes: levels below and above 100. */
const cats = (count: number, ending = 'png'): Record<string, Uint8Array> =>
  Object.fromEntries(
    Array.from({ length: 2 * count }, (_, i) => [
      `${i % 2 === 0 ? 'cats' : 'dogs'}/${i}.${ending}`,
      level(i % 2 === 0 ? i : 100 + i),
    ]),
  );

const read = (form = { size: 4, channels: 1 } as const): Promise<ImageSet> => readImages(folder, form);
const message = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: Error) => error.message.replaceAll(folder, 'FOLDER'),
  );
/** First pixel and label of each image of a part, by pixel. */
const seen = ({ images, labels }: ImageSet['training']): number[][] =>
  Array.from(labels.data, (label, i) => [images.data[i * (images.data.length / labels.data.length)]!, label]).sort(
    (a, b) => a[0]! - b[0]!,
  );

describe('a folder of classes', () => {
  test('is divided 80/10/10 within each class, with every image once and under its class', async () => {
    await write(cats(20));
    const set = await read();
    expect([set.name, set.classes, set.channels, set.height, set.width]).toEqual([
      folder.slice(folder.lastIndexOf('/') + 1),
      ['cats', 'dogs'],
      1,
      4,
      4,
    ]);
    for (const [part, each] of [
      [set.training, 16],
      [set.validation, 2],
      [set.test, 2],
    ] as const) {
      expect(part.images.shape).toEqual([2 * each, 1, 4, 4]);
      for (const label of [0, 1]) expect(part.labels.data.filter((own) => own === label)).toHaveLength(each);
      for (const [pixel, label] of seen(part)) expect(label).toBe(pixel! >= 100 ? 1 : 0);
    }
    const all = [set.training, set.validation, set.test].flatMap(seen);
    expect(new Set(all.map(([pixel]) => pixel)).size).toBe(40);
    expect(set.notes).toEqual([
      `data "${folder}": 2 classes (cats, dogs), 32 images to train on, 4 to validate on, 4 to test on`,
    ]);
    // Batches of a test set begin with images of both classes.
    expect(new Set(set.training.labels.data.slice(0, 8)).size).toBe(2);
  });

  test('is the same, with the same digest, in whatever order the system lists it and wherever it lies', async () => {
    const names = Object.entries(cats(6));
    const sets: ImageSet[] = [];
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(names, { minLength: names.length }), async (order) => {
        const own = await mkdtemp(join(root, 'order-'));
        await write(Object.fromEntries(order), own);
        sets.push(await readImages(own, { size: 4 }));
      }),
      { numRuns: 8 },
    );
    for (const set of sets) expect({ ...set, name: '', notes: [] }).toEqual({ ...sets[0], name: '', notes: [] });
  });

  test('has another digest when a file is changed, renamed, added or taken away, and only then', async () => {
    await write(cats(6));
    const digests = [(await read()).digest];
    await utimes(join(folder, 'cats/0.png'), 1, 1);
    expect((await read()).digest).toBe(digests[0]);
    const change = async (work: () => Promise<unknown>) => {
      await work();
      digests.push((await read()).digest);
    };
    await change(() => write({ 'cats/0.png': level(7) }));
    await change(() => write({ 'dogs/new.png': level(200) }));
    await change(() => rm(join(folder, 'dogs/new.png')).then(() => write({ 'dogs/newer.png': level(200) })));
    await change(() => write({ 'dogs/newer.png': 'damaged' }));
    await change(() => rm(join(folder, 'dogs/newer.png')));
    expect(new Set(digests).size).toBe(5);
    // Back to what it was.
    expect(digests[5]).toBe(digests[1]);
  });

  test('names its own parts: train and test, and validation where it is there', async () => {
    await write(Object.fromEntries(Object.entries(cats(10)).map(([name, image]) => [`train/${name}`, image])));
    await write({ 'Test/cats/a.png': level(90), 'Test/dogs/b.png': level(190) });
    const two = await read();
    expect(seen(two.test)).toEqual([
      [90, 0],
      [190, 1],
    ]);
    expect([two.training, two.validation].map(({ labels }) => labels.shape)).toEqual([[18], [2]]);
    await write({ 'val/cats/a.png': level(91), 'val/dogs/b.png': level(191) });
    const three = await read();
    expect(seen(three.validation)).toEqual([
      [91, 0],
      [191, 1],
    ]);
    expect([three.training, three.test].map(({ labels }) => labels.shape)).toEqual([[20], [2]]);
  });

  test('may have classes that are called train and test', async () => {
    await write({ 'train/a.png': level(1), 'train/b.png': level(2), 'train/c.png': level(3) });
    await write({ 'test/a.png': level(1), 'test/b.png': level(2), 'test/c.png': level(3) });
    expect((await read()).classes).toEqual(['test', 'train']);
  });

  test('takes names of all kinds, links, and orders numbers by their size', async () => {
    const elsewhere = await mkdtemp(join(root, 'elsewhere-'));
    await write(
      { 'seven/a.png': level(70), 'seven/b.png': level(71), 'seven/c.png': level(72), image: level(102) },
      elsewhere,
    );
    await write({
      '2/ein Bild.PNG': level(20),
      '2/\u00fc.Png': level(21),
      '2/\u732b.png': level(22),
      '10/a.png': level(100),
      '10/b.png': level(101),
    });
    await symlink(join(elsewhere, 'image'), join(folder, '10/c.png'));
    await symlink(join(elsewhere, 'seven'), join(folder, '7'));
    const set = await read();
    expect(set.classes).toEqual(['2', '7', '10']);
    expect([set.training, set.validation, set.test].flatMap(seen).sort((a, b) => a[0]! - b[0]!)).toEqual(
      [20, 21, 22, 70, 71, 72, 100, 101, 102].map((pixel) => [pixel, pixel < 70 ? 0 : pixel < 100 ? 1 : 2]),
    );
    expect(set.notes).toHaveLength(1);
  });
});

describe('what is left out', () => {
  test('is named with its reason, and what is no image too', async () => {
    const image = Buffer.from(
      await sharp(Buffer.from(level(9, 64)))
        .jpeg()
        .toBuffer(),
    );
    await write({
      ...cats(10),
      'cats/empty.png': '',
      'cats/text.jpg': 'no image',
      'cats/drawing.png': '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>',
      'dogs/cut.jpg': image.subarray(0, image.length - 9),
      'dogs/half.png': level(5, 64).subarray(0, 90),
      'dogs/.DS_Store': 'x',
      'dogs/Thumbs.db': 'x',
      'dogs/._0.png': 'x',
      'dogs/puppies/0.png': level(1),
      'README.txt': 'x',
    });
    await symlink('nowhere', join(folder, 'dogs/gone.gif'));
    const set = await read();
    expect(set.notes.slice(1)).toMatchInlineSnapshot(`
      [
        "left out 6 of 26 images: cats/drawing.png (not an image by its content), cats/empty.png (empty), cats/text.jpg (not an image by its content), dogs/cut.jpg (damaged or cut off), dogs/gone.gif (a link to nothing), dogs/half.png (damaged or cut off)",
        "left out 5 that by name or place are no images: README.txt, dogs/.DS_Store, dogs/._0.png, dogs/Thumbs.db, dogs/puppies/",
      ]
    `);
    expect([set.training, set.validation, set.test].flatMap(seen).length).toBe(20);
  });

  test('of many is counted', async () => {
    await write(cats(10));
    await write(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`cats/bad${i}.png`, ''])));
    expect((await read()).notes.slice(1)).toMatchInlineSnapshot(`
      [
        "left out 12 of 32 images: cats/bad0.png (empty), cats/bad1.png (empty), cats/bad10.png (empty), cats/bad11.png (empty), cats/bad2.png (empty) and 7 more",
      ]
    `);
  });

  test('images of more pixels than make sense', async () => {
    await write(cats(3));
    await write({
      'cats/huge.png': await sharp({ create: { width: 12_000, height: 9_000, channels: 3, background: '#888' } })
        .png()
        .toBuffer(),
    });
    expect((await read()).notes.slice(1)).toMatchInlineSnapshot(`
      [
        "left out 1 of 7 images: cats/huge.png (more than 100 million pixels)",
      ]
    `);
  });
});

test('refuses folders that are laid out in another way', async () => {
  const cases: readonly [string, Readonly<Record<string, string | Uint8Array>>][] = [
    ['nothing', {}],
    ['no images', { 'a.txt': 'x' }],
    ['images alone', { 'a.png': level(1), 'b.png': level(2) }],
    ['images beside classes', { 'a.png': level(1), ...cats(3) }],
    ['one class', { 'cats/a.png': level(1) }],
    ['a class without images', { ...cats(3), 'birds/a.txt': 'x', 'birds/b.bmp': 'x' }],
    ['too few images', { ...cats(3), 'birds/a.png': level(1), 'birds/b.png': '' }],
    ['nothing but damage', { 'cats/a.png': '', 'dogs/b.png': 'x' }],
    [
      'a class that cannot be validated on',
      {
        'train/cats/a.png': level(1),
        'train/dogs/a.png': level(1),
        'test/cats/b.png': level(1),
        'test/dogs/b.png': level(1),
      },
    ],
    ['train without test', { 'train/cats/a.png': level(1), 'train/dogs/a.png': level(1), 'val/cats/b.png': level(1) }],
    [
      'parts of different classes',
      {
        'train/cats/a.png': level(1),
        'train/dogs/a.png': level(1),
        'test/cats/b.png': level(1),
        'test/cows/b.png': level(1),
      },
    ],
    [
      'a class that is not tested',
      {
        'train/cats/a.png': level(1),
        'train/dogs/a.png': level(1),
        'val/cats/a.png': level(1),
        'val/dogs/a.png': level(1),
        'test/cats/b.png': level(1),
        'test/dogs/b.png': '',
      },
    ],
    [
      'more beside train and test',
      { 'train/cats/a.png': level(1), 'test/cats/b.png': level(1), 'more/cats/b.png': level(1) },
    ],
  ];
  const messages: Record<string, string> = {};
  for (const [name, files] of cases) {
    folder = await mkdtemp(join(root, 'wrong-'));
    await write(files);
    messages[name] = await message(read());
  }
  expect(messages).toMatchInlineSnapshot(`
    {
      "a class that cannot be validated on": "data "FOLDER": expected in each class at least 2 images that can be read in train and 1 in test, got 1 and 1 of "cats"",
      "a class that is not tested": "data "FOLDER": expected in each class at least 1 image that can be read in each of train, validation and test, got 1, 1 and 0 of "dogs"; left out 1 of 6 images: test/dogs/b.png (empty)",
      "a class without images": "data "FOLDER/birds": expected images of a class (.png, .jpg, .jpeg, .webp or .gif), got none, but 2 other files (a.txt, b.bmp)",
      "images alone": "data "FOLDER": expected images in sub-folders alone, one for each class, got 2 images (a.png, b.png) beside no sub-folder",
      "images beside classes": "data "FOLDER": expected images in sub-folders alone, one for each class, got 1 image (a.png) beside 2 sub-folders (cats/, dogs/)",
      "more beside train and test": "data "FOLDER": expected nothing beside train, test and validation, got 1 sub-folder (more/)",
      "no images": "data "FOLDER": expected a sub-folder of images for each class, got 1 other file (a.txt)",
      "nothing": "data "FOLDER": expected a sub-folder of images for each class, got an empty folder",
      "nothing but damage": "data "FOLDER": expected images that can be read; left out 2 of 2 images: cats/a.png (empty), dogs/b.png (not an image by its content)",
      "one class": "data "FOLDER": expected at least 2 sub-folders, one for each class, got 1 sub-folder (cats/)",
      "parts of different classes": "data "FOLDER/test": expected the classes of train, got another, "cows"",
      "too few images": "data "FOLDER": expected in each class at least 3 images that can be read, got 1 of "birds"; left out 1 of 8 images: birds/b.png (empty)",
      "train without test": "data "FOLDER/train": expected images of a class (.png, .jpg, .jpeg, .webp or .gif), got none, but 2 sub-folders (cats/, dogs/); train and test are parts where both are there",
    }
  `);
});

test('refuses what is no folder', async () => {
  await write({ 'a.png': level(1) });
  const of = (source: string) => message(readImages(source));
  expect(await of('')).toMatchInlineSnapshot(
    `"--set data: expected mnist, fashion or a folder of images, got nothing"`,
  );
  expect(await of(join(folder, 'nowhere'))).toMatchInlineSnapshot(
    `"--set data: expected mnist, fashion or a folder of images, got "FOLDER/nowhere", which is not there"`,
  );
  expect(await of(join(folder, 'a.png'))).toMatchInlineSnapshot(
    `"--set data: expected mnist, fashion or a folder of images, got "FOLDER/a.png", which is a file"`,
  );
  expect(await of('mnits')).toMatchInlineSnapshot(
    `"--set data: expected mnist, fashion or a folder of images, got "mnits", which is not there; did you mean mnist?"`,
  );
});

test('stops when it is told to', async () => {
  await write(cats(10));
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  expect(await message(readImageFolder(folder, { size: 4, channels: 1 }, stop.signal))).toBe('enough');
});

test('reads a folder once for several seeds', async () => {
  await write(cats(3));
  const first = await read();
  expect(await read()).toBe(first);
  expect(await readImages(folder, { size: 5 })).not.toBe(first);
});

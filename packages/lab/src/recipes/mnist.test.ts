import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hyperloom } from '../cli/testing.ts';
import { png } from '../report/imageGrid.ts';
import { settingsFrom } from '../run/settings.ts';
import { mnist } from './mnist.ts';
import { readImages } from './tasks/images.ts';
import { figuresOf } from './testing.ts';

let root: string;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hyperloom-mnist-'));
  folder = join(root, 'digits');
  // The first 60 of the digits from 3 to 6, by their words.
  const words = ['three', 'four', 'five', 'six'];
  const { images, labels } = (await readImages('mnist')).training;
  const counts = words.map(() => 0);
  for (let i = 0; counts.some((count) => count < 60); i++) {
    const own = labels.data[i]! - 3;
    if (words[own] === undefined || counts[own]! >= 60) continue;
    const data = Float32Array.from(images.data.subarray(i * 784, (i + 1) * 784), (byte) => byte / 255);
    await mkdir(join(folder, words[own]), { recursive: true });
    await writeFile(join(folder, words[own], `${counts[own]}.png`), png({ shape: [1, 28, 28], data }));
    counts[own]! += 1;
  }
  await writeFile(join(folder, 'six', 'broken.jpg'), '');
});
afterAll(() => rm(root, { recursive: true }));

test('learns the classes of a folder', async () => {
  const { main, control } = await figuresOf(mnist, { steps: 60, settings: { data: folder } });
  expect(main!.accuracy).toBeGreaterThan(0.75);
  expect(control!.accuracy).toBeGreaterThan(0.75);
  const prepared = await mnist.prepare(settingsFrom(mnist, [`data=${folder}`]), { seed: 0 });
  // 784 weights for each of four classes in place of ten; nothing is promised of them, and nothing was published.
  expect(prepared.counts['params.direct']).toBe(21_210 - 6 * 785);
  expect(prepared.judge({})).toBeUndefined();
  expect(prepared.published).toBeUndefined();
});

test('a run on a folder tells what was left out, shows mistakes by class, and refuses other content', async () => {
  const out = join(root, 'run');
  const train = [
    'train',
    'mnist',
    '--set',
    `data=${folder}`,
    '--set',
    'control=false',
    '--steps',
    '4',
    '--threads',
    '1',
  ];
  const trained = await hyperloom([...train, '--out', out]);
  expect(trained.code).toBe(0);
  expect(trained.err.replaceAll(root, 'ROOT')).toMatchInlineSnapshot(`
    "hyperloom: data "ROOT/digits": 4 classes (five, four, six, three), 192 images to train on, 24 to validate on, 24 to test on
    hyperloom: left out 1 of 241 images: six/broken.jpg (empty)
    "
  `);
  expect((await hyperloom(['eval', out, '--threads', '1'])).code).toBe(0);
  await writeFile(join(folder, 'six', 'broken.jpg'), 'x');
  for (const args of [
    ['eval', out, '--threads', '1'],
    ['inspect', out],
    [...train, '--out', out, '--resume'],
  ]) {
    const refused = await hyperloom(args);
    expect(refused.code).toBe(2);
    expect(refused.err.trim().split('\n').at(-1)).toMatch(
      /expected .* got (other content: it has changed since|another; )/,
    );
  }
});

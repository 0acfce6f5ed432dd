import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMnist } from 'hyperloom/data';
import * as nn from 'hyperloom/nn';
import { expect, test } from 'vitest';
import { mnistFashion } from './mnistFashion.ts';
import { mnistFolder } from './tasks/images.ts';
import { leNet, leNetHypers } from './tasks/twoSets.ts';
import { figuresOf } from './testing.ts';

const sizes = { channels: 1, height: 28, width: 28, classes: 10, tasks: 2 };

test('mnist-fashion has the numbers of weights of the tutorial', () => {
  expect(nn.countParams(leNet(sizes).spec)).toBe(21_840);
  const { dense, chunked } = leNetHypers(sizes, { code: 8, hidden: 100 });
  expect(nn.countParams(dense.spec)).toBe(2_216_856);
  expect(nn.countParams(chunked.spec)).toBeLessThan(21_840);
});

test('mnist-fashion in short: digits, and the same digits under other names, which only a code tells apart', async () => {
  const second = await renamedDigits();
  try {
    const figures = await figuresOf(mnistFashion, { steps: 150, settings: { second } });
    expect(figures.main!['first.accuracy']).toBeGreaterThan(0.9);
    expect(figures.main!['second.accuracy']).toBeGreaterThan(0.9);
    expect(figures.main!.exchanged).toBeLessThan(0.1);
    expect(figures.separate!.accuracy).toBeGreaterThan(0.85);
    expect(figures.blind!.accuracy).toBeLessThan(0.6);
  } finally {
    await rm(second, { recursive: true });
  }
});

test('mnist-fashion says which setting is wrong', async () => {
  const settings = Object.fromEntries(
    Object.entries(mnistFashion.options).map(([key, option]) => [key, option.default]),
  );
  await expect(
    mnistFashion.prepare({ ...settings, second: 'mnits' }, { seed: 0 }),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --set second: expected mnist, fashion or a folder of images, got "mnits", which is not there; did you mean mnist?]`,
  );
});

/** A folder of some digits in MNIST's layout, each d called 9 - d. */
async function renamedDigits(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'renamed-digits-'));
  for (const [split, file, count] of [
    ['train', 'train', 12_000],
    ['test', 't10k', 2_000],
  ] as const) {
    const { images, labels } = await loadMnist(mnistFolder(), { split, verify: false });
    const named = labels.data.subarray(0, count).map((digit) => 9 - digit);
    await writeFile(join(folder, `${file}-labels-idx1-ubyte`), idx([count], named));
    const pixels = images.data.subarray(0, count * 784);
    await writeFile(join(folder, `${file}-images-idx3-ubyte`), idx([count, 28, 28], pixels));
  }
  return folder;
}

/** Bytes in the IDX format. */
function idx(shape: readonly number[], data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.writeUInt16BE(0x08 * 256 + shape.length, 2);
  for (const [axis, size] of shape.entries()) head.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([head, data]);
}

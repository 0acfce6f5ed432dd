import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { scaledBytes } from 'hyperloom/data';
import { FormatError, ndarray } from 'hyperloom/tensor';
import { BadImage, imageDecoder, most, type PixelForm } from './imageFile.ts';
import { few, type ImageFile, type ImageListing, listImages, type Part } from './imageListing.ts';
import type { ImageSet, LabelledImages } from './images.ts';
import { inParallel } from './inParallel.ts';

/** An image, or why there is none. */
interface ReadImage extends ImageFile {
  readonly pixels?: Uint8Array;
  readonly why?: string;
  /** SHA-256 of the content. */
  readonly digest: string;
  /** SHA-256 of the name, which sorts images. */
  readonly order: string;
}

/** The set that was read last, for the next seed of a run: again only when a file was touched. */
let last: { readonly key: string; readonly set: ImageSet } | undefined;

/**
 * Reads a folder of class sub-folders. Files that cannot be read are left out and named in `notes`. Where the folder
 * does not divide them, images are divided by a hash of their paths: of each class 10 % to validate on, 10 % to test on.
 * @throws FormatError when the folder is laid out in another way, or holds too few images that can be read
 */
export async function readImageFolder(folder: string, form: PixelForm, signal?: AbortSignal): Promise<ImageSet> {
  const listing = await listImages(folder, signal);
  const key = JSON.stringify([
    folder,
    form,
    listing.files.map(({ name, stats }) => [
      name,
      ...(typeof stats === 'string' ? [stats] : [stats.size, stats.mtimeMs, stats.ino]),
    ]),
  ]);
  if (last?.key === key) return last.set;
  const set = await readListed(folder, listing, form, signal);
  last = { key, set };
  return set;
}

async function readListed(
  folder: string,
  { classes, files, others }: ImageListing,
  form: PixelForm,
  signal?: AbortSignal,
): Promise<ImageSet> {
  const decode = await imageDecoder(form);
  const progress = readingProgress(folder, files.length);
  const images = await inParallel(
    files,
    async (file): Promise<ReadImage> => {
      const found = await readImage(file, decode);
      progress.one();
      return { ...file, ...found, order: sha256(file.name) };
    },
    signal,
  ).finally(progress.end);
  const parts = divided(folder, classes, images);
  const { size, channels } = form;
  const counted = (part: Part): string => parts[part].length.toLocaleString('en-US');
  const labelled = (part: Part): LabelledImages => {
    const own = parts[part];
    const data = new Uint8Array(own.length * channels * size * size);
    for (const [i, { pixels }] of own.entries()) data.set(pixels!, i * channels * size * size);
    return {
      images: scaledBytes({ dtype: 'uint8', shape: [own.length, channels, size, size], data }),
      labels: ndarray(
        Int32Array.from(own, ({ label }) => label),
        [own.length],
      ),
    };
  };
  return {
    name: basename(folder),
    classes,
    channels,
    height: size,
    width: size,
    training: labelled('training'),
    validation: labelled('validation'),
    test: labelled('test'),
    digest: digestOf(images.map(({ name, digest }) => [name, digest])),
    notes: [
      `data "${folder}": ${classes.length} classes (${few(classes)}), ${counted('training')} images to train on, ${counted('validation')} to validate on, ${counted('test')} to test on`,
      ...leftOut(images, others),
    ],
  };
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** A digest of contents by their names. */
const digestOf = (contents: readonly (readonly [name: string, digest: string])[]): string =>
  sha256(JSON.stringify(contents)).slice(0, 32);

async function readImage(
  { path, stats }: ImageFile,
  decode: (file: Uint8Array) => Promise<Uint8Array>,
): Promise<Pick<ReadImage, 'pixels' | 'why' | 'digest'>> {
  let digest = '';
  try {
    if (typeof stats === 'string') throw new BadImage(stats === 'ENOENT' ? 'a link to nothing' : stats);
    if (!stats.isFile()) throw new BadImage('no regular file');
    if (stats.size > most.bytes) throw new BadImage(`more than ${most.bytes / 2 ** 20} MiB`);
    const file = await readFile(path);
    digest = sha256(file);
    return { pixels: await decode(file), digest };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (!(cause instanceof BadImage) && code === undefined) throw cause;
    return { why: cause instanceof BadImage ? cause.message : `cannot be read: ${code}`, digest };
  }
}

/** The images that can be read, in three parts, each in the order of a hash: classes are mixed. */
function divided(
  folder: string,
  classes: readonly string[],
  images: readonly ReadImage[],
): Readonly<Record<Part, readonly ReadImage[]>> {
  const good = images.filter(({ pixels }) => pixels).sort((a, b) => (a.order < b.order ? -1 : 1));
  const [left = ''] = leftOut(images, []);
  if (good.length === 0) throw new FormatError(`data "${folder}": expected images that can be read; ${left}`);
  const isDivided = images.some(({ part }) => part === 'test');
  const holdsValidation = images.some(({ part }) => part === 'validation');
  const partOf = new Map<ReadImage, Part>();
  for (const [label, name] of classes.entries()) {
    const own = good.filter((image) => image.label === label);
    const free = own.filter(({ part }) => part === undefined || part === 'training');
    const tenth = Math.max(1, Math.round(free.length / 10));
    const held: Part[] = [
      ...(isDivided ? [] : (['test'] as const)),
      ...(holdsValidation ? [] : (['validation'] as const)),
    ];
    for (const [i, image] of free.entries()) partOf.set(image, held[Math.floor(i / tenth)] ?? 'training');
    for (const image of own) if (image.part && image.part !== 'training') partOf.set(image, image.part);
    const count = (part: Part) => own.filter((image) => partOf.get(image) === part).length;
    if (count('training') === 0 || count('validation') === 0 || count('test') === 0)
      throw new FormatError(
        `data "${folder}": expected in each class at least ${
          !isDivided
            ? `3 images that can be read, got ${own.length}`
            : holdsValidation
              ? `1 image that can be read in each of train, validation and test, got ${count('training')}, ${count('validation')} and ${count('test')}`
              : `2 images that can be read in train and 1 in test, got ${free.length} and ${count('test')}`
        } of "${name}"${left && `; ${left}`}`,
      );
  }
  const of = (part: Part) => good.filter((image) => partOf.get(image) === part);
  return { training: of('training'), validation: of('validation'), test: of('test') };
}

/** What was left out, for a person. */
function leftOut(images: readonly ReadImage[], others: readonly string[]): string[] {
  const bad = images.flatMap(({ name, why }) => (why === undefined ? [] : [`${name} (${why})`]));
  const of = `${images.length.toLocaleString('en-US')} ${images.length === 1 ? 'image' : 'images'}`;
  return [
    ...(bad.length > 0 ? [`left out ${bad.length.toLocaleString('en-US')} of ${of}: ${few(bad)}`] : []),
    ...(others.length > 0
      ? [`left out ${others.length.toLocaleString('en-US')} that by name or place are no images: ${few(others)}`]
      : []),
  ];
}

/** Tells how far reading is once it takes longer than 2 seconds: a line that is rewritten, or one every 5 seconds. */
function readingProgress(folder: string, total: number) {
  const { stderr } = process;
  const began = performance.now();
  let told = 0;
  let done = 0;
  return {
    one: () => {
      done++;
      const now = performance.now();
      if (now - began < 2_000 || now - told < (stderr.isTTY ? 100 : 5_000)) return;
      const line = `reading ${folder}: ${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} images`;
      stderr.write(stderr.isTTY ? `\r\x1b[2K${line.slice(0, (stderr.columns ?? 80) - 1)}` : `hyperloom: ${line}\n`);
      told = now;
    },
    end: () => {
      if (stderr.isTTY && told > 0) stderr.write('\r\x1b[2K');
    },
  };
}

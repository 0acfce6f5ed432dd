import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FormatError } from 'hyperloom/tensor';
import { inParallel } from './inParallel.ts';

/** Which of the three sets an image is for. */
export type Part = 'training' | 'validation' | 'test';

/** A file that is an image by its ending. */
export interface ImageFile {
  /** Path from the folder on, with `/` between its parts: the same on every system. */
  readonly name: string;
  readonly path: string;
  /** Index of its class. */
  readonly label: number;
  /** Absent where the folder does not say. */
  readonly part?: Part;
  /** What the system says of it, or the code of its refusal. */
  readonly stats: Stats | string;
}

/** What a folder of images holds. */
export interface ImageListing {
  readonly classes: readonly string[];
  /** In the order of their names, whatever the order in which the system lists them. */
  readonly files: readonly ImageFile[];
  /** What is no image: files, and folders with a `/` at the end. */
  readonly others: readonly string[];
}

/** Files that are read as images. */
const endings = /\.(png|jpe?g|webp|gif)$/i;

/** More sub-folders than this are no classes. */
const mostClasses = 1_000;

const partNames: Readonly<Record<string, Part>> = {
  train: 'training',
  test: 'test',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
};

const partNamed = ({ name }: Entry): Part | undefined => partNames[name.slice(0, -1).toLowerCase()];

interface Entry {
  /** In one spelling of its accents, with a `/` at the end of a folder's. */
  readonly name: string;
  readonly path: string;
  readonly stats: Stats | string;
  readonly kind: 'classes' | 'image' | 'other';
}

/**
 * Lists a folder that has a sub-folder of images for each class, or `train` and `test` (and `validation`, if it likes)
 * with such sub-folders in each. Links are followed, and nothing is looked for deeper down.
 * @throws FormatError when it is laid out in another way, has fewer than two classes, or one without images
 */
export async function listImages(folder: string, signal?: AbortSignal): Promise<ImageListing> {
  const root = await entriesOf(folder, signal);
  const parts = await partsOf(root, signal);
  const others: string[] = [];
  const files: ImageFile[] = [];
  let classes: readonly string[] | undefined;
  for (const { name, path, part } of parts ?? [{ name: '', path: folder }]) {
    const entries = parts ? await entriesOf(path, signal) : root;
    const folders = classFolders(path, entries);
    classes ??= inOrder(folders.map((own) => own.name.slice(0, -1)));
    const [strange] = folders.filter((own) => !classes!.includes(own.name.slice(0, -1)));
    if (strange || folders.length < classes.length)
      throw new FormatError(
        `data "${path}": expected the classes of train, got ${strange ? `another, "${strange.name.slice(0, -1)}"` : `none of "${classes.find((own) => !folders.some((entry) => entry.name === `${own}/`))}"`}`,
      );
    others.push(...entries.filter(({ kind }) => kind === 'other').map((entry) => name + entry.name));
    for (const own of folders) {
      const held = await entriesOf(own.path, signal);
      const images = held.filter(({ kind }) => kind === 'image');
      if (images.length === 0)
        throw new FormatError(
          `data "${own.path}": expected images of a class (.png, .jpg, .jpeg, .webp or .gif), got ${held.length === 0 ? 'an empty folder' : `none, but ${some(held)}`}${partNamed(own) ? '; train and test are parts where both are there' : ''}`,
        );
      others.push(...held.filter((entry) => entry.kind !== 'image').map((entry) => name + own.name + entry.name));
      const label = classes.indexOf(own.name.slice(0, -1));
      for (const image of images)
        files.push({ ...image, name: name + own.name + image.name, label, ...(part && { part }) });
    }
  }
  if (parts) others.push(...root.filter(({ kind }) => kind !== 'classes').map((entry) => entry.name));
  const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return { classes: classes!, files: files.sort((a, b) => byName(a.name, b.name)), others: others.sort(byName) };
}

/** The folders `train`, `test` and `validation`, in this order, where the first two hold folders; what is beside them is an error. */
async function partsOf(root: readonly Entry[], signal?: AbortSignal) {
  const folders = root.filter(({ kind }) => kind === 'classes');
  const found = folders.flatMap((entry) => {
    const part = partNamed(entry);
    return part ? [{ ...entry, part }] : [];
  });
  const of = (part: Part) => found.find((entry) => entry.part === part);
  const [training, validation, test] = [of('training'), of('validation'), of('test')];
  if (!training || !test) return undefined;
  // They may be classes by these names.
  for (const { path } of [training, test])
    if (!(await entriesOf(path, signal)).some(({ kind }) => kind === 'classes')) return undefined;
  const strange = folders.filter(({ path }) => !found.some((entry) => entry.path === path));
  if (strange.length > 0 || found.length > 3 || (found.length === 3 && !validation))
    throw new FormatError(
      `data "${dirname(training.path)}": expected nothing beside train, test and validation, got ${some(strange.length > 0 ? strange : found)}`,
    );
  return [training, ...(validation ? [validation] : []), test];
}

/** The folders of classes in a folder. */
function classFolders(path: string, entries: readonly Entry[]): readonly Entry[] {
  const error = (message: string) => new FormatError(`data "${path}": ${message}`);
  const folders = entries.filter(({ kind }) => kind === 'classes');
  const images = entries.filter(({ kind }) => kind === 'image');
  if (images.length > 0)
    throw error(
      `expected images in sub-folders alone, one for each class, got ${some(images)} beside ${folders.length === 0 ? 'no sub-folder' : some(folders)}`,
    );
  if (folders.length === 0)
    throw error(
      `expected a sub-folder of images for each class, got ${entries.length === 0 ? 'an empty folder' : some(entries)}`,
    );
  if (folders.length === 1) throw error(`expected at least 2 sub-folders, one for each class, got ${some(folders)}`);
  if (folders.length > mostClasses) throw error(`expected at most ${mostClasses} classes, got ${some(folders)}`);
  return folders;
}

/** `7 images (a.png, b.png, c.png, d.png, e.png and 2 more)`. */
function some(entries: readonly Entry[]): string {
  const all = (kind: Entry['kind']) => entries.every((entry) => entry.kind === kind);
  const noun = all('image') ? 'image' : all('classes') ? 'sub-folder' : 'other file';
  return `${entries.length} ${noun}${entries.length === 1 ? '' : 's'} (${few(entries.map(({ name }) => name))})`;
}

/** `a, b, c, d, e and 7 more`. */
export const few = (names: readonly string[], count = 5): string =>
  names.length <= count + 1
    ? names.join(', ')
    : `${names.slice(0, count).join(', ')} and ${(names.length - count).toLocaleString('en-US')} more`;

/** Numbers by their size, other names by their characters. */
const inOrder = (names: readonly string[]): string[] =>
  names.every((name) => /^\d+$/.test(name)) ? names.toSorted((a, b) => Number(a) - Number(b)) : names.toSorted();

async function entriesOf(folder: string, signal?: AbortSignal): Promise<Entry[]> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`data "${folder}": expected a folder that can be read, got ${cause.code}`, { cause });
  });
  return inParallel(
    names.sort(),
    async (raw): Promise<Entry> => {
      const path = join(folder, raw);
      const stats = await stat(path).catch((cause: NodeJS.ErrnoException) => String(cause.code));
      const isFolder = typeof stats !== 'string' && stats.isDirectory();
      const isHidden = raw.startsWith('.') || raw === '__MACOSX';
      return {
        name: raw.normalize() + (isFolder ? '/' : ''),
        path,
        stats,
        kind: isHidden ? 'other' : isFolder ? 'classes' : endings.test(raw) ? 'image' : 'other',
      };
    },
    signal,
  );
}

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { ArgumentError, FormatError, type NdArray, ndarray } from 'hyperloom/tensor';
import { BadImage, imageDecoder } from './imageFile.ts';
import { few } from './imageListing.ts';
import { folderOf } from './images.ts';
import { inParallel } from './inParallel.ts';

/** Square pictures in red, green and blue, each with a name. */
export interface Icons {
  /** Whose pictures they are, with their licence where it is known. */
  readonly source: string;
  /** A name for each, none of them twice. */
  readonly names: readonly string[];
  /** Pixels of a side. */
  readonly size: number;
  /** Colours from 0 to 1, [count, size, size, 3]. */
  readonly pixels: NdArray;
  /** Bytes of the files. */
  readonly bytes: number;
  /** Of a folder of the user's own, for `Experiment.read`. */
  readonly digest?: string;
  /** Lines that a person should see: files that were left out. */
  readonly notes: readonly string[];
}

/** How many pictures of which size are wanted. */
export interface IconForm {
  /** Evenly over the list; all where absent. */
  readonly count?: number | undefined;
  /** Whether fewer do where there are no more. */
  readonly atMost?: boolean;
  readonly size: number;
}

/** What the package's list says of a picture, as far as it is read here. */
interface Entry {
  readonly short_name: string;
  readonly image: string;
  readonly has_img_twitter: boolean;
}

interface IconFile {
  readonly name: string;
  readonly path: string;
}

interface ReadIcon {
  readonly name: string;
  readonly content: Uint8Array;
  /** Bytes [3, size, size]. */
  readonly planes: Uint8Array;
}

/**
 * The pictures of the setting `data`: `emoji`, the 1,911 base entries with a picture in the npm package
 * emoji-datasource-twitter 16.0.0 (64 x 64 pixels; Twemoji, CC BY 4.0), or all images of a folder and of its
 * sub-folders. They are laid on white and scaled; files of a folder that cannot be read are left out.
 * @throws ArgumentError when there are fewer than are asked for or the folder is not there, FormatError for a file that cannot be read
 */
export async function readIcons(source: string, { count, atMost = false, size }: IconForm): Promise<Icons> {
  const own = source !== 'emoji';
  const all = own ? await folderFiles(await folderOf(source, ['emoji'])) : await emojiFiles();
  if (!atMost && count !== undefined && count > all.length)
    throw new ArgumentError(
      `--set icons: expected, with those of heldOut, at most the ${all.length.toLocaleString('en-US')} there are, got ${count}`,
    );
  const wanted = count ?? all.length;
  const files = evenly(all, wanted);
  const decode = await imageDecoder({ size, channels: 3 });
  const read = await inParallel(files, async ({ name, path }): Promise<ReadIcon | string> => {
    try {
      const content = await readFile(path);
      return { name, content, planes: await decode(content) };
    } catch (cause) {
      if (own && cause instanceof BadImage) return `${name} (${cause.message})`;
      throw new FormatError(`${path}: expected an image that can be read, got ${(cause as Error).message}`, { cause });
    }
  });
  const good = read.filter((icon) => typeof icon !== 'string');
  const bad = read.filter((icon) => typeof icon === 'string');
  if (good.length === 0)
    throw new FormatError(`--set data "${source}": expected images that can be read, got none: ${few(bad)}`);
  const hash = createHash('sha256');
  for (const { name, content } of good) hash.update(name).update(content);
  return {
    source: own
      ? `the folder ${basename(source)}`
      : 'Twemoji, copyright Twitter, Inc and other contributors, CC BY 4.0 (npm package emoji-datasource-twitter 16.0.0)',
    names: good.map(({ name }) => name),
    size,
    pixels: ndarray(interleaved(good.map(({ planes }) => planes)), [good.length, size, size, 3]),
    bytes: good.reduce((sum, { content }) => sum + content.length, 0),
    ...(own && { digest: hash.digest('hex').slice(0, 32) }),
    notes: bad.length === 0 ? [] : [`left out ${bad.length} of ${files.length} images: ${few(bad)}`],
  };
}

/** As many of a list, evenly over it. */
export const evenly = <T>(list: readonly T[], most: number): T[] => {
  const count = Math.min(most, list.length);
  return Array.from({ length: count }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / count)]!);
};

/**
 * The same icons in another order: some of them, evenly over the list, come last.
 * @throws ArgumentError unless others are left
 */
export function laterLast(icons: Icons, later: number): Icons {
  const { names, size, pixels } = icons;
  if (later >= names.length)
    throw new ArgumentError(
      `--set heldOut: expected fewer than the ${names.length.toLocaleString('en-US')} icons there are, got ${later}`,
    );
  const all = [...names.keys()];
  const held = new Set(evenly(all, later));
  const order = [...all.filter((i) => !held.has(i)), ...held];
  const length = size * size * 3;
  const data = new Float32Array(pixels.data.length);
  for (const [to, from] of order.entries())
    data.set((pixels.data as Float32Array).subarray(from * length, (from + 1) * length), to * length);
  return { ...icons, names: order.map((i) => names[i]!), pixels: { ...pixels, data } };
}

async function emojiFiles(): Promise<IconFile[]> {
  const folder = dirname(createRequire(import.meta.url).resolve('emoji-datasource-twitter/package.json'));
  const list = JSON.parse(await readFile(join(folder, 'emoji.json'), 'utf8')) as readonly Entry[];
  return list
    .filter((entry) => entry.has_img_twitter)
    .map((entry) => ({ name: entry.short_name, path: join(folder, 'img', 'twitter', '64', entry.image) }));
}

/** Images of a folder and its sub-folders; their names are their paths in it. */
async function folderFiles(folder: string): Promise<IconFile[]> {
  const names = await readdir(folder, { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new FormatError(`--set data "${folder}": expected a folder that can be read, got ${cause.code}`, { cause });
  });
  const images = names.filter((name) => /\.(png|jpe?g|webp|gif)$/i.test(name) && !basename(name).startsWith('.'));
  if (images.length === 0)
    throw new FormatError(`--set data "${folder}": expected images (.png, .jpg, .jpeg, .webp or .gif), got none`);
  return images.sort().map((name) => ({ name: name.replaceAll('\\', '/').normalize(), path: join(folder, name) }));
}

/** Bytes [3, size, size] as colours from 0 to 1 [size, size, 3], one picture behind the other. */
function interleaved(pictures: readonly Uint8Array[]): Float32Array {
  const length = pictures[0]?.length ?? 0;
  const colours = new Float32Array(pictures.length * length);
  for (const [i, planes] of pictures.entries())
    for (let at = 0; at < length; at++) {
      const [plane, pixel] = [Math.floor((3 * at) / length), at % (length / 3)];
      colours[i * length + 3 * pixel + plane] = planes[at]! / 255;
    }
  return colours;
}

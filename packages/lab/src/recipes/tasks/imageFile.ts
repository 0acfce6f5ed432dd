import { loadSharp } from '../../sharp.ts';

/** Square images of grey levels, or of red, green and blue. */
export interface PixelForm {
  /** Pixels of height and width. */
  readonly size: number;
  readonly channels: 1 | 3;
}

/** More than these are taken for a fault. */
export const most = { bytes: 64 * 2 ** 20, pixels: 100e6 } as const;

/** What a file is by its first bytes. Whatever else the decoder knows (SVG, PDF) is not for it to open. */
const signatures: readonly (readonly [at: number, start: string])[] = [
  [0, '\x89PNG'],
  [0, '\xff\xd8\xff'],
  [0, 'GIF8'],
  [8, 'WEBP'],
];

/** Why a file is left out. */
export class BadImage extends Error {}

/** Decodes and resizes images with the package `sharp`, which is loaded here: only folders need it. */
export async function imageDecoder({ size, channels }: PixelForm) {
  const sharp = await loadSharp('data', 'to read a folder of images');
  /**
   * A PNG, JPEG, WebP or GIF (its first frame) as bytes [channels, size, size]: turned the right way up (EXIF), laid on
   * white where it is transparent, scaled to fit whole and in the middle; its outermost pixels go on to the sides.
   * @throws BadImage
   */
  return async (file: Uint8Array): Promise<Uint8Array> => {
    if (file.length === 0) throw new BadImage('empty');
    const head = Buffer.from(file.subarray(0, 16)).toString('latin1');
    if (!signatures.some(([at, start]) => head.startsWith(start, at)))
      throw new BadImage('not an image by its content');
    const { data, info } = await sharp(file, { failOn: 'error', limitInputPixels: most.pixels })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .resize({ width: size, height: size, fit: 'inside' })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
      .catch((cause) => {
        // What libvips says of damage is of all threads together, so it is not told.
        const isHuge = /pixel limit/.test(String(cause));
        throw new BadImage(isHuge ? `more than ${most.pixels / 1e6} million pixels` : 'damaged or cut off', { cause });
      });
    return centred(data, info, { size, channels });
  };
}

/** Pixels [height, width, channels] in the middle of a square [channels, size, size], whose rest repeats the nearest. */
function centred(
  pixels: Uint8Array,
  { width, height, channels: held }: { readonly width: number; readonly height: number; readonly channels: number },
  { size, channels }: PixelForm,
): Uint8Array {
  const placed = new Uint8Array(channels * size * size);
  const [top, left] = [Math.floor((size - height) / 2), Math.floor((size - width) / 2)];
  const within = (at: number, length: number): number => Math.min(length - 1, Math.max(0, at));
  for (let y = 0, to = 0; y < size; y++) {
    const row = within(y - top, height) * width;
    for (let x = 0; x < size; x++, to++) {
      const from = held * (row + within(x - left, width));
      for (let c = 0; c < channels; c++) placed[c * size * size + to] = pixels[from + (held < channels ? 0 : c)]!;
    }
  }
  return placed;
}

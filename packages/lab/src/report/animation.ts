import { loadSharp } from '../sharp.ts';

/** Settings of {@link animation}. */
export interface AnimationOptions {
  /** Pictures a second of what is given, before any is left out. Default 25; GIF has whole hundredths of a second. */
  readonly fps?: number;
  /** Only every so many pictures are kept, each shown for that much longer, and the last one. Default 1. */
  readonly every?: number;
  /** The greatest number of pictures that are kept, from the first on. Default 200. */
  readonly most?: number;
  /** Width and height in pixels. Default 240 by 180. */
  readonly width?: number;
  readonly height?: number;
  /** Seconds that the last picture stays, before all begins anew. Default 1. */
  readonly rest?: number;
}

/**
 * SVG pictures one after the other as an animated GIF, which browsers and README pages show without a player. Pictures that
 * are equal to the one before become one that is shown for longer.
 * @throws Error where there are no pictures, FormatError where the package sharp is not there
 */
export async function animation(
  pictures: readonly string[],
  { fps = 25, every = 1, most = 200, width = 240, height = 180, rest = 1 }: AnimationOptions = {},
): Promise<Uint8Array> {
  if (pictures.length === 0) throw new Error('animation: expected at least one picture, got none');
  const sharp = await loadSharp('animation', 'to draw an animated picture');
  const kept = pictures.filter((_, i) => i % every === 0 || i === pictures.length - 1).slice(0, most);
  const frames: Buffer[] = [];
  for (const picture of kept)
    frames.push(
      await sharp(Buffer.from(picture)).resize(width, height).flatten({ background: '#fff' }).raw().toBuffer(),
    );
  // All frames lie below each other in one tall picture, whose pages they are.
  const raw = { width, height: height * frames.length, pageHeight: height, channels: 3 } as const;
  const delay = frames.map((_, i) => Math.round((i < frames.length - 1 ? every / fps : rest) * 1000));
  return sharp(Buffer.concat(frames), { raw }).gif({ delay, loop: 0, colours: 16, dither: 0, effort: 7 }).toBuffer();
}

import { PNG } from 'pngjs';
import { escaped } from './html.ts';
import { palette } from './palette.ts';

/** A picture of floats from 0 to 1: [1, height, width] in grey, or [3, height, width] in red, green and blue. */
export interface Pixels {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** A row of pictures under one name. */
export interface ImageRow {
  readonly name: string;
  /** Pictures from left to right; undefined leaves a place empty. */
  readonly images: readonly (Pixels | undefined)[];
  /** A word below each picture, such as what it was taken for. */
  readonly labels?: readonly string[];
}

/** Settings of {@link imageGrid}. */
export interface ImageGridOptions {
  /** Words above the columns. */
  readonly columns?: readonly string[];
  /** Width and height of each picture on the page. Default 56. */
  readonly cell?: number;
}

const [gap, nameWidth, titleHeight, wordHeight, characterWidth] = [4, 110, 26, 14, 6];

/** Pictures in rows, as one SVG that needs nothing from elsewhere; pixels stay sharp. */
export function imageGrid(
  title: string,
  rows: readonly ImageRow[],
  { columns, cell = 56 }: ImageGridOptions = {},
): string {
  const across = Math.max(...rows.map(({ images }) => images.length), 1);
  const named = rows.some(({ name }) => name !== '') ? nameWidth : gap;
  const parts: string[] = [`<text x="${gap}" y="16" font-weight="bold" font-size="14">${escaped(title)}</text>`];
  const word = (text: string, x: number, y: number, anchor: 'start' | 'middle' = 'middle') => {
    const room = Math.floor((anchor === 'middle' ? cell + gap : nameWidth - 2 * gap) / characterWidth);
    const shown = text.length > room ? `${text.slice(0, Math.max(1, room - 1))}…` : text;
    parts.push(`<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="10">${escaped(shown)}</text>`);
  };
  let y = titleHeight;
  if (columns) {
    for (const [i, text] of columns.entries()) word(text, named + i * (cell + gap) + cell / 2, y + 10);
    y += wordHeight;
  }
  for (const { name, images, labels } of rows) {
    if (name !== '') word(name, gap, y + cell / 2 + 4, 'start');
    for (const [i, image] of images.entries()) {
      const x = named + i * (cell + gap);
      if (image) {
        parts.push(
          `<image x="${x}" y="${y}" width="${cell}" height="${cell}" style="image-rendering:pixelated" href="data:image/png;base64,${Buffer.from(png(image)).toString('base64')}"/>`,
        );
      }
      if (labels?.[i]) word(labels[i], x + cell / 2, y + cell + 10);
    }
    y += cell + gap + (labels ? wordHeight : 0);
  }
  const [width, height] = [named + across * (cell + gap), y];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" fill="${palette.ink}">${parts.join('')}</svg>`;
}

/** A picture as a PNG file; values outside of 0 to 1 are cut off. */
export function png({ shape, data }: Pixels): Uint8Array {
  const [channels, height, width] = shape as [number, number, number];
  const file = new PNG({ width, height });
  const plane = height * width;
  for (let at = 0; at < plane; at++) {
    for (let c = 0; c < 3; c++) {
      const value = data[(channels === 1 ? 0 : c) * plane + at]!;
      file.data[4 * at + c] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
    file.data[4 * at + 3] = 255;
  }
  return PNG.sync.write(file);
}

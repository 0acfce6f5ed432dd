import type { NdArray } from 'hyperloom/tensor';
import { PNG } from 'pngjs';
import { diverging } from './palette.ts';

/** A block of a picture: a matrix of values, each a rectangle of pixels, with its upper left corner. */
interface Block {
  readonly left: number;
  readonly top: number;
  readonly rows: number;
  readonly columns: number;
  /** Pixels of a value. */
  readonly cell: readonly [width: number, height: number];
  /** The value, from -1 to 1. */
  value(row: number, column: number): number;
}

/** Blocks on a transparent ground, blue below zero and red above, as a PNG. */
function paint(width: number, height: number, blocks: readonly Block[]): Uint8Array {
  const png = new PNG({ width, height });
  for (const { left, top, rows, columns, cell, value } of blocks) {
    const [across, down] = cell;
    for (let y = 0; y < rows * down; y++) {
      for (let x = 0; x < columns * across; x++) {
        const colour = diverging(value(Math.floor(y / down), Math.floor(x / across)));
        png.data.set([...colour, 255], ((top + y) * width + left + x) * 4);
      }
    }
  }
  return PNG.sync.write(png);
}

const largest = (data: Iterable<number>): number => {
  let most = 1e-12;
  for (const value of data) most = Math.max(most, Math.abs(value));
  return most;
};

/**
 * Convolution kernels [outputs, inputs, height, width] as a PNG: a row for each output channel, a column for each input
 * channel, blue for negative and red for positive weights, on one scale. A matrix [rows, columns] is one such kernel.
 */
export function kernelSheet({ shape, data }: NdArray, { zoom = 4, gap = 2 } = {}): Uint8Array {
  const [outputs, inputs, height, width] = (shape.length === 2 ? [1, 1, ...shape] : shape) as [
    number,
    number,
    number,
    number,
  ];
  const [cellWidth, cellHeight] = [width * zoom + gap, height * zoom + gap];
  const limit = largest(data);
  const blocks = Array.from({ length: outputs * inputs }, (_, at): Block => {
    const [o, c] = [Math.floor(at / inputs), at % inputs];
    return {
      left: c * cellWidth + gap,
      top: o * cellHeight + gap,
      rows: height,
      columns: width,
      cell: [zoom, zoom],
      value: (row, column) => data[(at * height + row) * width + column]! / limit,
    };
  });
  return paint(inputs * cellWidth + gap, outputs * cellHeight + gap, blocks);
}

/**
 * Generated weights for several codes as a PNG: a row for each code, a block for each weight on a scale of its own, in
 * which each column is an element; of large weights elements at even distances.
 * @param weights for each code, by path
 */
export function codeSheet(
  weights: readonly Readonly<Record<string, NdArray>>[],
  { columns: wanted = 360, gap = 4 } = {},
): Uint8Array {
  const paths = Object.entries(weights[0] ?? {});
  const total = paths.reduce((n, [, { data }]) => n + data.length, 0);
  const cell = [total > wanted / 2 ? 2 : 6, 14] as const;
  let left = gap;
  const blocks = paths.map(([path, { data }]): Block => {
    const count = data.length;
    const columns = total <= wanted ? count : Math.min(count, Math.max(2, Math.round((wanted * count) / total)));
    const rows = weights.map((own) => {
      const values = own[path]!.data;
      return Array.from({ length: columns }, (_, i) => values[Math.floor((i * count) / columns)]!);
    });
    const limit = largest(rows.flat());
    const block = {
      left,
      top: gap,
      rows: rows.length,
      columns,
      cell,
      value: (row: number, column: number) => rows[row]![column]! / limit,
    };
    left += columns * cell[0] + gap;
    return block;
  });
  return paint(left, weights.length * cell[1] + 2 * gap, blocks);
}

import { escaped } from './html.ts';
import { colourOf, palette } from './palette.ts';

/** One value for each character of a passage, from 0 upwards. */
export interface CharacterStrip {
  readonly name: string;
  readonly values: readonly number[];
}

const cell = { width: 12, text: 18, strip: 7, gap: 12 } as const;
const top = 62;
const side = 12;

/**
 * A passage of text as SVG, line by line, with a strip for each of several values under each line: a cell is the more
 * coloured the greater the value, on one scale for all strips, which ends at the value that 2 % exceed. The end of a
 * line stands as a sign; longer lines than `columns` go on in the next row.
 */
export function passagePicture(
  title: string,
  text: string,
  strips: readonly CharacterStrip[],
  { columns = 60 }: { readonly columns?: number } = {},
): string {
  const symbols = [...text];
  const places = placesOf(symbols, columns);
  const most = quantile(
    strips.flatMap(({ values }) => values),
    0.98,
  );
  const row = cell.text + strips.length * cell.strip + cell.gap;
  const width = 2 * side + columns * cell.width;
  const height = top + ((places.at(-1)?.row ?? 0) + 1) * row;
  const cells = symbols.map((symbol, i) => {
    const { row: line, column } = places[i]!;
    const [x, y] = [side + column * cell.width, top + line * row];
    const sign = shown(symbol);
    const letter = sign === ' ' ? '' : `<text x="${x + cell.width / 2}" y="${y + 13}">${escaped(sign)}</text>`;
    const boxes = strips.map(({ name, values }, s) => {
      const value = values[i] ?? 0;
      const says = `${name} at ${JSON.stringify(symbol)}: ${Number(value.toPrecision(3))}`;
      const opacity = Number(Math.min(1, value / most).toFixed(3));
      return `<rect x="${x}" y="${y + cell.text + s * cell.strip}" width="${cell.width - 1}" height="${cell.strip - 1}" fill="${colourOf(s)}" fill-opacity="${opacity}"><title>${escaped(says)}</title></rect>`;
    });
    return letter + boxes.join('');
  });
  const wide = (width - 2 * side) / Math.max(1, strips.length);
  const legend = strips.map(({ name }, i) => {
    const x = side + i * wide;
    return `<rect x="${x}" y="33" width="12" height="12" fill="${colourOf(i)}"/><text x="${x + 18}" y="43">${escaped(name)}</text>`;
  });
  const heading = `${title}; full colour: ${Number(most.toPrecision(2))}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><g fill="${palette.ink}" font-family="sans-serif"><text x="${width / 2}" y="18" text-anchor="middle" font-size="14" font-weight="bold">${escaped(heading)}</text><g font-size="12">${legend.join('')}</g><g font-family="monospace" font-size="13" text-anchor="middle">${cells.join('')}</g></g></svg>`;
}

/** Where each character stands: a new row follows a line's end and a full row. */
function placesOf(symbols: readonly string[], columns: number): { readonly row: number; readonly column: number }[] {
  let [row, column] = [0, 0];
  return symbols.map((symbol) => {
    if (column === columns) [row, column] = [row + 1, 0];
    const place = { row, column };
    column = symbol === '\n' ? columns : column + 1;
    return place;
  });
}

/** The value that a share of the values does not exceed, above 0. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.max(1e-12, sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
}

const shown = (symbol: string): string => (symbol === '\n' ? '⏎' : symbol.trim() === '' ? ' ' : symbol);

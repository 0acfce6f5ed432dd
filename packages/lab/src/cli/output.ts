import { numericColumn } from '../run/summary.ts';

/** A table with aligned columns: text to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)),
  );
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  const right = head.map((_, i) => numericColumn(rows.map((row) => row[i]!)));
  return cells
    .map((row) =>
      row
        .map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One line of the stream that `--json` asks for. */
export const jsonLine = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

/** A line for people. */
export const line = (text = ''): void => {
  process.stdout.write(`${text}\n`);
};

/** A number in four significant digits. */
export const short = (value: number): string => (value === 0 ? '0' : value.toPrecision(4));

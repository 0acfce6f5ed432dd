import { numericColumn } from '../run/summary.ts';

/** Text as HTML and SVG show it. XML has no place for control characters, such as the form feeds of old books. */
export const escaped = (text: string): string =>
  text
    .replace(/[^\P{Cc}\t\n\r]/gu, '\u{fffd}')
    .replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #6b7280; --page: #ffffff; --line: #e5e7eb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --soft: #9ca3af; --page: #14171c; --line: #30363d; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; } p, figcaption { color: var(--soft); }
table { border-collapse: collapse; display: block; overflow-x: auto; } th, td { padding: 0.25rem 0.9rem 0.25rem 0; border-bottom: 1px solid var(--line); text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td:first-child { min-width: 11rem; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; max-width: 100%; min-width: min(540px, 100%); overflow-x: auto; } figcaption { width: 0; min-width: 100%; } svg { max-width: 100%; height: auto; }
img { image-rendering: pixelated; max-width: 100%; }`;

/** A page that needs nothing from elsewhere. */
export const page = (title: string, body: string): string =>
  `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${escaped(title)}</title>\n<style>${style}</style>\n${body}\n</html>\n`;

/** A table; numbers stand to the right. */
export function tableHtml(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const numeric = head.map((_, i) => numericColumn(rows.map((row) => row[i]!)));
  const cell = (tag: string, value: string | number, i: number) =>
    `<${tag}${numeric[i] ? ' class="number"' : ''}>${escaped(typeof value === 'number' ? value.toLocaleString('en-US') : value)}</${tag}>`;
  const line = (tag: string, cells: readonly (string | number)[]) =>
    `<tr>${cells.map((value, i) => cell(tag, value, i)).join('')}</tr>`;
  return `<table>${line('th', head)}${rows.map((row) => line('td', row)).join('')}</table>`;
}

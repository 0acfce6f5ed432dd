import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { VarianceReport } from 'hyperloom/hyper';

/** A table of a document. The first column is text, the others are numbers. */
export function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

const pathOf = (name: string) => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

/**
 * Puts generated text into a document, between `<!-- name -->` and `<!-- end name -->`.
 * @throws Error when the document lacks either
 */
export function replaceSection(text: string, name: string, body: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- end ${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`expected ${open} and ${close} in the document`);
  return `${text.slice(0, from + open.length)}\n\n${body.trim()}\n\n${text.slice(to)}`;
}

/** Rewrites sections of a document in `docs/`. */
export function updateDocument(name: string, sections: Readonly<Record<string, string>>): void {
  const path = pathOf(name);
  const text = Object.entries(sections).reduce(
    (t, [key, body]) => replaceSection(t, key, body),
    readFileSync(path, 'utf8'),
  );
  writeFileSync(path, text);
}

/** Writes a picture into `docs/`, with a title for those who hear it and without its style for pointers. */
export function writePicture(name: string, title: string, svg: string): void {
  const plain = svg.replace(/<style\s*><!\[CDATA\[[\s\S]*?\]\]>\s*<\/style>\s*/g, '');
  writeFileSync(pathOf(name), `${plain.replace(/^<svg[^>]*>/, (open) => `${open}<title>${title}</title>`)}\n`);
}

/** Three figures that say most: 0.00123, 12.3, 1,230. */
export const figure = (value: number): string => {
  if (!Number.isFinite(value)) return String(value);
  if (value >= 1e6 || (value !== 0 && value < 1e-3)) return value.toExponential(1);
  return value >= 1000 ? Math.round(value).toLocaleString('en') : Number(value.toPrecision(3)).toString();
};

/** Of a kind of ratio, the one that is furthest from 1. */
export function worstRatio({ layers }: VarianceReport, kind: 'activation' | 'gradient'): string {
  const ratios = layers.flatMap((layer) => layer[kind].ratio ?? []);
  const [first] = ratios.sort((a, b) => Math.abs(Math.log(b)) - Math.abs(Math.log(a)));
  return figure(first ?? Number.NaN);
}

import { escaped } from './html.ts';
import { palette } from './palette.ts';

/** A text under its name. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

const [columns, lineHeight, margin, fontSize] = [80, 15, 12, 12];
/** Monospaced letters are 0.6 of their size wide. */
const width = Math.ceil(2 * margin + columns * 0.6 * fontSize);

/** Texts one below the other, as SVG: lines as they are, broken where they are too long. */
export function textSheet(title: string, texts: readonly NamedText[]): string {
  const parts: string[] = [];
  let y = margin + 14;
  const line = (text: string, style: string) => {
    if (text.trim() !== '')
      parts.push(`<text x="${margin}" y="${y}" xml:space="preserve" ${style}>${escaped(text)}</text>`);
    y += lineHeight;
  };
  const sans = 'font-family="sans-serif" font-weight="bold"';
  line(title, `${sans} font-size="14"`);
  for (const { name, text } of texts) {
    y += lineHeight / 2;
    line(name, `${sans} font-size="${fontSize}"`);
    for (const own of broken(text)) line(own, `font-family="monospace" font-size="${fontSize}"`);
  }
  const height = y + margin - lineHeight;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" fill="${palette.ink}">${parts.join('')}</svg>`;
}

/** Lines of at most `columns` characters, broken at spaces where there are any. */
function broken(text: string): string[] {
  return text.split('\n').flatMap((whole) => {
    const lines: string[] = [];
    let rest = [...whole.replaceAll('\t', ' ')];
    while (rest.length > columns) {
      const space = rest.lastIndexOf(' ', columns);
      const end = space > columns / 2 ? space + 1 : columns;
      lines.push(rest.slice(0, end).join(''));
      rest = rest.slice(end);
    }
    return [...lines, rest.join('')];
  });
}

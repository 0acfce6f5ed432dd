/** What stands for wildcards: `**` between dots may be no part at all, and then its dot is none either. */
const wildcards = new Map([
  ['**.', '(?:.*\\.)?'],
  ['**', '.*'],
  ['*', '[^.]*'],
]);

/**
 * A test over paths of a tree from a pattern: `*` stands for any part between dots, `**` for any number of parts, none
 * included: `**.weight` fits `weight` too.
 * @example
 * const isConv = glob('conv*.weight');
 * console.log(isConv('conv2.weight'), isConv('block.conv2.weight')); // true false
 */
export function glob(pattern: string): (path: string) => boolean {
  const source = pattern
    .split(/((?<![^.])\*\*\.|\*\*|\*)/)
    .map((text) => wildcards.get(text) ?? text.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'))
    .join('');
  const expression = new RegExp(`^${source}$`);
  return (path) => expression.test(path);
}

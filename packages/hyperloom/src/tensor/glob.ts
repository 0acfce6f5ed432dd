/**
 * A test over paths of a tree from a pattern: `*` stands for any part between dots, `**` for any number of parts.
 * @example
 * const isConv = glob('conv*.weight');
 * console.log(isConv('conv2.weight'), isConv('block.conv2.weight')); // true false
 */
export function glob(pattern: string): (path: string) => boolean {
  const source = pattern
    .split('**')
    .map((piece) =>
      piece
        .split('*')
        .map((text) => text.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'))
        .join('[^.]*'),
    )
    .join('.*');
  const expression = new RegExp(`^${source}$`);
  return (path) => expression.test(path);
}

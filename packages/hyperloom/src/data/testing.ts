/** An IDX file of unsigned bytes. */
export function idx(shape: readonly number[], data: Iterable<number>): Uint8Array {
  const content = Uint8Array.from(data);
  const bytes = new Uint8Array(4 + 4 * shape.length + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x0800 + shape.length);
  shape.forEach((size, axis) => {
    view.setUint32(4 + 4 * axis, size);
  });
  bytes.set(content, 4 + 4 * shape.length);
  return bytes;
}

/** The message of what an action rejects with. */
export async function messageOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'nothing was thrown';
}

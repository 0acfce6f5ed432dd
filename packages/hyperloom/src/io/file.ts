import { HyperloomError } from '../tensor/index.ts';

/** The file system refused: the message names the path and the cause on one line. */
export class FileError extends HyperloomError {
  override readonly name = 'FileError';
}

/** A temporary file older than this was left by a process that died, and is removed by the next write. */
const abandonedAfterMs = 10 * 60 * 1000;

/**
 * Writes a whole file or nothing: to a temporary file in the same folder, flushed to the disk, then renamed over `path`.
 * A process killed at any moment leaves the old file or the new one. Folders are not made. Where `path` is a link, the
 * file that it leads to is replaced; a device or a pipe, such as /dev/stdout, is written to and stays. Node only.
 * @throws FileError when the file system refuses (no such folder, no right, disk full); the old file is then intact and
 * the temporary one removed
 * @example
 * const save = (bytes: Uint8Array) => writeAtomic('run/checkpoint.safetensors', bytes);
 */
export async function writeAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const { open, realpath, rename, rm, stat, writeFile } = await import('node:fs/promises');
  const { basename, dirname, join } = await import('node:path');
  const { randomUUID } = await import('node:crypto');
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && !there.isFile() && !there.isDirectory()) {
    await writeFile(path, bytes).catch((cause: unknown) => {
      throw refusal('write', path, cause);
    });
    return;
  }
  const target = there === undefined ? path : await realpath(path);
  const folder = dirname(target);
  const prefix = `.${basename(target)}.`;
  const temporary = join(folder, `${prefix}${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    await syncFolder(folder);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw refusal('write', path, cause);
  }
  await removeAbandoned(folder, prefix);
}

/**
 * Reads a whole file. Node only.
 * @throws FileError when the file system refuses
 * @example
 * const load = () => readBytes('run/checkpoint.safetensors');
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  const { readFile } = await import('node:fs/promises');
  try {
    // A plain array of bytes: `slice` of Node's Buffer shares memory, which nobody expects of a Uint8Array.
    const { buffer, byteOffset, length } = await readFile(path);
    return new Uint8Array(buffer, byteOffset, length);
  } catch (cause) {
    throw refusal('read', path, cause);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'file too large',
  EISDIR: 'it is a folder',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space left on the disk',
  ENOTDIR: 'a part of the path is not a folder',
  EPERM: 'operation not permitted',
  EROFS: 'read-only file system',
};

function refusal(verb: 'read' | 'write', path: string, cause: unknown): FileError {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const reason = reasons[code] ?? message.split('\n')[0];
  return new FileError(`cannot ${verb} "${path}": ${reason}${code === '' ? '' : ` (${code})`}`, { cause });
}

/** Makes the rename last through a power cut. Windows and some network disks cannot flush a folder, and need not. */
async function syncFolder(folder: string): Promise<void> {
  const { open } = await import('node:fs/promises');
  const unsupported = ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP'];
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (cause) {
    if (!unsupported.includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause;
  }
}

/** Best effort: the file that was asked for is safe already, so that nothing here may fail the write. */
async function removeAbandoned(folder: string, prefix: string): Promise<void> {
  const { readdir, rm, stat } = await import('node:fs/promises');
  const { join } = await import('node:path');
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names.filter((each) => each.startsWith(prefix) && each.endsWith('.tmp'))) {
    const file = join(folder, name);
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > abandonedAfterMs) await rm(file, { force: true }).catch(() => undefined);
  }
}

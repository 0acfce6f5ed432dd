import { rmSync, writeFileSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArgumentError } from 'hyperloom/tensor';

/** Locks of this process, which are no obstacle to a stale one with the same number. */
const held = new Set<string>();

/**
 * Keeps other processes from training in a folder, by a file `lock` with the number of this one. The lock of a process
 * that is gone is taken over.
 * @returns what takes the lock away again; the end of the process does so too
 * @throws ArgumentError when a process that is alive holds the lock
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const path = join(folder, 'lock');
  for (;;) {
    if (taken(path)) break;
    const owner = Number(await readFile(path, 'utf8').catch(() => ''));
    if (held.has(path) || (owner !== process.pid && alive(owner)))
      throw new ArgumentError(
        `--out: expected a folder in which no other process trains, got ${folder}, in which process ${owner} does`,
      );
    // Of several that find the same stale lock one renames it; the others find the next one.
    const stale = `${path}.${process.pid}`;
    await rename(path, stale).catch(() => {});
    await rm(stale, { force: true });
  }
  held.add(path);
  const release = () => {
    process.off('exit', release);
    // A folder that was taken away in the meantime took its lock along.
    if (held.delete(path)) rmSync(path, { force: true });
  };
  process.on('exit', release);
  return release;
}

function taken(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    // On a full disk the file is made, and then cannot be written.
    rmSync(path, { force: true });
    throw new ArgumentError(
      `--out: expected a folder that can be written to, got ${path}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/** Whether a process of a number runs; one of another user does too. */
function alive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

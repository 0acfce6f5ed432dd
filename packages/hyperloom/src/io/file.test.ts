import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBytes, writeAtomic } from './file.ts';
import { messageOf } from './testing.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperloom-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const relative = (message: string) => message.replaceAll(folder, 'FOLDER');

/** Arguments for Node that run a script with `writeAtomic` in reach. */
const script = (body: string) => [
  '--import',
  'tsx',
  '--input-type=module',
  '--eval',
  `import { writeAtomic } from ${JSON.stringify(fileURLToPath(new URL('./file.ts', import.meta.url)))};\n${body}`,
];

describe('writeAtomic', () => {
  it('writes a new file and replaces an old one', async () => {
    await writeAtomic(at('a'), new Uint8Array([1, 2, 3]));
    expect(await readBytes(at('a'))).toEqual(Uint8Array.of(1, 2, 3));
    await writeAtomic(at('a'), new Uint8Array([4]));
    expect(await readBytes(at('a'))).toEqual(Uint8Array.of(4));
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('lets the last of several writers at once win, whole', async () => {
    const contents = Array.from({ length: 8 }, (_, i) => new Uint8Array(100_000).fill(i));
    await Promise.all(contents.map((bytes) => writeAtomic(at('a'), bytes)));
    const found = readFileSync(at('a'));
    expect(found.equals(contents[found[0]!]!)).toBe(true);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('replaces the file behind a link, and leaves the link', async () => {
    mkdirSync(at('other'));
    writeFileSync(at('other/a'), 'old');
    symlinkSync(at('other/a'), at('link'));
    await writeAtomic(at('link'), Uint8Array.of(5));
    expect(lstatSync(at('link')).isSymbolicLink()).toBe(true);
    expect(await readBytes(at('other/a'))).toEqual(Uint8Array.of(5));
    expect(readdirSync(at('other'))).toEqual(['a']);
  });

  it.skipIf(process.platform === 'win32')('writes to a pipe and leaves it one', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const reading = readBytes(at('pipe'));
    await writeAtomic(at('pipe'), Uint8Array.of(7, 8));
    expect(await reading).toEqual(Uint8Array.of(7, 8));
    expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
  });

  it('says why it cannot write', async () => {
    mkdirSync(at('sub'));
    writeFileSync(at('plain'), 'x');
    const byte = new Uint8Array(1);
    expect(relative(await messageOf(() => writeAtomic(at('none/a'), byte)))).toMatchInlineSnapshot(
      `"FileError: cannot write "FOLDER/none/a": no such file or folder (ENOENT)"`,
    );
    expect(relative(await messageOf(() => writeAtomic(at('plain/a'), byte)))).toMatchInlineSnapshot(
      `"FileError: cannot write "FOLDER/plain/a": a part of the path is not a folder (ENOTDIR)"`,
    );
    expect(relative(await messageOf(() => writeAtomic(at('sub'), byte)))).toMatchInlineSnapshot(
      `"FileError: cannot write "FOLDER/sub": it is a folder (EISDIR)"`,
    );
    expect(readdirSync(folder).sort()).toEqual(['plain', 'sub']);
  });

  it.skipIf(process.getuid?.() === 0)('needs the right to write', async () => {
    mkdirSync(at('locked'));
    chmodSync(at('locked'), 0o500);
    expect(relative(await messageOf(() => writeAtomic(at('locked/a'), new Uint8Array(1))))).toBe(
      'FileError: cannot write "FOLDER/locked/a": permission denied (EACCES)',
    );
  });

  // A limit on the size of files fails a write half-way, as a full disk does, and needs no rights.
  it.skipIf(process.platform === 'win32')('leaves the old file and nothing else when a write fails half-way', () => {
    writeFileSync(at('a'), 'old');
    const body = `await writeAtomic(process.argv[1], new Uint8Array(5_000_000)).catch((e) => console.log(e.message));`;
    const shell = ['-c', 'ulimit -f 2048; exec "$0" "$@"', process.execPath, ...script(body), at('a')];
    const printed = execFileSync('sh', shell, { encoding: 'utf8' });
    expect(relative(printed)).toBe('cannot write "FOLDER/a": file too large (EFBIG)\n');
    expect(readFileSync(at('a'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it.skipIf(!canMount())('leaves the old file and nothing else when the disk is full', async () => {
    mkdirSync(at('disk'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at('disk')]);
    try {
      writeFileSync(at('disk/a'), 'old');
      const message = await messageOf(() => writeAtomic(at('disk/a'), new Uint8Array(2_000_000)));
      expect(relative(message)).toBe('FileError: cannot write "FOLDER/disk/a": no space left on the disk (ENOSPC)');
      expect(readFileSync(at('disk/a'), 'utf8')).toBe('old');
      expect(readdirSync(at('disk'))).toEqual(['a']);
    } finally {
      execFileSync('umount', [at('disk')]);
    }
  });

  it('leaves a whole file when the process is killed at any moment', async () => {
    writeFileSync(at('a'), new Uint8Array(1_000_000));
    const body = `
      for (let i = 1; ; i = (i + 1) % 256) {
        await writeAtomic(process.argv[1], new Uint8Array(1_000_000).fill(i));
        if (i === 1) process.stdout.write('going');
      }`;
    for (let kill = 0; kill < 4; kill++) {
      const child = spawn(process.execPath, [...script(body), at('a')], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, 20 * Math.random()));
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
      const found = readFileSync(at('a'));
      expect(found.length).toBe(1_000_000);
      expect(found.every((byte) => byte === found[0])).toBe(true);
    }
  });

  it('removes what killed writers left, once it is old', async () => {
    const old = new Date(Date.now() - 3_600_000);
    for (const name of ['.a.1.tmp', '.b.1.tmp', '.a.2.tmp']) writeFileSync(at(name), 'x');
    for (const name of ['.a.1.tmp', '.b.1.tmp']) utimesSync(at(name), old, old);
    await writeAtomic(at('a'), new Uint8Array(1));
    expect(readdirSync(folder).sort()).toEqual(['.a.2.tmp', '.b.1.tmp', 'a']);
  });
});

describe('readBytes', () => {
  it('says why it cannot read', async () => {
    expect(relative(await messageOf(() => readBytes(at('none'))))).toMatchInlineSnapshot(
      `"FileError: cannot read "FOLDER/none": no such file or folder (ENOENT)"`,
    );
    expect(relative(await messageOf(() => readBytes(folder)))).toMatchInlineSnapshot(
      `"FileError: cannot read "FOLDER": it is a folder (EISDIR)"`,
    );
  });
});

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const probe = mkdtempSync(join(tmpdir(), 'hyperloom-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe], { stdio: 'ignore' });
    execFileSync('umount', [probe], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

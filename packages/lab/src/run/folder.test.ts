import { execFileSync, spawnSync } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunFolder } from './folder.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'run-'));
});
afterAll(() => rm(root, { recursive: true }));

const config = { recipe: 'mnist', settings: { batch: 8 }, seed: 0, steps: null, versions: { hyperloom: '0' } };

test('a run is resumed with the settings that it began with, or not at all', async () => {
  const path = join(root, 'a');
  (await RunFolder.create(path, config, { resume: false })).release();
  await expect(RunFolder.create(path, config, { resume: false })).rejects.toThrow(/add --resume/);
  await expect(RunFolder.create(path, { ...config, settings: { batch: 9 } }, { resume: true })).rejects.toThrow(
    /expected the batch with which/,
  );
  await expect(RunFolder.create(path, { ...config, seed: 1 }, { resume: true })).rejects.toThrow(
    /expected the seed with which/,
  );
  expect((await RunFolder.open(path)).config).toEqual(config);
  const reading = join(root, 'reading');
  const read = { text: 'digest of a file' };
  (await RunFolder.create(reading, { ...config, read }, { resume: false })).release();
  (await RunFolder.create(reading, { ...config, read }, { resume: true })).release();
  await expect(
    RunFolder.create(reading, { ...config, read: { text: 'of another' } }, { resume: true }),
  ).rejects.toThrow(/expected the content of the text with which .*reading began, got another/);
});

test('a run that is given up takes its files away, and no others', async () => {
  const fresh = await RunFolder.create(join(root, 'h', 'i'), config, { resume: false });
  await fresh.write('metrics.jsonl', '');
  await fresh.discard();
  expect(await readdir(join(root, 'h'))).toEqual([]);
  const saved = await RunFolder.create(join(root, 'h'), config, { resume: false });
  await writeFile(saved.checkpoint({ seed: 0, trial: 'main', phase: 'task1' }), '');
  await saved.discard();
  expect(await readdir(join(root, 'h'))).toContain('config.json');
  saved.release();
  const path = join(root, 'j');
  await mkdir(path);
  await writeFile(join(path, 'notes.txt'), 'mine');
  await (await RunFolder.create(path, config, { resume: false })).discard();
  expect(await readdir(path)).toEqual(['notes.txt']);
  (await RunFolder.create(path, config, { resume: false })).release();
  const resumed = await RunFolder.create(path, config, { resume: true });
  await resumed.discard();
  resumed.release();
  expect(await readdir(path)).toEqual(['config.json', 'notes.txt']);
});

test('a folder that cannot be made is one line', async () => {
  await writeFile(join(root, 'k'), '');
  const refused = (path: string) => expect(RunFolder.create(path, config, { resume: false })).rejects;
  await refused(join(root, 'k')).toThrow(/--out: expected a folder that can be made, got .*: EEXIST/);
  await refused(join(root, 'k', 'l')).toThrow(/ENOTDIR/);
  await refused('').toThrow(/ENOENT/);
  if (process.platform === 'linux') await refused('/proc/none/here').toThrow(/ENOENT/);
});

test.skipIf(process.platform === 'win32')('a disk that is full leaves no folder behind', () => {
  const path = join(root, 'full');
  const program = `
    import { RunFolder } from ${JSON.stringify(new URL('./folder.ts', import.meta.url).href)};
    await RunFolder.create(${JSON.stringify(path)}, ${JSON.stringify(config)}, { resume: false })
      .catch((error) => console.log(error.message));`;
  // No file of this process may grow; files are made all the same.
  const limited = `trap '' XFSZ; ulimit -f 0; exec "$0" "$@"`;
  const node = [process.execPath, '--import', 'tsx', '--conditions=source', '--input-type=module', '-e', program];
  const said = execFileSync('sh', ['-c', limited, ...node], { encoding: 'utf8' });
  expect(said).toMatch(/^--out: expected a folder that can be written to, got .*full.lock: EFBIG: .*\n$/);
  return expect(access(path)).rejects.toThrow(/ENOENT/);
});

test('another process is refused while one trains, and the lock of a dead one is taken over', async () => {
  const path = join(root, 'f');
  const folder = await RunFolder.create(path, config, { resume: false });
  await expect(RunFolder.create(path, config, { resume: true })).rejects.toThrow(
    `--out: expected a folder in which no other process trains, got ${path}, in which process ${process.pid} does`,
  );
  folder.release();
  await writeFile(join(path, 'lock'), String(process.ppid));
  await expect(RunFolder.create(path, config, { resume: true })).rejects.toThrow(/in which process \d+ does/);
  const dead = spawnSync(process.execPath, ['--version']).pid;
  await writeFile(join(path, 'lock'), String(dead));
  (await RunFolder.create(path, config, { resume: true })).release();
  await expect(access(join(path, 'lock'))).rejects.toThrow(/ENOENT/);
});

test('checkpoints are named by trial, phase and seed', async () => {
  const folder = await RunFolder.create(join(root, 'g'), { ...config, seed: 3, seeds: 2 }, { resume: false });
  const name = (seed: number, trial: string, phase?: string) =>
    relative(folder.path, folder.checkpoint({ seed, trial, phase }));
  expect(folder.seeds).toEqual([3, 4]);
  expect(name(3, 'main')).toBe('checkpoint.safetensors');
  expect(name(3, 'control')).toBe('checkpoint.control.safetensors');
  expect(name(3, 'main', 'task1')).toBe('checkpoint.main.task1.safetensors');
  expect(name(4, 'main')).toBe('seed4/checkpoint.safetensors');
  expect(() => name(3, '../main')).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: expected letters, digits, - and _ for the name of a trial or phase, got "../main"]`,
  );
});

test('the command that goes on is one that a shell takes', async () => {
  const path = join(root, "my 'run'");
  await mkdir(path);
  await writeFile(join(path, 'config.json'), JSON.stringify(config));
  const { resuming } = await RunFolder.open(path);
  const printed = execFileSync('sh', ['-c', resuming.replace('hyperloom', `printf '%s\\n'`)], { encoding: 'utf8' });
  expect(printed.split('\n')).toEqual(['train', 'mnist', '--out', path, '--resume', '']);
});

test('the config.json of something else is no run', async () => {
  const path = join(root, 'e');
  await mkdir(path);
  await writeFile(join(path, 'config.json'), '{"name":"other"}');
  await expect(RunFolder.open(path)).rejects.toThrow(/expected the recipe, settings, seed and steps of a run/);
});

test('a broken config.json is named', async () => {
  const path = join(root, 'c');
  await RunFolder.create(path, config, { resume: false });
  await writeFile(join(path, 'config.json'), '{"recipe":');
  await expect(RunFolder.open(path)).rejects.toThrow(/config\.json: expected JSON, got something else/);
});

import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FormatError } from 'hyperloom/tensor';
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
  await RunFolder.create(path, config, { resume: false });
  await expect(RunFolder.create(path, config, { resume: false })).rejects.toThrow(/add --resume/);
  await expect(RunFolder.create(path, { ...config, settings: { batch: 9 } }, { resume: true })).rejects.toThrow(
    /expected the batch with which/,
  );
  await expect(RunFolder.create(path, { ...config, seed: 1 }, { resume: true })).rejects.toThrow(
    /expected the seed with which/,
  );
  expect((await RunFolder.open(path)).config).toEqual(config);
});

test('a line cut off at the end of the metrics is left out, and lines without a checkpoint are dropped', async () => {
  const path = join(root, 'b');
  const folder = await RunFolder.create(path, config, { resume: false });
  folder.log({ trial: 'main', event: 'step', step: 10, loss: 1 });
  await appendFile(join(path, 'metrics.jsonl'), '{"trial":"main","ev');
  expect(await folder.metrics()).toEqual([{ trial: 'main', event: 'step', step: 10, loss: 1 }]);
  await folder.rewind(['main']);
  expect(await readFile(join(path, 'metrics.jsonl'), 'utf8')).toBe('');
});

test('a damaged checkpoint is refused before it costs the metrics', async () => {
  const path = join(root, 'd');
  const folder = await RunFolder.create(path, config, { resume: false });
  folder.log({ trial: 'main', event: 'step', step: 10, loss: 1 });
  await writeFile(folder.checkpoint('main'), 'not a checkpoint');
  await expect(folder.rewind(['main'])).rejects.toThrow(FormatError);
  expect(await folder.metrics()).toHaveLength(1);
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

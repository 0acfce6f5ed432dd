import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveCheckpoint } from 'hyperloom/io';
import { FormatError } from 'hyperloom/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunFolder } from './folder.ts';
import { Journal, readMetrics } from './journal.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'journal-'));
});
afterAll(() => rm(root, { recursive: true }));

const newFolder = (name: string) =>
  RunFolder.create(join(root, name), { recipe: 'mnist', settings: {}, seed: 0, steps: null }, { resume: false });
const training = { seed: 0, trial: 'main', phase: 'task1' };

test('what follows the checkpoint of a training is dropped, and so is a line that was cut off', async () => {
  const folder = await newFolder('a');
  const journal = await Journal.open(folder);
  for (const step of [10, 20, 30]) journal.logTraining(training, { event: 'step', step, loss: 1 }, step);
  journal.logTraining({ seed: 0, trial: 'control' }, { event: 'step', step: 10, loss: 1 }, 1);
  await appendFile(join(folder.path, 'metrics.jsonl'), '{"trial":"main","ev');
  expect(await readMetrics(folder)).toHaveLength(5);
  await saveCheckpoint(folder.checkpoint(training), { trees: {}, step: 20, config: null });

  const resumed = await Journal.open(folder);
  const kept = { ...training, event: 'step', loss: 1 };
  expect(resumed.lines.filter(({ event }) => event === 'step')).toMatchObject([
    { ...kept, step: 10, seconds: 10 },
    { ...kept, step: 20, seconds: 20 },
  ]);
  expect(resumed.secondsOf(training)).toBe(20);
  expect(resumed.secondsOf({ seed: 0, trial: 'control' })).toBe(0);
});

test('seconds add up over the calls, those of steps that were lost included', async () => {
  const folder = await newFolder('b');
  const first = await Journal.open(folder, performance.now() - 100_000);
  first.logTraining(training, { event: 'step', step: 10 }, 5);
  const second = await Journal.open(folder, performance.now() - 10_000);
  expect(second.elapsed).toBeGreaterThan(110);
  const third = await Journal.open(folder);
  expect(third.elapsed).toBeGreaterThan(100);
  expect(third.elapsed).toBeLessThan(110);
});

test('a damaged checkpoint is refused before it costs the metrics', async () => {
  const folder = await newFolder('c');
  const journal = await Journal.open(folder);
  journal.logTraining(training, { event: 'step', step: 10 }, 1);
  const before = await readFile(join(folder.path, 'metrics.jsonl'), 'utf8');
  await writeFile(folder.checkpoint(training), 'not a checkpoint');
  await expect(Journal.open(folder)).rejects.toThrow(FormatError);
  expect(await readFile(join(folder.path, 'metrics.jsonl'), 'utf8')).toBe(before);
});

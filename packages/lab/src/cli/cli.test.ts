import { spawn } from 'node:child_process';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCheckpoint } from 'hyperloom/io';
import type { NdArray } from 'hyperloom/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const entry = new URL('./main.ts', import.meta.url).pathname;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line from its sources; `watch` sees the output as it grows and may end the process. */
function hyperloom(
  args: readonly string[],
  watch?: (out: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=source', entry, ...args]);
  let out = '';
  let err = '';
  child.stderr.on('data', (text) => {
    err += text;
  });
  child.stdout.on('data', (text) => {
    out += text;
    watch?.(out, (signal) => child.kill(signal));
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-'));
});
afterAll(() => rm(folder, { recursive: true }));

const short = ['--steps', '40', '--set', 'control=false', '--threads', '1'];
const bits = async (run: string): Promise<number[][]> => {
  const { trees } = await loadCheckpoint(join(run, 'checkpoint.safetensors'));
  return Object.values(trees).flatMap((tree) => Object.values(tree).map(({ data }: NdArray) => [...data]));
};
const jsonLines = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('hyperloom train mnist', () => {
  test('learns, and leaves a folder that the other commands read', async () => {
    const out = join(folder, 'whole');
    const ended = await hyperloom(['train', 'mnist', ...short, '--out', out, '--json']);
    expect(ended.err).toBe('');
    expect(ended.code).toBe(0);
    const lines = jsonLines(ended.out);
    const done = lines.at(-1) as { event: string; metrics: Record<string, number>; seconds: number };
    expect(done.event).toBe('done');
    expect(done.metrics['params.total']).toBe(12_910);
    expect(done.metrics['params.direct']).toBe(21_210);
    expect(done.metrics['test.accuracy']).toBeGreaterThan(0.8);
    expect(done.seconds).toBeGreaterThan(0);
    for (const name of [
      'config.json',
      'metrics.jsonl',
      'report/index.html',
      'report/kernels.conv2.weight.png',
      'report/loss.svg',
    ])
      await access(join(out, name));
    const page = await readFile(join(out, 'report/index.html'), 'utf8');
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    expect(page).toContain('12,910');

    const evaluated = await hyperloom(['eval', out, '--json', '--threads', '1']);
    expect((jsonLines(evaluated.out).at(-1) as typeof done).metrics['test.accuracy']).toBeCloseTo(
      done.metrics['test.accuracy']!,
      6,
    );
    const inspected = await hyperloom(['inspect', out, '--threads', '1']);
    expect(inspected.out).toMatch(/conv2\.weight +16x16x7x7 +generated +12,544/);
    expect(inspected.out).toContain('all parameters: 12,910, against 21,210 trained directly (60.9 %)');
    const generated = await hyperloom(['generate', out, '--out', join(out, 'weights.safetensors'), '--threads', '1']);
    expect(generated.out).toContain('conv2.weight');
    await access(join(out, 'weights.safetensors'));

    const again = await hyperloom(['train', 'mnist', ...short, '--out', out]);
    expect([again.code, again.err]).toEqual([
      2,
      `hyperloom: --out: expected a folder without a run, got ${out}; add --resume to go on with it\n`,
    ]);
    const finished = await hyperloom(['train', 'mnist', ...short, '--out', out, '--resume', '--json']);
    expect((jsonLines(finished.out).at(-1) as typeof done).metrics['test.accuracy']).toBe(
      done.metrics['test.accuracy'],
    );
  }, 60_000);

  test.each(['SIGKILL', 'SIGINT'] as const)(
    'stopped by %s and resumed, it ends with the same bits',
    async (signal) => {
      const out = join(folder, signal);
      const args = [
        'train',
        'mnist',
        '--steps',
        '40',
        '--set',
        'control=false',
        '--set',
        'batch=500',
        '--threads',
        '1',
        '--json',
        '--out',
        out,
      ];
      const whole = join(folder, 'uninterrupted');
      await hyperloom([...args.slice(0, -1), whole, '--resume']);
      const stopped = await hyperloom(args, (text, kill) => text.includes('"step":14') && kill(signal));
      if (signal === 'SIGINT') expect(stopped.code).toBe(1);
      const resumed = await hyperloom([...args, '--resume']);
      expect(resumed.code).toBe(0);
      expect(await bits(out)).toEqual(await bits(whole));
      const steps = (await readFile(join(out, 'metrics.jsonl'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .filter(({ event }) => event === 'step');
      expect(steps.map(({ step }) => step)).toEqual([...new Set(steps.map(({ step }) => step))]);
    },
    60_000,
  );
});

describe('the command line', () => {
  test.each([
    [['train', 'mnits'], 'hyperloom: expected a recipe (mnist), got "mnits"; did you mean mnist?'],
    [
      ['train', 'mnist', '--set', 'contorl=false'],
      'hyperloom: --set: expected one of full, control, batch, epochs, learningRate, init, got "contorl"; did you mean control?',
    ],
    [['train', 'mnist', '--set', 'batch=many'], 'hyperloom: --set batch: expected a number, got "many"'],
    [
      ['train', 'mnist', '--steps', '0'],
      "error: option '--steps <n>' argument '0' is invalid. expected a whole number of at least 1.",
    ],
    [['eval', '/nowhere'], 'hyperloom: expected a folder with a run, got /nowhere, which has no config.json'],
    [['fly'], "error: unknown command 'fly'"],
  ])('%j is misused: one line, exit code 2', async (args, message) => {
    const { code, out, err } = await hyperloom(args);
    expect([code, out, err.split('\n')[0]]).toEqual([2, '', message]);
  });

  test('lists recipes with their settings and published figures', async () => {
    const { code, out } = await hyperloom(['recipes']);
    expect(code).toBe(0);
    expect(out).toContain('test error 0.76 % with 12,910 parameters');
    expect(out).toContain('--set full=');
  });

  test('every command explains itself', async () => {
    for (const verb of ['train', 'eval', 'inspect', 'generate', 'recipes']) {
      const { code, out } = await hyperloom([verb, '--help']);
      expect(code).toBe(0);
      expect(out).toContain(`Usage: hyperloom ${verb}`);
    }
  });
});

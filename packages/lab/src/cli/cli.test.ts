import { spawn } from 'node:child_process';
import { access, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plan } from 'hyperloom/hyper';
import { decodeSafetensors, loadCheckpoint, readBytes } from 'hyperloom/io';
import type { NdArray } from 'hyperloom/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entry, hyperloom, jsonLines, spawned } from './testing.ts';

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
const once = <T>(make: () => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
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
    expect(inspected.out).toMatch(/relu +16 +\d+ +\d+\.\d %/);
    expect([inspected.code, inspected.err]).toEqual([0, '']);
    const generated = await hyperloom(['generate', out, '--out', join(out, 'weights.safetensors'), '--threads', '1']);
    expect(generated.out).toContain('conv2.weight');
    const weights = decodeSafetensors(await readBytes(join(out, 'weights.safetensors')), 'weights');
    expect(weights.tensors['conv2.weight']?.shape).toEqual([16, 16, 7, 7]);
    const coded = await hyperloom(['generate', out, '--code', '1,2', '--threads', '1']);
    expect([coded.code, coded.err]).toEqual([2, 'hyperloom: --code: expected none for the hypernetwork, got "1,2"\n']);

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
});

describe('a run that is stopped', () => {
  // Wide enough that a signal arrives before the run is through.
  const steps = 60;
  const settings = ['--steps', String(steps), '--seeds', '1', '--set', 'control=false', '--set', 'hidden=500'];
  const common = ['--threads', '1', '--json'];
  const whole = once(() => hyperloom(['train', 'pareto-toy', ...settings, ...common, '--out', join(folder, 'uncut')]));

  test.each([
    // By this line a checkpoint is on the disk, and the steps that follow it are lost.
    ['SIGKILL', '"event":"checkpoint"'],
    ['SIGINT', '"step":14'],
  ] as const)(
    'by %s and resumed ends with the same bits',
    async (signal, moment) => {
      const out = join(folder, signal);
      expect((await whole()).code).toBe(0);
      let killed = false;
      const stopped = await spawned(['train', 'pareto-toy', ...settings, ...common, '--out', out], (text, kill) => {
        if (killed || !text.includes(moment)) return;
        killed = true;
        kill(signal);
        // Under npx one Ctrl-C arrives twice.
        setTimeout(() => kill(signal), 5);
      });
      const resume = ['train', 'pareto-toy', '--out', out, '--resume'];
      if (signal === 'SIGINT')
        expect([stopped.code, stopped.err]).toEqual([
          1,
          `hyperloom: stopped; go on with: hyperloom ${resume.join(' ')}\n`,
        ]);
      const resumed = await hyperloom([...resume, ...common]);
      expect([resumed.code, resumed.err]).toEqual([0, '']);
      const start = jsonLines(resumed.out)[0] as { readonly event: string; readonly step: number };
      expect(start.event).toBe('start');
      expect(start.step).toBeGreaterThan(0);
      expect(start.step).toBeLessThan(steps);
      expect(await bits(out)).toEqual(await bits(join(folder, 'uncut')));
      const logged = jsonLines(await readFile(join(out, 'metrics.jsonl'), 'utf8'))
        .filter(({ event }) => event === 'step')
        .map(({ step }) => step);
      expect(logged).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    },
    60_000,
  );
});

describe('the command line', () => {
  test.each([
    [['train', 'mnits'], expect.stringMatching(/^expected a recipe \(mnist.*\), got "mnits"; did you mean mnist\?$/)],
    [['plan'], 'plan: expected a recipe or --target, got neither'],
    [
      ['plan', '--target', 'mlp:3'],
      '--target: expected mlp: and two widths or more, such as mlp:1,40,40,1, got "mlp:3"',
    ],
    [
      ['plan', 'mnist', '--budget-bytes', '-1'],
      "option '--budget-bytes <n>' argument '-1' is invalid. expected a number above 0.",
    ],
    [['train'], "missing required argument 'recipe'"],
    [['train', 'mnist', '--set', 'init=papr'], '--set init: expected one of hyperfan, paper, got "papr"'],
    [
      ['train', 'mnist', '--steps', '0'],
      "option '--steps <n>' argument '0' is invalid. expected a whole number of at least 1.",
    ],
    [
      ['train', 'mnist', '--provider', 'gpu'],
      expect.stringMatching(/^--provider: expected one of cpu, .*, got "gpu"$/),
    ],
    [['eval', 'nowhere'], 'expected a folder with a run, got nowhere, which has no config.json'],
    [['tain'], "unknown command 'tain' (Did you mean train?)"],
    [
      ['train', 'pareto-toy', '--seed', '9007199254740991', '--seeds', '2'],
      '--seed: expected the last of 2 seeds below 2^53, got 9007199254740991 as the first',
    ],
  ])('%j is misused: one line, exit code 2', async (args, message) => {
    const { code, out, err } = await hyperloom(args);
    expect([code, out]).toEqual([2, '']);
    expect(err.split('\n')).toEqual([expect.stringMatching(/^hyperloom: /), '']);
    expect(err.slice('hyperloom: '.length, -1)).toEqual(message);
  });

  test('several seeds end in their means and spreads', async () => {
    const out = join(folder, 'seeds');
    const brief = ['--steps', '2', '--set', 'control=false', '--seeds', '2', '--threads', '1', '--json'];
    const { code, out: text } = await hyperloom(['train', 'pareto-toy', ...brief, '--out', out]);
    expect(code).toBe(0);
    type Metrics = Record<string, number>;
    const done = jsonLines(text).at(-1) as { metrics: Metrics; seeds: { seed: number; metrics: Metrics }[] };
    expect(done.seeds.map(({ seed }) => seed)).toEqual([0, 1]);
    const [first, second] = done.seeds.map(({ metrics }) => metrics['test.hypervolume']!) as [number, number];
    expect(done.metrics['test.hypervolume']).toBeCloseTo((first + second) / 2, 10);
    expect(done.metrics['test.hypervolume.sd']).toBeCloseTo(Math.abs(first - second) / Math.SQRT2, 10);
    expect(done.metrics['params.total']).toBe(20_500);
    await access(join(out, 'seed1/checkpoint.safetensors'));
  });

  test('settings that do not fit the data leave no folder behind', async () => {
    const out = join(folder, 'unfit');
    const { code, err } = await hyperloom(['train', 'mnist', '--set', 'batch=60000', '--out', out]);
    expect([code, err]).toEqual([2, 'hyperloom: batches: expected a size from 1 to the 55000 examples, got 60000\n']);
    await expect(access(out)).rejects.toThrow(/ENOENT/);
  });

  test('a run that diverges before it has saved anything leaves no folder behind', async () => {
    const out = join(folder, 'diverged');
    const settings = ['--set', 'learningRate=1e30', '--steps', '20', '--threads', '1'];
    const { code, err } = await hyperloom(['train', 'pareto-toy', ...settings, '--out', out]);
    expect([code, err]).toEqual([1, expect.stringMatching(/the loss is NaN.*no checkpoint was saved\n$/)]);
    await expect(access(out)).rejects.toThrow(/ENOENT/);
  });

  test('a run that cannot begin leaves no folder behind', async () => {
    const out = join(folder, 'never');
    // The size is met only when the trial trains.
    const args = ['train', 'continual-toy', '--set', 'batch=101', '--threads', '1', '--out', out];
    const { code, err } = await hyperloom(args);
    expect([code, err]).toEqual([2, 'hyperloom: batches: expected a size from 1 to the 100 examples, got 101\n']);
    await expect(access(out)).rejects.toThrow(/ENOENT/);
  });

  test('a run whose reader goes away goes on quietly to its report', async () => {
    const out = join(folder, 'pipe');
    const brief = ['--steps', '200', '--set', 'control=false', '--threads', '1', '--json'];
    const piped = await spawned(['train', 'pareto-toy', ...brief, '--out', out], undefined, { leave: true });
    expect([piped.code, piped.err]).toEqual([0, '']);
    await access(join(out, 'report', 'index.html'));
  });

  test.skipIf(process.platform !== 'linux')('an output that cannot be written is one line', async () => {
    const full = await open('/dev/full', 'w');
    const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=source', entry, 'recipes'], {
      stdio: ['ignore', full.fd, 'pipe'],
    });
    let err = '';
    child.stderr?.on('data', (text) => {
      err += text;
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1);
    expect(err).toMatch(/^hyperloom: cannot write the output: ENOSPC.*\n$/);
    await full.close();
  });

  test('plans heads for a recipe and for a target, with the figures of the paper', async () => {
    const planned = await hyperloom(['plan', 'mnist', '--budget-parameters', '13000', '--json']);
    expect([planned.code, planned.err]).toEqual([0, '']);
    const { direct, entries, unfit } = jsonLines(planned.out)[0] as unknown as Plan;
    expect(direct).toEqual({
      parameters: 21_210,
      multiplyAdds: 28 * 28 * 16 * 49 + 14 * 14 * 256 * 49 + 7840,
      bytes: 4 * 21_210,
    });
    const own = entries.at(-1)!;
    expect([own.title, own.parameters, own.fits]).toEqual(["the recipe's own (layerwise)", 12_910, true]);
    expect(unfit[0]!.reason).toContain('expected a code of at least 1 element');
    const target = await hyperloom(['plan', '--target', 'mlp:1,40,40,1', '--code', '8', '--budget-parameters', '1e3']);
    expect([target.code, target.err]).toEqual([0, '']);
    expect(target.out).toMatch(/^trained directly +1,761 +1\.00 +0 +1,680 /m);
    expect(target.out).toMatch(/^dense +15,849 +9\.00 +14,088 .* no$/m);
    expect(target.out).toMatch(/^None fits\. The nearest is chunked: 2,266 of 1,000 parameters\.$/m);
  });

  test('lists recipes with their settings and published figures', async () => {
    const { code, out } = await hyperloom(['recipes']);
    expect(code).toBe(0);
    expect(out).toContain('test error 0.76 % with 12,910 parameters');
    expect(out).toContain('--set full=');
  });

  test('every command explains itself', async () => {
    for (const verb of [
      'train',
      'plan',
      'eval',
      'inspect',
      'generate',
      'sample',
      'draw',
      'export',
      'variance',
      'recipes',
    ]) {
      const { code, out } = await hyperloom([verb, '--help']);
      expect(code).toBe(0);
      expect(out).toContain(`Usage: hyperloom ${verb}`);
      if (verb === 'train') expect(out).toContain('--seeds <n>');
    }
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { batches, evalBatches } from 'hyperloom/data';
import type { Engine } from 'hyperloom/engine';
import { referenceEngine } from 'hyperloom/engine/reference';
import { loadCheckpoint } from 'hyperloom/io';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { type NdArray, ndarray } from 'hyperloom/tensor';
import type { Run } from 'hyperloom/train';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Experiment, Recipe, Session, Trial } from '../recipes/recipe.ts';
import { execute, type Outcome, type RunEvent, reopen } from './execute.ts';
import { RunFolder, type Training } from './folder.ts';
import { Journal } from './journal.ts';
import { resultTable } from './summary.ts';

let root = '';
const engine: Engine = referenceEngine();
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'execute-'));
});
afterAll(() => rm(root, { recursive: true }));

const steps = 4;
const x = ndarray(
  Float32Array.from({ length: 8 }, (_, i) => i / 4 - 1),
  [8, 1],
);

/** Learns y = x, then in a second phase y = -x, beside a control that learns the second alone. */
function experiment(seed: number): Experiment {
  const model = nn.linear({ in: 1, out: 1 });
  const examples = (slope: number) => ({
    input: x,
    target: ndarray(x.data.map((v) => slope * v) as Float32Array, [8, 1]),
  });
  const learn = (session: Session, slope: number, phase?: string) =>
    session.train(
      model,
      {
        data: batches(examples(slope), { size: 4, seed }),
        loss: nn.losses.mse,
        optimizer: optim.adam(0.1),
        steps,
        evaluate: { data: evalBatches(examples(slope), 8), metrics: { loss: nn.losses.mse }, every: 2 },
        // The control never improves upon its first evaluation.
        ...(phase === undefined && { early: { metric: 'loss', mode: 'max', patience: 1 } as const }),
      },
      phase,
    );
  const trial = (name: string, train: Trial['train']): Trial => ({
    name,
    title: `the ${name}`,
    model,
    train,
    measure: (run) => run.evaluate(evalBatches(examples(-1), 8), { mse: nn.losses.mse }),
  });
  return {
    trials: [
      trial('main', async (session) => {
        await learn(session, 1, 'up');
        return learn(session, -1, 'down');
      }),
      trial('control', (session) => learn(session, -1)),
    ],
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'mse', title: 'error', format: 'number' },
    ],
    published: [{ title: 'on paper', cells: ['2', '0'] }],
    counts: { 'params.total': 2 },
    judge: () => undefined,
  };
}

const recipe: Recipe = {
  name: 'slopes',
  summary: '',
  reference: '',
  options: {},
  prepare: async (_, { seed }) => experiment(seed),
};

/** Runs the recipe in a folder; `stopAt` says at which event a signal comes. */
async function run(name: string, stopAt: (event: RunEvent) => boolean = () => false, seeds = 2) {
  const config = { recipe: recipe.name, settings: {}, seed: 5, seeds, steps: null };
  const folder = await RunFolder.create(join(root, name), config, { resume: true });
  const journal = await Journal.open(folder);
  const stop = new AbortController();
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent) => {
    events.push(event);
    if (stopAt(event)) stop.abort();
  };
  const outcome = await execute({
    ...{ folder, journal, recipe, engine, onEvent },
    experiment: await recipe.prepare({}, { seed: 5 }),
    signal: stop.signal,
  });
  folder.release();
  return { folder, journal, outcome, events };
}

const trainings: Training[] = [5, 6].flatMap((seed) => [
  { seed, trial: 'main', phase: 'up' },
  { seed, trial: 'main', phase: 'down' },
  { seed, trial: 'control' },
]);

async function bits(folder: RunFolder) {
  const all: Record<string, Record<string, number[]>> = {};
  for (const training of trainings) {
    const { trees } = await loadCheckpoint(folder.checkpoint(training));
    for (const [name, leaves] of Object.entries(trees))
      all[`${JSON.stringify(training)} ${name}`] = Object.fromEntries(
        Object.entries(leaves).map(([path, { data }]: [string, NdArray]) => [path, [...data]]),
      );
  }
  return all;
}

/** Figures without those of time. */
const figures = ({ metrics }: Outcome) =>
  Object.fromEntries(Object.entries(metrics).filter(([name]) => !name.includes('seconds')));

const logged = ({ lines }: Journal) =>
  lines
    .filter(({ event }) => event === 'step' || event === 'eval' || event === 'test')
    .map(({ seconds, elapsed, stepsPerSecond, secondsLeft, ...line }) => line);

const at = (seed: number, trial: string, event: string, step?: number, phase?: string) => (told: RunEvent) =>
  told.seed === seed &&
  told.trial === trial &&
  told.event === event &&
  (phase === undefined || ('phase' in told && told.phase === phase)) &&
  (step === undefined || ('step' in told && told.step === step));

test('phases and seeds that a signal stops anywhere go on to the same bits and figures', async () => {
  const whole = await run('whole');
  expect(whole.outcome.stopped).toBe(false);
  expect(whole.outcome.metrics).toHaveProperty(['test.mse.sd']);
  const expected = await bits(whole.folder);
  const moments = {
    'inside the first phase': at(5, 'main', 'step', 3, 'up'),
    'at the end of a phase': at(5, 'main', 'stop', undefined, 'up'),
    'inside the second phase': at(5, 'main', 'step', 1, 'down'),
    'after the test of a trial': at(5, 'main', 'test'),
    'inside the second seed': at(6, 'main', 'step', 2, 'down'),
    'in the last training': at(6, 'control', 'step', 1),
  };
  for (const [moment, stopAt] of Object.entries(moments)) {
    const name = moment.replaceAll(' ', '-');
    const stopped = await run(name, stopAt);
    expect(stopped.outcome.stopped, moment).toBe(true);
    const { folder, outcome, journal, events } = await run(name);
    expect(await bits(folder), moment).toEqual(expected);
    expect(figures(outcome), moment).toEqual(figures(whole.outcome));
    const order = (line: object) => JSON.stringify(line);
    expect(logged(journal).map(order).sort(), moment).toEqual(logged(whole.journal).map(order).sort());
    // What had ended is loaded: only the trainings that were left took steps.
    const ended = stopped.events.filter(({ event }) => event === 'stop').slice(0, -1).length;
    expect(events.filter(({ event }) => event === 'start').length, moment).toBeLessThanOrEqual(6 - ended);
  }
});

test('a run that has ended is loaded without a step, and can take in further seeds', async () => {
  const one = await run('seeds', undefined, 1);
  expect(one.outcome.metrics).not.toHaveProperty(['test.mse.sd']);
  const again = await run('seeds', undefined, 1);
  expect(again.events.map(({ event }) => event)).toEqual(['stop', 'stop', 'test', 'stop', 'test']);
  expect(again.outcome.metrics).toEqual(one.outcome.metrics);
  expect(again.events.at(-2)).toMatchObject({ trial: 'control', event: 'stop', step: steps, reason: 'early' });
  const two = await run('seeds');
  expect(two.outcome.seeds.map(({ seed, metrics }) => [seed, metrics['test.mse']])).toEqual([
    [5, one.outcome.metrics['test.mse']],
    [6, expect.any(Number)],
  ]);
  expect(two.outcome.metrics['test.mse']).toBeCloseTo(
    (two.outcome.seeds[0]!.metrics['test.mse']! + two.outcome.seeds[1]!.metrics['test.mse']!) / 2,
    12,
  );
});

test('reopening gives the run of the last phase, and of one that was stopped the last that had begun', async () => {
  const { folder, outcome } = await run('reopen');
  const opened = await reopen(folder, engine, recipe);
  expect(await opened.measure()).toEqual(outcome.seeds[0]!.results[0]!.metrics);
  const stopped = await run('reopen-stopped', at(5, 'main', 'step', 3, 'up'));
  expect((await reopen(stopped.folder, engine, recipe)).run.step).toBe(3);
  const empty = await RunFolder.create(join(root, 'empty'), folder.config, { resume: false });
  await expect(reopen(empty, engine, recipe)).rejects.toThrow(/expected a run with a checkpoint, got .*empty/);
});

test('a run of a text that has changed since is refused', async () => {
  const settings = { text: 'notes.txt' };
  const config = { recipe: recipe.name, settings, seed: 5, steps: null, read: { text: 'a digest' } };
  const folder = await RunFolder.create(join(root, 'edited'), config, { resume: false });
  const edited: Recipe = { ...recipe, prepare: async () => ({ ...experiment(5), read: { text: 'another' } }) };
  await expect(reopen(folder, engine, edited)).rejects.toThrow(
    /--set text: expected what .*edited was trained on \(notes.txt\), got other content: it has changed since/,
  );
});

test('nor do later seeds of a run go on with a text that changes under way', async () => {
  let text = 'first';
  const edited: Recipe = { ...recipe, prepare: async (_, { seed }) => ({ ...experiment(seed), read: { text } }) };
  const config = { recipe: recipe.name, settings: { text: 'notes.txt' }, seed: 5, seeds: 2, steps: null };
  const read = { text };
  const folder = await RunFolder.create(join(root, 'midway'), { ...config, read }, { resume: false });
  const running = execute({
    folder,
    journal: await Journal.open(folder),
    recipe: edited,
    experiment: await edited.prepare({}, { seed: 5 }),
    engine,
    signal: new AbortController().signal,
    onEvent: () => {
      text = 'second';
    },
  });
  await expect(running).rejects.toThrow(/--set text: expected what .*midway was trained on \(notes.txt\)/);
});

test('two trainings of a trial cannot share a phase', async () => {
  const twice: Recipe = {
    ...recipe,
    prepare: async (_, { seed }) => {
      const made = experiment(seed);
      const [main] = made.trials;
      const train = async (session: Session) => {
        await main.train(session);
        return main.train(session);
      };
      return { ...made, trials: [{ ...main, train }] };
    },
  };
  const config = { recipe: recipe.name, settings: {}, seed: 5, steps: null };
  const folder = await RunFolder.create(join(root, 'twice'), config, { resume: true });
  const journal = await Journal.open(folder);
  const parts = { folder, journal, recipe: twice, engine, onEvent: () => {}, signal: new AbortController().signal };
  await expect(
    execute({ ...parts, experiment: await twice.prepare({}, { seed: 5 }) }),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: session.train: expected a new phase of the trial main, got up for the second time]`,
  );
});

test('the table has a row for each trial with its spread, then what was published', async () => {
  const trial = (metrics: Record<string, number>) => ({
    trial: experiment(0).trials[0],
    run: {} as Run<never>,
    metrics,
    seconds: 1,
  });
  const seeds = [1, 2, 3].map((mse, seed) => ({ seed, metrics: {}, results: [trial({ mse })] }));
  const row = (count: number) => {
    const { head, rows, note } = resultTable(experiment(0), seeds.slice(0, count));
    return [head.join(' | '), ...rows.map((cells) => cells.join(' | ')), note];
  };
  expect(row(1)).toMatchInlineSnapshot(`
    [
      " | parameters | error",
      "the main | 2 | 1.000",
      "on paper | 2 | 0",
      "",
    ]
  `);
  expect(row(2)).toMatchInlineSnapshot(`
    [
      " | parameters | error",
      "the main | 2 | 1.500 (1.000 to 2.000)",
      "on paper | 2 | 0",
      "mean (least to most) over 2 seeds",
    ]
  `);
  expect(row(3)).toMatchInlineSnapshot(`
    [
      " | parameters | error",
      "the main | 2 | 2.000 ± 1.0",
      "on paper | 2 | 0",
      "mean ± standard deviation over 3 seeds; 95 % confidence of a mean: ± 2.48 of these",
    ]
  `);
});

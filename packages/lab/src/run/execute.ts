import type { Engine } from 'hyperloom/engine';
import { ArgumentError } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import type { Experiment, Figures, Recipe, Trial, TrialResult } from '../recipes/recipe.ts';
import { changedSince, type RunFolder } from './folder.ts';
import { readingSession, Stopped, type TrainingEvent, trainingSession, type Workplace } from './session.ts';
import { recipeOf } from './settings.ts';
import { overSeeds } from './summary.ts';

/** What a run tells while it goes: events of its trainings, and the test figures of each trial. */
export type RunEvent =
  | TrainingEvent
  | { readonly event: 'test'; readonly seed: number; readonly trial: string; readonly metrics: Figures };

/** What one seed of a run ended with. */
export interface SeedResult {
  readonly seed: number;
  readonly results: readonly TrialResult[];
  /** Every figure by its whole name: counts, `test.accuracy`, `control.test.accuracy` and so on. */
  readonly metrics: Figures;
}

/** What a run ended with. */
export interface Outcome {
  /** The seeds that are through. */
  readonly seeds: readonly SeedResult[];
  /** Means over these seeds, with standard deviations such as `test.mse.sd` where there are several. */
  readonly metrics: Figures;
  /** Whether a signal ended it. */
  readonly stopped: boolean;
}

/** What {@link execute} needs. */
export interface Execution extends Omit<Workplace, 'onEvent'> {
  readonly recipe: Recipe;
  /** The experiment of the first seed, which is prepared before a folder is made. */
  readonly experiment: Experiment;
  onEvent(event: RunEvent): void;
}

/** Trains and tests every trial of an experiment under every seed, one after another; ends early on a signal. */
export async function execute(execution: Execution): Promise<Outcome> {
  const { folder, recipe, experiment } = execution;
  const seeds: SeedResult[] = [];
  let stopped = false;
  try {
    for (const seed of folder.seeds) {
      const first = seed === folder.config.seed;
      seeds.push(await oneSeed(seed, first ? experiment : await prepared(recipe, folder, seed), execution));
      // Pictures and tables want the runs of the first seed; of the others the figures are enough.
      if (!first) for (const { run } of seeds.at(-1)!.results) await run.dispose();
    }
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    stopped = true;
  }
  return { seeds, metrics: overSeeds(seeds, Object.keys(experiment.counts)), stopped };
}

async function oneSeed(seed: number, { trials, counts, among }: Experiment, execution: Execution): Promise<SeedResult> {
  checkNames(trials);
  const { journal, signal, onEvent } = execution;
  const tell = (trial: string, metrics: Figures): void => {
    const event = { event: 'test', seed, trial, metrics } as const;
    journal.log(event);
    onEvent(event);
  };
  const results: TrialResult[] = [];
  for (const trial of trials) {
    const session = trainingSession(execution, { seed, trial: trial.name });
    const run = await trial.train(session);
    if (signal.aborted) throw new Stopped();
    const metrics = await trial.measure(run, session);
    tell(trial.name, metrics);
    results.push({ trial, run, metrics, seconds: session.seconds() });
  }
  const further = among?.(results) ?? {};
  for (const [trial, metrics] of Object.entries(further)) tell(trial, metrics);
  const whole = results.map((own) => ({ ...own, metrics: { ...own.metrics, ...further[own.trial.name] } }));
  return { seed, results: whole, metrics: { ...counts, ...Object.assign({}, ...whole.map(named)) } };
}

function checkNames(trials: Experiment['trials']): void {
  const names = trials.map(({ name }) => name);
  if (names[0] !== 'main' || new Set(names).size < names.length)
    throw new ArgumentError(`expected trials of different names, the first of them main, got ${names.join(', ')}`);
}

/**
 * The experiment of a run under one of its seeds.
 * @throws ArgumentError when what it reads has changed since the run began
 */
export async function prepared(recipe: Recipe, { path, config }: RunFolder, seed: number): Promise<Experiment> {
  const { settings, steps } = config;
  const experiment = await recipe.prepare(settings, { seed, ...(steps !== null && { steps }) });
  const changed = changedSince(config, experiment.read);
  if (changed !== undefined)
    throw new ArgumentError(
      `--set ${changed}: expected what ${path} was trained on (${settings[changed]}), got other content: it has changed since`,
    );
  return experiment;
}

/** `test.accuracy` and `train.seconds` for the main trial, `control.test.accuracy` for a control. */
export function named({ trial, metrics, seconds }: Pick<TrialResult, 'trial' | 'metrics' | 'seconds'>): Figures {
  const prefix = trial.name === 'main' ? '' : `${trial.name}.`;
  const test = Object.entries(metrics).map(([name, value]) => [`${prefix}test.${name}`, value] as const);
  return { ...Object.fromEntries(test), [`${prefix}train.seconds`]: seconds };
}

/** A run folder's recipe under its first seed, with the run of the main trial. */
export interface Reopened {
  readonly experiment: Experiment;
  readonly trial: Trial;
  readonly run: Run<Trainable>;
  /** Test figures of the run. */
  measure(): Promise<Figures>;
}

/**
 * The experiment and the trained main model of a run folder; of trainings in several phases the last that has begun.
 * @throws ArgumentError when the run has saved nothing yet or what it read has changed, FormatError when its checkpoint is damaged
 */
export async function reopen(
  folder: RunFolder,
  engine: Engine,
  recipe = recipeOf(folder.config.recipe),
): Promise<Reopened> {
  const experiment = await prepared(recipe, folder, folder.config.seed);
  const [trial] = experiment.trials;
  const session = readingSession(folder, engine, trial.name);
  const run = await trial.train(session).catch((error) => {
    if (error instanceof Stopped) return session.last();
    throw error;
  });
  if (run === undefined)
    throw new ArgumentError(
      `expected a run with a checkpoint, got ${folder.path}, which has none yet; go on with: ${folder.resuming}`,
    );
  return { experiment, trial, run, measure: () => trial.measure(run, session) };
}

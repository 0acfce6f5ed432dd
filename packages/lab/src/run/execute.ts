import { access } from 'node:fs/promises';
import { defaultEngine, type Engine } from 'hyperloom/engine';
import { ortEngine } from 'hyperloom/engine/ort';
import type { Json } from 'hyperloom/io';
import { ArgumentError } from 'hyperloom/tensor';
import {
  loadParams,
  openRun,
  type Run,
  type StopReason,
  type Trainable,
  type TrainEvent,
  train,
} from 'hyperloom/train';
import { recipes } from '../recipes/index.ts';
import type { Experiment, Recipe, Trial } from '../recipes/recipe.ts';
import { confusion } from './confusion.ts';
import type { RunConfig, RunFolder } from './folder.ts';
import { nearest } from './settings.ts';

/** An event of one trial of a run. */
export type TrialEvent = TrainEvent & { readonly trial: string };

/** What a trial ended with. */
export interface TrialResult {
  readonly trial: Trial;
  readonly run: Run<Trainable>;
  readonly metrics: Readonly<Record<string, number>>;
  /** Test examples by true class (rows) and predicted class (columns). */
  readonly confusion: readonly (readonly number[])[];
}

/** What a run ended with. */
export interface Outcome {
  readonly results: readonly TrialResult[];
  /** Every figure of the run by name: counts, `test.accuracy`, `control.test.accuracy` and so on. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly reason: StopReason;
}

/** What {@link execute} needs. */
export interface Execution {
  readonly folder: RunFolder;
  readonly experiment: Experiment;
  readonly steps: number;
  readonly engine: Engine;
  readonly signal: AbortSignal;
  onEvent(event: TrialEvent): void;
}

/** The recipe of a name; the error names those that there are. */
export function recipeOf(name: string): Recipe {
  const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
  if (recipe) return recipe;
  const known = Object.keys(recipes);
  throw new ArgumentError(
    `expected a recipe (${known.join(', ')}), got "${name}"; did you mean ${nearest(name, known)}?`,
  );
}

/** The engine for a number of threads; all cores when absent. */
export const engineOf = (threads: number | undefined): Promise<Engine> =>
  threads === undefined ? defaultEngine() : Promise.resolve(ortEngine({ threads }));

/** Trains and tests every trial of an experiment, one after another; stops early on a signal. */
export async function execute(execution: Execution): Promise<Outcome> {
  const { experiment, signal } = execution;
  const results: TrialResult[] = [];
  let reason: StopReason = 'steps';
  for (const trial of experiment.trials) {
    const run = await trainTrial(trial, execution);
    reason = run.reason;
    if (reason === 'signal' || signal.aborted) return { results, metrics: experiment.counts, reason: 'signal' };
    results.push(await measure(trial, run, experiment));
  }
  return { results, metrics: { ...experiment.counts, ...Object.assign({}, ...results.map(named)) }, reason };
}

function trainTrial(
  trial: Trial,
  { folder, experiment, steps, engine, signal, onEvent }: Execution,
): Promise<Run<Trainable>> {
  return train(trial.model, {
    data: trial.data,
    loss: experiment.loss,
    optimizer: experiment.optimizer(steps),
    steps,
    seed: folder.config.seed,
    engine,
    evaluate: { data: trial.validation, metrics: experiment.metrics, every: experiment.evaluateEvery },
    early: experiment.early,
    checkpoint: {
      path: folder.checkpoint(trial.name),
      every: experiment.evaluateEvery,
      config: folder.config as unknown as Json,
    },
    resume: true,
    signal,
    onEvent: (event) => {
      const told = { trial: trial.name, ...event };
      if (event.event !== 'start' && event.event !== 'stop') folder.log(told as never);
      onEvent(told);
    },
  });
}

/** Test metrics of a trained trial, and its confusion matrix. */
export async function measure(trial: Trial, run: Run<Trainable>, experiment: Experiment): Promise<TrialResult> {
  const metrics = await run.evaluate(trial.test, experiment.metrics);
  return { trial, run, metrics, confusion: await confusion(trial, run, experiment.classes) };
}

/** `test.accuracy` for the main trial, `control.test.accuracy` for a control; accuracies come with their errors. */
export function named({ trial, metrics }: Pick<TrialResult, 'trial' | 'metrics'>): Record<string, number> {
  const prefix = trial.name === 'main' ? 'test' : `${trial.name}.test`;
  const all = 'accuracy' in metrics ? { ...metrics, error: 1 - metrics.accuracy! } : metrics;
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [`${prefix}.${name}`, value]));
}

/**
 * The experiment and the trained main model of a run folder.
 * @throws ArgumentError when the run has saved nothing yet, FormatError when its checkpoint is damaged
 */
export async function reopen(
  folder: RunFolder,
  engine: Engine,
): Promise<{ experiment: Experiment; run: Run<Trainable> }> {
  const { recipe, settings, seed, steps }: RunConfig = folder.config;
  const checkpoint = folder.checkpoint('main');
  await access(checkpoint).catch((cause) => {
    throw new ArgumentError(
      `expected a run with a checkpoint, got ${folder.path}, which has none yet; go on with: ${folder.resuming}`,
      { cause },
    );
  });
  const experiment = await recipeOf(recipe).prepare(
    { ...settings, control: false },
    { seed, ...(steps !== null && { steps }) },
  );
  const [main] = experiment.trials;
  const { params, step } = await loadParams(checkpoint, main.model.spec);
  return { experiment, run: openRun(main.model, params, engine, step) };
}

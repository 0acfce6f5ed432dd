import { access, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Engine } from 'hyperloom/engine';
import { type Json, loadCheckpoint } from 'hyperloom/io';
import { ArgumentError } from 'hyperloom/tensor';
import {
  loadParams,
  openRun,
  type Run,
  type Trainable,
  type TrainEvent,
  type TrainWithOptions,
  train,
  trainWith,
} from 'hyperloom/train';
import type { Session, SessionTrainWithOptions } from '../recipes/recipe.ts';
import type { RunFolder, Training } from './folder.ts';
import type { Journal, MetricsLine } from './journal.ts';

/** Ends a run that a signal stopped; what was trained is saved. */
export class Stopped extends Error {
  constructor() {
    super('stopped by a signal');
    this.name = 'Stopped';
  }
}

/** An event of one training of a run. */
export type TrainingEvent = TrainEvent & Training;

/** What the trainings of a run share. */
export interface Workplace {
  readonly folder: RunFolder;
  readonly journal: Journal;
  readonly engine: Engine;
  readonly signal: AbortSignal;
  onEvent(event: TrainingEvent): void;
}

/** What a session fills in. */
type Filled = Exclude<keyof TrainWithOptions, keyof SessionTrainWithOptions>;

/** A session and the seconds that its trainings took. */
export interface TrainingSession extends Session {
  readonly seconds: () => number;
}

/** What a trial is trained with: trainings are saved in the folder, and taken up from there. */
export function trainingSession(
  { folder, journal, engine, signal, onEvent }: Workplace,
  { seed, trial }: { readonly seed: number; readonly trial: string },
): TrainingSession {
  const begin = phases(trial);
  const all: Training[] = [];
  /** Trains a phase, or takes up what it ended with. */
  const once = async <M extends Trainable>(
    model: M,
    { steps, early, evaluate }: Pick<SessionTrainWithOptions<M>, 'steps' | 'early'> & { evaluate?: { every: number } },
    phase: string | undefined,
    run: (filled: Pick<TrainWithOptions<M>, Filled>) => Promise<Run<M>>,
  ): Promise<Run<M>> => {
    if (signal.aborted) throw new Stopped();
    begin(phase);
    const training: Training = { seed, trial, ...(phase !== undefined && { phase }) };
    all.push(training);
    const path = folder.checkpoint(training);
    const tell = (event: TrainEvent) => onEvent({ ...training, ...event });
    const done = await finished(path, model, { steps, early }, engine);
    if (done) {
      tell({ event: 'stop', step: done.step, reason: done.reason });
      return done;
    }
    await mkdir(dirname(path), { recursive: true });
    const before = journal.secondsOf(training);
    const began = performance.now();
    const trained = await run({
      seed,
      engine,
      signal,
      checkpoint: {
        path,
        every: evaluate?.every ?? Math.max(1, Math.ceil(steps / 10)),
        config: folder.config as unknown as Json,
      },
      resume: true,
      onEvent: (event) => {
        if (event.event !== 'start' && event.event !== 'stop')
          journal.logTraining(training, event as unknown as MetricsLine, before + (performance.now() - began) / 1000);
        tell(event);
      },
    });
    if (trained.reason === 'signal') throw new Stopped();
    return trained;
  };
  return {
    seed,
    engine,
    seconds: () => all.reduce((sum, training) => sum + journal.secondsOf(training), 0),
    train: (model, options, phase) => once(model, options, phase, (filled) => train(model, { ...options, ...filled })),
    trainWith: (model, method, options, phase) =>
      once(model, options, phase, (filled) => trainWith(model, method, { ...options, ...filled })),
  };
}

/** A session in which nothing is trained: trainings are what their checkpoints hold. */
export function readingSession(
  folder: RunFolder,
  engine: Engine,
  trial: string,
): Session & { readonly last: () => Run<Trainable> | undefined } {
  const { seed } = folder.config;
  const begin = phases(trial);
  let last: Run<Trainable> | undefined;
  const open = async <M extends Trainable>(model: M, phase: string | undefined): Promise<Run<M>> => {
    begin(phase);
    const path = folder.checkpoint({ seed, trial, phase });
    if (!(await isThere(path))) throw new Stopped();
    const { params, step } = await loadParams(path, model.spec);
    const run = openRun(model, params, engine, step);
    last = run;
    return run;
  };
  return {
    seed,
    engine,
    last: () => last,
    train: (model, _, phase) => open(model, phase),
    trainWith: (model, _, __, phase) => open(model, phase),
  };
}

/** Sees to it that no two trainings of a trial share a checkpoint. */
function phases(trial: string): (phase: string | undefined) => void {
  const used = new Set<string | undefined>();
  return (phase) => {
    if (used.has(phase))
      throw new ArgumentError(
        `session.train: expected a new phase of the trial ${trial}, got ${phase ?? 'none'} for the second time`,
      );
    used.add(phase);
  };
}

/** The run of a training that has ended; undefined when there is something left to train. */
async function finished<M extends Trainable>(
  path: string,
  model: M,
  { steps, early }: Pick<TrainWithOptions, 'steps'> & { readonly early: TrainWithOptions['early'] | undefined },
  engine: Engine,
): Promise<Run<M> | undefined> {
  if (!(await isThere(path))) return undefined;
  const { step, state } = await loadCheckpoint(path);
  const waited = (state as { readonly early?: { readonly waited?: number } } | null)?.early?.waited ?? 0;
  const reason = early !== undefined && waited >= early.patience ? 'early' : 'steps';
  if (reason === 'steps' && step < steps) return undefined;
  const { params } = await loadParams(path, model.spec);
  return { ...openRun(model, params, engine, step), reason };
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

import type { EvalBatches } from '../data/index.ts';
import { defaultEngine, type Engine } from '../engine/index.ts';
import { describeModel, type Json, type ModelDescription } from '../io/index.ts';
import { ArgumentError, type Aval, type NdArray, sameShape, showShape, tree } from '../tensor/index.ts';
import { loadProgress, type Progress, saveProgress } from './checkpointing.ts';
import { divergence } from './divergence.ts';
import { type EarlyStopping, earlyNext, earlyStart } from './early.ts';
import { compileEvaluator, type Evaluator, type Metrics } from './evaluate.ts';
import type { StopReason, TrainEvent } from './events.ts';
import type { Method, Subject } from './method.ts';
import type { Example, Trainable } from './model.ts';
import { type Packed, packing } from './packing.ts';
import { makeRun, type Run } from './run.ts';
import { allFinite, compileStepper, type Stepper, type StepResult } from './stepper.ts';
import { type SupervisedOptions, supervised } from './supervised.ts';

/** Any evaluation while training: whatever a compiled program makes of the parameters. */
export interface Evaluation<M extends Trainable = Trainable> {
  /** Steps from one evaluation to the next; one more follows the last step. */
  readonly every: number;
  compile(subject: Subject<M>, engine: Engine): Promise<Evaluator>;
}

/** Evaluation on examples while training. */
export interface EvaluateOptions {
  readonly data: EvalBatches<Example>;
  readonly metrics: Metrics;
  /** Steps from one evaluation to the next; one more follows the last step. */
  readonly every: number;
}

/** Where and how often to save. A checkpoint holds the model too: see {@link openCheckpoint}. */
export interface CheckpointOptions {
  readonly path: string;
  /** Steps from one checkpoint to the next; one more follows the last step. */
  readonly every: number;
  /** Anything that describes the run; it is kept in the file. */
  readonly config?: Json;
}

/** Settings of {@link trainWith}: all that does not depend on the method. */
export interface TrainWithOptions<M extends Trainable = Trainable> {
  readonly steps: number;
  /** Parameters to start from, a tree of arrays, in place of those that the seed draws. */
  readonly initial?: unknown;
  /**
   * Patterns over the paths of weights: those to train. The others stay as they are, and running statistics move where
   * a pattern fits them. Default all.
   */
  readonly trained?: string | readonly string[];
  /** Names the first parameters and all randomness of the run. Default 0. */
  readonly seed?: number;
  /** What runs the programs. Default: ONNX Runtime for Node. */
  readonly engine?: Engine;
  /** Steps from one `step` event to the next. Default: a hundredth of all steps. */
  readonly logEvery?: number;
  readonly evaluate?: Evaluation<M>;
  /** Ends the run when a metric of the evaluation stops improving, and goes back to the best parameters. */
  readonly early?: EarlyStopping;
  readonly checkpoint?: CheckpointOptions;
  /** Goes on from the checkpoint's path when there is one. */
  readonly resume?: boolean;
  /** Ends the run after the step in hand; a checkpoint is saved. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainEvent) => void;
}

/** Settings of {@link train}. */
export interface TrainOptions extends SupervisedOptions, Omit<TrainWithOptions, 'evaluate'> {
  readonly evaluate?: EvaluateOptions;
}

/**
 * Trains a model on examples: one compiled program for each step, from first parameters drawn by the seed. A run that is
 * stopped and resumed ends with the same bits as one that was not.
 * @throws DivergenceError when the loss or gradient stops being finite, ArgumentError for options that do not fit
 * @example
 * const x = ndarray(Float32Array.from({ length: 64 }, (_, i) => i / 32 - 1), [64, 1]);
 * const y = ndarray(x.data.map((v) => v * v) as Float32Array, [64, 1]);
 * const run = await train(nn.mlp({ in: 1, hidden: [16], out: 1 }), {
 *   data: data.batches({ input: x, target: y }, { size: 32 }),
 *   loss: nn.losses.mse,
 *   optimizer: optim.adam(1e-2),
 *   steps: 50,
 * });
 * await run.dispose();
 */
export async function train<M extends Trainable>(model: M, { evaluate, ...options }: TrainOptions): Promise<Run<M>> {
  const { carry } = options;
  const evaluation = evaluate && {
    every: evaluate.every,
    compile: ({ layout }: Subject, engine: Engine) =>
      compileEvaluator(engine, model, layout, evaluate.data, evaluate.metrics, carry),
  };
  return trainWith<M>(model, supervised(options), { ...options, ...(evaluation && { evaluate: evaluation }) });
}

/**
 * Trains a model by any method: reinforcement learning, say. As with {@link train}, a run that is stopped and resumed
 * ends with the same bits as one that was not.
 * @throws as {@link train}
 * @example
 * const x = ndarray(new Float32Array(8), [8, 1]);
 * const examples = data.batches({ input: x, target: x }, { size: 4 });
 * const method = supervised({ data: examples, loss: nn.losses.mse, optimizer: optim.sgd(0.1) });
 * const run = await trainWith(nn.linear({ in: 1, out: 1 }), method, { steps: 2 });
 * await run.dispose();
 */
export async function trainWith<M extends Trainable>(
  model: M,
  method: Method<M>,
  options: TrainWithOptions<M>,
): Promise<Run<M>> {
  checkOptions(options);
  const { steps, seed = 0, evaluate, early, checkpoint, signal, onEvent = () => {} } = options;
  const logEvery = options.logEvery ?? Math.max(1, Math.round(steps / 100));
  const engine = options.engine ?? (await defaultEngine());
  const layout = packing(model.spec, options.trained);
  const subject = { model, layout };
  const types = method.example(model);
  const compiling = performance.now();
  /** Steps until something is to be done between two of them. */
  const untilNext = (step: number): number => {
    const periods = [evaluate?.every, checkpoint?.every].filter((every) => every !== undefined);
    return Math.min(steps - step, ...periods.map((every) => every - (step % every)));
  };
  const { initial } = options;
  const start = {
    seed,
    most: untilNext(0),
    ...(initial !== undefined && { initial: layout.gather(checkedParams(model.spec, initial)) }),
  };
  const stepper = await compileStepper(engine, method, subject, start);
  const evaluator = await evaluate?.compile(subject, engine);
  const compileMs = performance.now() - compiling;

  const saved =
    options.resume && checkpoint
      ? await loadProgress(checkpoint.path, { layout, stepper, seed, spec: model.spec })
      : undefined;
  let progress: Progress = saved ?? { step: 0, early: earlyStart, best: undefined };
  let lastSaved = saved && { step: saved.step, path: checkpoint!.path };
  const history: TrainEvent[] = [];
  const tell = (event: TrainEvent): void => {
    history.push(event);
    onEvent(event);
  };
  let described: ModelDescription | undefined;
  const save = async (): Promise<void> => {
    if (checkpoint === undefined || lastSaved?.step === progress.step) return;
    const shown = method.shown?.(model);
    described ??= describeModel(shown ?? model, shown?.input ?? types);
    const config = checkpoint.config ?? null;
    await saveProgress(checkpoint.path, { progress, layout, stepper, seed, config, model: described });
    lastSaved = { step: progress.step, path: checkpoint.path };
    tell({ event: 'checkpoint', ...lastSaved });
  };

  tell({ event: 'start', step: progress.step, steps, parameters: layout.size, compileMs });
  const clock = startClock(progress.step, steps);
  let before: StepResult | undefined;
  let reason: StopReason = 'steps';
  const exhausted = () => early !== undefined && progress.early.waited >= early.patience;
  if (exhausted()) reason = 'early';
  while (progress.step < steps && reason === 'steps') {
    for (const result of await stepper.advance(progress.step, untilNext(progress.step))) {
      if (!allFinite(result)) {
        throw divergence({
          step: progress.step,
          ...result,
          before,
          inputs: stepper.read(),
          params: layout.views(stepper.previous()),
          state: stepper.previous().state,
          checkpoint: lastSaved,
        });
      }
      before = result;
      progress = { ...progress, step: progress.step + 1 };
      const { step } = progress;
      if (step % logEvery === 0 || step === steps) tell({ event: 'step', step, ...result, ...clock(step) });
    }
    const { step } = progress;
    if (evaluate && evaluator && (step % evaluate.every === 0 || step === steps)) {
      const metrics = await evaluator.run(stepper.packed());
      tell({ event: 'eval', step, metrics });
      if (early) progress = keepBest(early, progress, metrics, stepper);
    }
    if (exhausted()) reason = 'early';
    else if (signal?.aborted && step < steps) reason = 'signal';
    if (checkpoint && (step % checkpoint.every === 0 || step === steps || reason !== 'steps')) await save();
  }
  await save();
  tell({ event: 'stop', step: progress.step, reason });
  await evaluator?.dispose();
  const packed = reason !== 'signal' && progress.best ? progress.best : stepper.packed();
  await stepper.dispose();
  return makeRun({ model, engine, layout, packed, types, step: progress.step, reason, history });
}

/** Takes an evaluation in: the best parameters so far are kept. */
function keepBest(
  early: EarlyStopping,
  progress: Progress,
  metrics: Readonly<Record<string, number>>,
  stepper: Stepper,
): Progress {
  const state = earlyNext(early, progress.early, progress.step, metrics);
  if (state.waited > 0) return { ...progress, early: state };
  const copy = ({ dtype, shape, data }: NdArray) => ({ dtype, shape, data: data.slice() as NdArray['data'] });
  return { ...progress, early: state, best: tree.map(copy, stepper.packed()) as Packed<NdArray> };
}

/** Steps a second and seconds left, from the time since the run began or went on. */
function startClock(first: number, steps: number): (step: number) => { stepsPerSecond: number; secondsLeft: number } {
  const start = performance.now();
  return (step) => {
    const stepsPerSecond = (step - first) / ((performance.now() - start) / 1000);
    return { stepsPerSecond, secondsLeft: (steps - step) / stepsPerSecond };
  };
}

/** Parameters to start from, if they are those of the model. */
function checkedParams(spec: unknown, initial: unknown): unknown {
  const flat = tree.flatten<NdArray>(initial);
  for (const [path, { shape }] of Object.entries(tree.flatten<Aval>(spec))) {
    const got = flat[path];
    if (got === undefined || !sameShape(got.shape, shape))
      throw new ArgumentError(
        `train: expected initial ${path} ${showShape(shape)}, got ${got ? showShape(got.shape) : 'none'}`,
      );
  }
  return initial;
}

function checkOptions({
  steps,
  evaluate,
  early,
  checkpoint,
  resume,
  logEvery,
}: Pick<TrainWithOptions, 'steps' | 'evaluate' | 'early' | 'checkpoint' | 'resume' | 'logEvery'>): void {
  const whole = {
    steps,
    logEvery,
    'evaluate.every': evaluate?.every,
    'checkpoint.every': checkpoint?.every,
    'early.patience': early?.patience,
  };
  for (const [name, value] of Object.entries(whole)) {
    if (value !== undefined && (!Number.isInteger(value) || value < (name === 'steps' ? 0 : 1))) {
      throw new ArgumentError(`train: expected a whole number of at least 1 for ${name}, got ${value}`);
    }
  }
  if (early && !evaluate) throw new ArgumentError('train: expected evaluate beside early, got none');
  if (resume && !checkpoint) throw new ArgumentError('train: expected checkpoint beside resume, got none');
}

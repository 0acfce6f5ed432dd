import { compileFunction, type Engine } from 'hyperloom/engine';
import { type Probed, type VarianceReport, type VarianceSample, varianceProbe, varianceReport } from 'hyperloom/hyper';
import { ArgumentError, type NdArray, random, type Tensor, tree } from 'hyperloom/tensor';
import type { Trainable } from 'hyperloom/train';
import type { Session, SessionTrainOptions, Trial } from '../recipes/recipe.ts';

/** What a trial would train first. */
interface Training {
  readonly model: Trainable;
  readonly options: SessionTrainOptions;
}

/** Thrown in place of training, to get out of a trial. */
class Caught extends Error {
  readonly training: Training;
  constructor(training: Training) {
    super();
    this.training = training;
  }
}

/** The first training of a trial, without doing it. */
async function firstTraining(trial: Trial, seed: number, engine: Engine): Promise<Training> {
  const train: Session['train'] = (model, options) => Promise.reject(new Caught({ model, options }));
  const trainWith = (): never => {
    throw new ArgumentError(`variance: expected ${trial.title} to train on examples first, but it does not`);
  };
  try {
    await trial.train({ seed, engine, train, trainWith });
  } catch (error) {
    if (error instanceof Caught) return error.training;
    throw error;
  }
  throw new ArgumentError(`variance: expected ${trial.title} to train, but it does not`);
}

/** Settings of {@link trialVariance}. */
export interface TrialVarianceOptions {
  readonly seed: number;
  /** Draws of first parameters. */
  readonly keys: number;
  /** Examples of the first batch to look at, at most. */
  readonly examples: number;
}

/** How activations and gradients pass through the model of a trial at its start, by its own loss and first batch. */
export async function trialVariance(
  trial: Trial,
  engine: Engine,
  { seed, keys, examples }: TrialVarianceOptions,
): Promise<VarianceReport> {
  const { model, options } = await firstTraining(trial, seed, engine);
  const batch = tree.map((array: NdArray) => firstRows(array, examples), options.data.at(0));
  const probe: unknown = varianceProbe(model as Probed, { loss: options.loss as never });
  const compiled = await compileFunction(engine, probe as (...args: Tensor[]) => unknown, random.keyArray(0), batch);
  const run = compiled as unknown as (key: NdArray, batch: unknown) => Promise<VarianceSample<NdArray>>;
  const samples: VarianceSample<NdArray>[] = [];
  try {
    for (let key = 0; key < keys; key++) samples.push(await run(random.keyArray(seed + key), batch));
  } finally {
    await compiled.dispose();
  }
  return varianceReport(samples);
}

function firstRows({ dtype, shape, data }: NdArray, count: number): NdArray {
  const rows = Math.min(count, shape[0]!);
  return { dtype, shape: [rows, ...shape.slice(1)], data: data.slice(0, (data.length / shape[0]!) * rows) } as NdArray;
}

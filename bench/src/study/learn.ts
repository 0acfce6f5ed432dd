import { compileFunction, type Engine, runOnce } from 'hyperloom/engine';
import * as hyper from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { adam } from 'hyperloom/optim';
import { type NdArray, ndarray, random, type Tensor } from 'hyperloom/tensor';
import { compileStepper, packing, supervised } from 'hyperloom/train';
import { median } from '../statistics.ts';
import type { StudyTarget, Task } from './tasks.ts';

/** A hypernetwork over a target, without types. */
export interface StudyModel extends hyper.Probed {
  readonly spec: unknown;
  /** Absent where every weight is stored. */
  generate?(params: never, code: Tensor): unknown;
}

/** Elements of each task's code. */
export const codeSize = 16;

/** A hypernetwork that generates the target for each of the tasks of a task, and all of its weights. */
export function overTasks(
  { module }: StudyTarget,
  { tasks }: Task,
  head: hyper.AnyHead,
  options: hyper.TargetOptions = {},
): StudyModel {
  const build = hyper.hypernetwork as unknown as (target: unknown, options: object) => StudyModel;
  const each = nn.each as unknown as (module: unknown) => unknown;
  const code = hyper.codes.embeddings({ count: tasks, size: codeSize, even: true });
  return build(each(module), { ...options, code, head });
}

/** A target with stored weights, one set for all tasks: it cannot tell them apart. */
export function stored({ module }: StudyTarget): StudyModel {
  const own = (nn.each as unknown as (module: unknown) => StudyModel)(module);
  const apply = (params: never, example: never, context?: nn.Context) =>
    own.apply(params, (example as { readonly input: never }).input, context);
  return { name: own.name, spec: own.spec, init: own.init, apply };
}

/** Median time of generating the weights of one task, in milliseconds; undefined where none are generated. */
export async function generationMs(engine: Engine, model: StudyModel, runs: number): Promise<number | undefined> {
  const { generate } = model;
  if (generate === undefined) return undefined;
  const params = await runOnce(engine, (key: Tensor): unknown => model.init(key), random.keyArray(0));
  const code = ndarray(Int32Array.of(1), []);
  const f = await compileFunction(engine, generate as unknown as (...args: never[]) => unknown, params, code);
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const begin = performance.now();
    await f(params as never, code as never);
    times.push(performance.now() - begin);
  }
  await f.dispose();
  return median(times);
}

/** How a run went. */
export interface Learning {
  /** The loss of each step, before its update. */
  readonly losses: readonly number[];
  /** Median time of a step. */
  readonly stepMs: number;
  /** Processor time of all steps together, without compiling: other work on the machine hardly changes it. */
  readonly seconds: number;
  /** Steps until the mean of the last losses was at the goal; absent when it never was. */
  readonly reached?: number;
}

/** Losses over which the mean is taken that is held against a goal. */
const window = 20;

/** The mean of the last losses. */
export const lastLoss = (losses: readonly number[]): number => {
  const last = losses.slice(-window);
  return last.reduce((a, b) => a + b, 0) / last.length;
};

/** Trains from the first weights of a seed until the goal or the last step; a loss that is not finite ends it too. */
export async function learn(
  engine: Engine,
  model: StudyModel,
  task: Task,
  {
    seed,
    steps,
    rate,
    goal = 0,
  }: { readonly seed: number; readonly steps: number; readonly rate: number; readonly goal?: number },
): Promise<Learning> {
  const data = task.groups(seed);
  const method = supervised({ data: data as never, loss: task.loss, optimizer: adam(rate) });
  const stepper = await compileStepper(engine, method, { model, layout: packing(model.spec) }, { seed });
  const losses: number[] = [];
  const times: number[] = [];
  let seconds = 0;
  let reached: number | undefined;
  try {
    while (losses.length < steps && reached === undefined) {
      const [begin, used] = [performance.now(), process.cpuUsage()];
      const [taken] = await stepper.advance(losses.length, 1);
      const { loss } = taken!;
      times.push(performance.now() - begin);
      const { user, system } = process.cpuUsage(used);
      seconds += (user + system) / 1e6;
      losses.push(loss);
      if (!Number.isFinite(loss)) break;
      if (losses.length >= window && lastLoss(losses) <= goal) reached = losses.length;
    }
  } finally {
    await stepper.dispose();
  }
  return { losses, stepMs: median(times), seconds, ...(reached !== undefined && { reached }) };
}

/** The variance of every layer at the start, from several keys and one batch. */
export async function varianceOf(
  engine: Engine,
  model: StudyModel,
  task: Task,
  keys: number,
): Promise<hyper.VarianceReport> {
  const data = task.groups(0).at(0);
  const probe = hyper.varianceProbe(model, { loss: task.loss }) as (...args: never[]) => hyper.VarianceSample<Tensor>;
  const compiled = await compileFunction(engine, probe, random.keyArray(0), data);
  const run = compiled as unknown as (key: NdArray, data: unknown) => Promise<hyper.VarianceSample<NdArray>>;
  const samples: hyper.VarianceSample<NdArray>[] = [];
  for (let key = 0; key < keys; key++) samples.push(await run(random.keyArray(key), data));
  await compiled.dispose();
  return hyper.varianceReport(samples);
}

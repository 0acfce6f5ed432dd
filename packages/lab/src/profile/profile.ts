import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Engine, Executable } from 'hyperloom/engine';
import { ortEngine } from 'hyperloom/engine/ort';
import { ArgumentError, type Program, sizeOf } from 'hyperloom/tensor';
import { train, trainWith } from 'hyperloom/train';
import type { Recipe, Session, Settings } from '../recipes/recipe.ts';
import { type Kernel, readProfile, withoutOverhead } from './kernels.ts';
import { measureRates, type Rates } from './rates.ts';

/** Where the time of a training step goes. */
export interface Profile {
  /** Steps that the figures are means of. */
  readonly steps: number;
  /** Milliseconds of a step: from the start of one to the start of the next. */
  readonly stepMs: number;
  /** Of these: in kernels; what calls of the engine take beside them, as for copies; in JavaScript. */
  readonly spent: { readonly kernels: number; readonly calls: number; readonly script: number };
  readonly rates: Rates;
  readonly kernels: readonly Kernel[];
}

/** What is asked for beside the recipe. */
export interface Profiling {
  /** Calls of the engine that count; small models take several steps in one. */
  readonly calls: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Runs that are not counted: the first pays for memory and caches. */
const warmUp = 3;

/** Calls of which every kernel is timed, at most: what is written of them takes megabytes. */
const tracedCalls = 5;

/** A program, and when it ran. */
interface Watched {
  readonly program: Program;
  readonly folder: string;
  readonly runs: { readonly start: number; readonly ms: number }[];
}

/**
 * Trains the main trial of a recipe for some steps, and says where the time of one went.
 * @throws ArgumentError for a recipe whose settings do not fit
 */
export const profileRecipe = (
  recipe: Recipe,
  settings: Settings,
  { calls, threads, signal }: Profiling,
): Promise<Profile> =>
  profileSteps(
    async (engine, enough) => {
      const stop = signal ? AbortSignal.any([signal, enough]) : enough;
      const { trials } = await recipe.prepare(settings, { seed: 0, steps: 40 * (calls + warmUp), signal: stop });
      const common = { seed: 0, engine, signal: stop };
      const session: Session = {
        seed: 0,
        engine,
        train: (model, options) => train(model, { ...options, ...common }),
        trainWith: (model, method, options) => trainWith(model, method, { ...options, ...common }),
      };
      await (await trials[0].train(session)).dispose();
    },
    { calls, threads },
  );

/**
 * Says where the time of a training step goes.
 * @param work takes steps on the engine that it is given, until the signal says that there were enough
 */
export async function profileSteps(
  work: (engine: Engine, enough: AbortSignal) => Promise<void>,
  { calls, threads }: { readonly calls: number; readonly threads: number | undefined },
): Promise<Profile> {
  const root = await mkdtemp(join(tmpdir(), 'hyperloom-profile-'));
  try {
    const plain = ortEngine({ ...(threads !== undefined && { threads }) });
    const rates = await measureRates(plain);
    await plain.dispose();
    // Timed without a profile first, which takes about ten microseconds for each kernel.
    const timed = await watch(work, root, { calls, threads, profile: false });
    const traced = await watch(work, root, { calls: Math.min(calls, tracedCalls), threads, profile: true });
    return await profileOf(timed, traced, rates);
  } finally {
    await rm(root, { recursive: true });
  }
}

/** How an engine is watched. */
interface Watching {
  readonly calls: number;
  readonly threads: number | undefined;
  /** Whether ONNX Runtime times every kernel. */
  readonly profile: boolean;
}

/** Takes steps, and gives the program of which most were taken, with its runs. */
async function watch(
  work: (engine: Engine, enough: AbortSignal) => Promise<void>,
  root: string,
  { calls, threads, profile }: Watching,
): Promise<Watched> {
  const enough = new AbortController();
  const watched: Watched[] = [];
  const engines: Engine[] = [];
  const compile = async (program: Program): Promise<Executable> => {
    // An engine for each program: its profile is then a file of its own.
    const folder = await mkdtemp(join(root, 'program-'));
    const settings = { ...(profile && { profile: join(folder, 'ort') }), ...(threads !== undefined && { threads }) };
    const own = ortEngine(settings);
    engines.push(own);
    const runs: Watched['runs'] = [];
    watched.push({ program, folder, runs });
    const inner = await own.compile(program);
    return {
      dispose: () => inner.dispose(),
      run: async (...args) => {
        const start = performance.now();
        const found = await inner.run(...args);
        runs.push({ start, ms: performance.now() - start });
        if (runs.length >= warmUp + calls && optimizes(program)) enough.abort();
        return found;
      },
    };
  };
  const dispose = async (): Promise<void> => {
    for (const own of engines) await own.dispose();
  };
  const engine = { name: 'ort', compile, dispose } satisfies Engine;
  await work(engine, enough.signal);
  await engine.dispose();
  const steps = watched.filter(({ program }) => optimizes(program));
  // Before an evaluation, fewer steps are taken in a call than otherwise.
  const taken = ({ program, runs }: Watched) => runs.length * stepsIn(program);
  const [step] = steps.sort((a, b) => taken(b) - taken(a));
  if (step === undefined || step.runs.length <= warmUp)
    throw new ArgumentError(
      `profile: expected more than ${warmUp} calls for training, got ${step?.runs.length ?? 0}: ask for more steps`,
    );
  return step;
}

/** Whether a program is a step of training: of the others, evaluations may run more often. */
const optimizes = ({ nodes }: Program): boolean =>
  nodes.some(
    ({ scope, attrs }) =>
      scope.split('.').includes('optimizer') || ('body' in attrs && optimizes(attrs.body as Program)),
  );

/** Steps that a call of a program takes: as many as it tells losses of. */
function stepsIn({ outputs, nodes, inputs }: Program): number {
  const id = outputs.find(({ name }) => /(^|\.)loss$/.test(name))?.id;
  const value = [...inputs, ...nodes.flatMap((node) => node.outputs)].find((own) => own.id === id);
  return value === undefined ? 1 : sizeOf(value.shape);
}

/** Puts together how long calls took and what ONNX Runtime wrote of their kernels. */
async function profileOf({ program, runs }: Watched, traced: Watched, rates: Rates): Promise<Profile> {
  const each = stepsIn(program);
  const [file] = await readdir(traced.folder);
  const lines = createInterface({ input: createReadStream(join(traced.folder, file!)) });
  const { kernels: all } = await readProfile(lines, { skip: warmUp });
  const inCall = stepsIn(traced.program);
  const inStep = all.map((kernel) => ({
    ...kernel,
    runs: kernel.runs / inCall,
    ms: kernel.ms / inCall,
    multiplyAdds: kernel.multiplyAdds / inCall,
    bytes: kernel.bytes / inCall,
  }));
  const counted = runs.slice(warmUp);
  // Pauses, as for an evaluation or a checkpoint, are no part of a step: the middle of all intervals.
  const intervals = counted.slice(1).map(({ start }, i) => start - counted[i]!.start);
  const stepMs = (intervals.length > 0 ? median(intervals) : counted[0]!.ms) / each;
  const called = median(counted.map(({ ms }) => ms)) / each;
  const kernels = withoutOverhead(inStep, called);
  const inKernels = kernels.reduce((sum, { ms }) => sum + ms, 0);
  return {
    steps: each * counted.length,
    stepMs,
    spent: {
      kernels: inKernels,
      calls: Math.max(0, called - inKernels),
      script: Math.max(0, stepMs - called),
    },
    rates,
    kernels: [...kernels].sort((a, b) => b.ms - a.ms),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

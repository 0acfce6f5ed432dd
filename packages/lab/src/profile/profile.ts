import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, Executable } from 'hyperloom/engine';
import { ortEngine } from 'hyperloom/engine/ort';
import { ArgumentError, type Program, sizeOf } from 'hyperloom/tensor';
import { train, trainWith } from 'hyperloom/train';
import type { Recipe, Session, Settings } from '../recipes/recipe.ts';
import { type Kernel, readProfile, type SessionProfile } from './kernels.ts';
import { measureRates, type Rates } from './rates.ts';

/** Where the time of a training step goes. */
export interface Profile {
  /** Steps that the figures are means of. */
  readonly steps: number;
  /** Milliseconds of a step: from the start of one to the start of the next. */
  readonly stepMs: number;
  /** Of these: in kernels; in ONNX Runtime between them; copying arrays in and out; in JavaScript. */
  readonly spent: {
    readonly kernels: number;
    readonly between: number;
    readonly copies: number;
    readonly script: number;
  };
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
    const enough = new AbortController();
    const { engine, watched } = await watchedEngine(root, threads, (program, runs) => {
      if (runs >= warmUp + calls && optimizes(program)) enough.abort();
    });
    await work(engine, enough.signal);
    await engine.dispose();
    const steps = watched.filter(({ program }) => optimizes(program));
    // Before an evaluation, fewer steps are taken in a call than otherwise.
    const taken = ({ program, runs }: Watched) => runs.length * stepsIn(program);
    const [step] = steps.sort((a, b) => taken(b) - taken(a));
    if (step === undefined || step.runs.length <= warmUp)
      throw new ArgumentError(`profile: expected more than ${warmUp} steps of training, got ${step?.runs.length ?? 0}`);
    return await profileOf(step, rates);
  } finally {
    await rm(root, { recursive: true });
  }
}

/** An engine with a session of its own, and a profile, for each program. */
async function watchedEngine(
  root: string,
  threads: number | undefined,
  onRun: (program: Program, runs: number) => void,
) {
  const watched: Watched[] = [];
  const engines: Engine[] = [];
  const compile = async (program: Program): Promise<Executable> => {
    const folder = await mkdtemp(join(root, 'program-'));
    const own = ortEngine({ profile: join(folder, 'ort'), ...(threads !== undefined && { threads }) });
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
        onRun(program, runs.length);
        return found;
      },
    };
  };
  const dispose = async (): Promise<void> => {
    for (const own of engines) await own.dispose();
  };
  return { engine: { name: 'ort', compile, dispose } satisfies Engine, watched };
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

/** Reads what was written of a program. */
async function profileOf({ program, folder, runs }: Watched, rates: Rates): Promise<Profile> {
  const [file] = await readdir(folder);
  const each = stepsIn(program);
  const read: SessionProfile = readProfile(await readFile(join(folder, file!), 'utf8'), { skip: warmUp });
  const kernels = read.kernels.map((kernel) => ({
    ...kernel,
    ms: kernel.ms / each,
    multiplyAdds: kernel.multiplyAdds / each,
    bytes: kernel.bytes / each,
  }));
  const counted = runs.slice(warmUp);
  // Pauses, as for an evaluation or a checkpoint, are no part of a step: the middle of all intervals.
  const intervals = counted.slice(1).map(({ start }, i) => start - counted[i]!.start);
  const stepMs = (intervals.length > 0 ? median(intervals) : counted[0]!.ms) / each;
  const inKernels = kernels.reduce((sum, { ms }) => sum + ms, 0);
  const inside = median(read.runMs) / each;
  const called = median(counted.map(({ ms }) => ms)) / each;
  return {
    steps: each * read.runs,
    stepMs,
    spent: {
      kernels: inKernels,
      between: Math.max(0, inside - inKernels),
      copies: Math.max(0, called - inside),
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

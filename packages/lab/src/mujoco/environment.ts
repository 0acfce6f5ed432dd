import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { checkActions, type HostEnvironment, type HostOutcome, type HostReset, physicsRows } from 'hyperloom/rl';
import { ArgumentError } from 'hyperloom/tensor';

import { commands, share, turn } from './shared.ts';
import type { WorkerTask } from './worker.ts';
import type { World } from './world.ts';
import { type WorldName, type WorldPhysics, worlds } from './worlds/index.ts';

export interface MujocoOptions {
  readonly copies: number;
  /** Threads that step them, no more than copies; as many as the machine has cores when absent. It changes no number. */
  readonly workers?: number;
  /** Steps of an episode instead of the world's own. */
  readonly limit?: number;
}

/** A world of MuJoCo, of which copies are stepped in threads. */
export interface MujocoEnvironment<P extends string = string> extends HostEnvironment<P> {
  /** Names of the points that a picture is drawn through. */
  readonly sites: readonly string[];
  /** x and z of each point, metres, [copies, sites, 2]: where the last step led to, or the start. Written to by each step. */
  readonly points: Float32Array;
}

/**
 * Copies of a world in threads of their own, each with its own instance of MuJoCo.
 * @throws ArgumentError for an unknown world or no positive whole number of copies, workers or steps
 */
export async function mujocoEnvironment<W extends WorldName>(
  name: W,
  { copies, workers: wanted = availableParallelism(), limit }: MujocoOptions,
): Promise<MujocoEnvironment<WorldPhysics<W>>> {
  if (!Object.hasOwn(worlds, name))
    throw new ArgumentError(`mujoco: expected a world (${Object.keys(worlds).join(', ')}), got "${name}"`);
  const known: World = worlds[name];
  const spec = { ...known.spec, limit: limit ?? known.spec.limit };
  for (const [what, count] of Object.entries({ copies, workers: wanted, limit: spec.limit }))
    if (!Number.isSafeInteger(count) || count < 1)
      throw new ArgumentError(`mujoco ${name}: expected a positive whole number of ${what}, got ${count}`);
  const shared = share(known, copies);
  const count = Math.min(wanted, copies);
  const threads = threadsOf(name, count);
  shared.turn[turn.pending] = count;
  for (let i = 0; i < count; i++) {
    const [first, end] = [i, i + 1].map((n) => Math.floor((n * copies) / count)) as [number, number];
    threads.start({ world: name, limit: spec.limit, copies, first, end, buffer: shared.buffer });
  }
  const done = () => threads.wait(shared.turn);
  const command = (which: number): Promise<void> => {
    threads.check();
    shared.turn[turn.command] = which;
    Atomics.store(shared.turn, turn.pending, count);
    Atomics.add(shared.turn, turn.count, 1);
    Atomics.notify(shared.turn, turn.count);
    return done();
  };
  await done();
  const { observations, reached, rewards, terminated, truncated, points } = shared;
  const outcome: HostOutcome = { observations, reached, rewards, terminated, truncated };
  return {
    name,
    spec: spec as MujocoEnvironment<WorldPhysics<W>>['spec'],
    copies,
    sites: known.sites,
    points,
    reset: async ({ seed, iteration, physics }: HostReset<WorldPhysics<W>>) => {
      const rows: Readonly<Record<string, Float64Array>> = physicsRows({ name, spec }, copies, physics);
      Object.values(rows).forEach((row, i) => {
        shared.physics.set(row, i * copies);
      });
      shared.names.set([seed, iteration]);
      await command(commands.reset);
      return observations;
    },
    step: async (actions) => {
      checkActions({ name, spec }, copies, actions);
      shared.actions.set(actions);
      await command(commands.step);
      return outcome;
    },
    close: () => threads.end(),
  };
}

/** How long the caller sleeps at a time before it looks whether a thread has ended without a word. */
const patience = 50;

/** The threads of an environment, and what went wrong in them. */
function threadsOf(world: string, count: number) {
  const all: Worker[] = [];
  let failure: Error | undefined;
  let closed = false;
  const fail = (why: string): void => {
    failure ??= new Error(`mujoco ${world}: a thread failed: ${why}`);
  };
  const end = async (): Promise<void> => {
    closed = true;
    await Promise.all(all.splice(0).map((worker) => worker.terminate()));
  };
  const check = (): void => {
    if (failure) throw failure;
    if (closed) throw new ArgumentError(`mujoco ${world}: expected an open environment, got one that is closed`);
  };
  return {
    end,
    check,
    start: (task: WorkerTask): void => {
      const worker = startWorker({ workerData: task, name: `${world} ${all.length + 1} of ${count}` });
      worker.on('message', fail);
      worker.on('error', ({ message }) => fail(message));
      worker.on('exit', (code) => closed || fail(`it ended with code ${code}`));
      // A program that is done need not close what it forgot.
      worker.unref();
      all.push(worker);
    },
    /**
     * Sleeps until no worker is at work. The caller's own thread sleeps, as it has nothing else to do and wakes soonest
     * so; every 50 ms it lets events pass, among them the end of a thread.
     */
    wait: async (state: Int32Array): Promise<void> => {
      for (;;) {
        const pending = Atomics.load(state, turn.pending);
        if (Atomics.load(state, turn.failed) > 0) while (!failure) await setImmediate();
        if (failure) {
          await end();
          throw failure;
        }
        if (pending === 0) return;
        if (Atomics.wait(state, turn.pending, pending, patience) === 'timed-out') await setImmediate();
      }
    },
  };
}

/** Starts the worker's file: the built one beside the command's, or its source through the loader of TypeScript. */
function startWorker(options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./mujocoWorker.js', import.meta.url), options);
  const { resolve } = createRequire(import.meta.url);
  const loaders = [
    // Ten megabytes that the loader need not look through, as they are loaded before it.
    resolve('mujoco-js'),
    // Its form for require looks for the files of the other one beside itself.
    resolve('tsx/esm/api').replace(/cjs$/, 'mjs'),
  ].map((path) => `await import(${JSON.stringify(pathToFileURL(path).href)})`);
  const worker = JSON.stringify(new URL('./worker.ts', import.meta.url).href);
  return new Worker(`(async () => { ${loaders[0]}; (${loaders[1]}).register(); await import(${worker}); })()`, {
    ...options,
    eval: true,
    execArgv: ['--conditions=source'],
  });
}

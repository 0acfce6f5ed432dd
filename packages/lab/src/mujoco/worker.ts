/** A thread of an environment: it steps its copies whenever the turn counts on. */
import { parentPort, workerData } from 'node:worker_threads';
import loadMujoco from 'mujoco-js';

import { commands, share, turn } from './shared.ts';
import { simulate } from './simulation.ts';
import type { World } from './world.ts';
import { type WorldName, worlds } from './worlds/index.ts';

/** What a thread is told at its start. */
export interface WorkerTask {
  readonly world: WorldName;
  readonly limit: number;
  readonly copies: number;
  readonly first: number;
  readonly end: number;
  readonly buffer: SharedArrayBuffer;
}

const { world: name, limit, copies, first, end, buffer } = workerData as WorkerTask;
const known: World = worlds[name];
const world: World = { ...known, spec: { ...known.spec, limit } };
const shared = share(world, copies, buffer);

/** One command done, or failed. */
function report(error?: unknown): void {
  if (error !== undefined) {
    parentPort?.postMessage(error instanceof Error ? error.message : String(error));
    Atomics.add(shared.turn, turn.failed, 1);
  }
  if (Atomics.sub(shared.turn, turn.pending, 1) === 1) Atomics.notify(shared.turn, turn.pending);
}

try {
  const mujoco = await loadMujoco();
  const simulation = simulate(mujoco, world, { first, end, shared });
  report();
  for (let seen = 0; ; ) {
    Atomics.wait(shared.turn, turn.count, seen);
    const count = Atomics.load(shared.turn, turn.count);
    // A thread that saw the count change before the caller rang is woken by that ring once more, with nothing to do.
    if (count === seen) continue;
    seen = count;
    if (shared.turn[turn.command] === commands.reset) simulation.reset();
    else simulation.step();
    report();
  }
} catch (error) {
  report(error);
}

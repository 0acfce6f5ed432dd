import { fileURLToPath } from 'node:url';
import type { Workload as WorkloadName } from '../peers/inputs.ts';
import { openWorker, startPeer } from '../peers/peer.ts';
import type { PeerOption } from './options.ts';
import type { LongScan } from './scanMemory.ts';
import type { Message, Micro, Setup, Steps } from './worker.ts';

/** One of those that take turns: its process, ready to step. */
export interface Side {
  readonly name: string;
  readonly version: string;
  run(steps: number): Promise<Pick<Steps, 'ms' | 'losses' | 'peakMB'>>;
  stop(): Promise<void>;
}

/** Our own process. */
export interface Ours extends Side {
  setup(workload: WorkloadName, batch: number): Promise<Setup>;
  run(steps: number): Promise<Steps>;
  micro(rounds: number, roundMs: number): Promise<Micro>;
  longScan(checkpoint: number): Promise<LongScan>;
}

/** Starts our side as a process of its own, so that its memory is its own and no side runs in the harness. */
export async function startOurs(threads: number, flags: readonly string[] = []): Promise<Ours> {
  const script = fileURLToPath(new URL('worker.ts', import.meta.url));
  const args = [...process.execArgv, ...flags, script, '--threads', String(threads)];
  const worker = await openWorker('hyperloom', process.execPath, args, 'inherit');
  if ('missing' in worker) throw new Error(worker.missing);
  const ask = (message: Message) => worker.ask(message);
  return {
    name: 'hyperloom',
    version: worker.hello.version,
    setup: async (workload, batch) => (await ask({ cmd: 'setup', workload, batch })) as Setup,
    run: async (steps) => (await ask({ cmd: 'run', steps })) as Steps,
    micro: async (rounds, roundMs) => (await ask({ cmd: 'micro', rounds, roundMs })) as Micro,
    longScan: async (checkpoint) => (await ask({ cmd: 'longScan', checkpoint })) as LongScan,
    stop: worker.stop,
  };
}

/** Starts a peer on a workload; resolves to the reason where it cannot. */
export async function startTheirs(
  name: PeerOption,
  threads: number,
  workload: WorkloadName,
  manifest: string,
): Promise<Side | { readonly skip: string }> {
  const stock = name === 'torch-stock';
  const peer = await startPeer(stock ? 'torch' : name, { threads, stock });
  if ('missing' in peer) return { skip: peer.missing };
  const skipped = await peer.setup(workload, manifest);
  if (skipped) {
    await peer.stop();
    return skipped;
  }
  return { name, version: peer.hello.version, run: peer.run, stop: peer.stop };
}

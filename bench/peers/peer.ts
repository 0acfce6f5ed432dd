/** The harness's side of the protocol of README.md: one long-lived worker process for each peer. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Workload } from './inputs.ts';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export type PeerName = 'torch' | 'torch-compile' | 'jax' | 'tfjs-wasm' | 'tfjs-cpu' | 'jaxjs';

interface PeerKind {
  readonly runtime: 'python' | 'node';
  readonly script: string;
  readonly flags: readonly string[];
}

export const peers: Readonly<Record<PeerName, PeerKind>> = {
  torch: { runtime: 'python', script: 'torch_peer.py', flags: [] },
  'torch-compile': { runtime: 'python', script: 'torch_peer.py', flags: ['--compile'] },
  jax: { runtime: 'python', script: 'jax_peer.py', flags: [] },
  'tfjs-wasm': { runtime: 'node', script: 'tfjs_peer.mjs', flags: ['--backend', 'wasm'] },
  'tfjs-cpu': { runtime: 'node', script: 'tfjs_peer.mjs', flags: ['--backend', 'cpu'] },
  jaxjs: { runtime: 'node', script: 'jaxjs_peer.mjs', flags: [] },
};

export interface Hello {
  readonly peer: string;
  readonly version: string;
  readonly threads: number;
  readonly build?: string;
}

export interface Run {
  /** Wall time of each step, in milliseconds. */
  readonly ms: readonly number[];
  /** Loss of each step, before its update. */
  readonly losses: readonly number[];
  readonly peakMB: number;
}

export interface Peer {
  readonly hello: Hello;
  /** Resolves to a reason when the peer cannot do the workload, and to undefined when it is ready. */
  setup(workload: Workload, manifest: string): Promise<{ readonly skip: string } | undefined>;
  run(steps: number): Promise<Run>;
  stop(): Promise<void>;
}

/** A worker's line; the fields present tell which kind it is. */
interface Reply extends Partial<Hello>, Partial<Run> {
  readonly ready?: boolean;
  readonly missing?: string;
  readonly error?: string;
  readonly skip?: string;
}

/**
 * Starts a peer. Resolves to `{ missing }` with the worker's own words when what it needs is not installed.
 * Python is $HYPERLOOM_PYTHON, or the first of the Pythons on the PATH that has the package.
 */
export async function startPeer(
  name: PeerName,
  options: { readonly threads: number; readonly stock?: boolean },
): Promise<Peer | { readonly missing: string }> {
  const { runtime, script, flags } = peers[name];
  const args = [here(script), '--threads', String(options.threads), ...flags];
  if (options.stock && runtime === 'python') args.push('--stock');
  let missing = `${name}: no Python found`;
  for (const command of runtime === 'node' ? [process.execPath] : pythons()) {
    const worker = await openWorker(name, command, args);
    if (!('missing' in worker)) return peerOf(worker);
    missing = worker.missing;
  }
  return { missing };
}

function pythons(): readonly string[] {
  const chosen = process.env.HYPERLOOM_PYTHON;
  if (chosen !== undefined) return [chosen];
  const found = (process.env.PATH ?? '').split(delimiter).map((folder) => `${folder}/python3`);
  return [...new Set(found)].filter((path) => existsSync(path));
}

/** Installs the npm peers into this folder, if they are not there; their size keeps them out of the repository's own. */
export function installNodePeers(): void {
  if (existsSync(here('node_modules/@jax-js/jax'))) return;
  const { status } = spawnSync('npm', ['install', '--prefix', here('.')], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) console.error('peers: npm install failed, so the npm peers are skipped');
}

/** A worker that has said hello. */
export interface Worker {
  readonly hello: Hello;
  /** Sends a message and resolves to its answer; rejects with the worker's own words when that is an error. */
  ask(message: object): Promise<object>;
  stop(): Promise<void>;
}

/** Starts a worker of the protocol. Resolves to `{ missing }` when it cannot start. */
export async function openWorker(
  name: string,
  command: string,
  args: readonly string[],
  stderr: 'ignore' | 'inherit' = 'ignore',
): Promise<Worker | { readonly missing: string }> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', stderr] });
  const lines = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
  const stdin = child.stdin as Writable;
  const ended = exit(child);
  const next = async (): Promise<Reply> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name}: the worker ended with ${await ended}`);
    return JSON.parse(value) as Reply;
  };
  const ask = async (message: object): Promise<Reply> => {
    stdin.write(`${JSON.stringify(message)}\n`);
    const answer = await next();
    if (answer.error !== undefined) throw new Error(`${name}: ${answer.error}`);
    return answer;
  };

  stdin.on('error', () => {}); // a worker that ended tells so by its missing reply
  const hello = await next().catch((error: Error): Reply => ({ missing: name, error: error.message }));
  if (hello.missing !== undefined) return { missing: hello.error ?? hello.missing };
  const { peer = name, version = 'unknown', threads = 1, build } = hello;
  return {
    hello: { peer, version, threads, ...(build === undefined ? {} : { build }) },
    ask,
    stop: async () => {
      stdin.end(`${JSON.stringify({ cmd: 'quit' })}\n`);
      await ended;
    },
  };
}

function peerOf({ hello, ask, stop }: Worker): Peer {
  return {
    hello,
    setup: async (workload, manifest) => {
      const { skip } = (await ask({ cmd: 'setup', workload, manifest })) as Reply;
      return skip === undefined ? undefined : { skip };
    },
    run: async (steps) => {
      const { ms = [], losses = [], peakMB = 0 } = (await ask({ cmd: 'run', steps })) as Reply;
      return { ms, losses, peakMB };
    },
    stop,
  };
}

function exit(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

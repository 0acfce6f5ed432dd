/** Our side of the benchmark, a process of its own: the peers' protocol, with what only we can tell in the answers. */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ortEngine } from 'hyperloom/engine/ort';
import { seededInputs, type Workload as WorkloadName } from '../peers/inputs.ts';
import { startInference } from './inference.ts';
import { type NodeCounts, programNodes, recordedRuntime } from './recording.ts';
import { startRolling } from './rolling.ts';
import { startSampling } from './sampling.ts';
import { type LongScan, runLongScan } from './scanMemory.ts';
import { startTraining, type Training } from './training.ts';
import { figures, trainings } from './workloads/index.ts';

/** What the harness sends. */
export type Message =
  | { readonly cmd: 'setup'; readonly workload: WorkloadName; readonly batch: number }
  | { readonly cmd: 'run'; readonly steps: number }
  | { readonly cmd: 'longScan'; readonly checkpoint: number }
  | { readonly cmd: 'micro'; readonly rounds: number; readonly roundMs: number };

/** The answer to `setup`. */
export interface Setup {
  readonly parameters: number;
  readonly compileMs: number;
  readonly programNodes: NodeCounts;
  readonly onnxNodes: NodeCounts;
}

/** The answer to `run`. */
export interface Steps {
  readonly ms: readonly number[];
  readonly losses: readonly number[];
  readonly peakMB: number;
  /** Resident memory now, after a collection of garbage where the process was started with --expose-gc. */
  readonly rssMB: number;
}

/** The answer to `micro`: milliseconds of runs in turn with the other figures. */
export interface Micro {
  readonly figures: readonly { readonly name: string; readonly gflop?: number; readonly ms: readonly number[] }[];
  readonly peakMB: number;
}

const { values } = parseArgs({ options: { threads: { type: 'string', default: '2' } } });
const threads = Number(values.threads);
const reply = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
const peakMB = () => process.resourceUsage().maxRSS / 1024;

const recording = await recordedRuntime();
const engine = ortEngine({ threads, runtime: recording.runtime });
let training: Training | undefined;

async function setup(name: WorkloadName, batch: number): Promise<Setup> {
  await training?.dispose();
  const inputs = seededInputs(name, batch);
  if (name === 'sampling') training = await startSampling(engine, batch, inputs);
  else if (name === 'inference') training = await startInference(engine, batch, inputs);
  else if (name === 'cartPole') training = await startRolling(engine, batch, inputs);
  else training = await startTraining(engine, trainings[name], batch, inputs);
  const { parameters, compileMs, program } = training;
  return { parameters, compileMs, programNodes: programNodes(program), onnxNodes: recording.onnxNodes() };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function run(steps: number): Promise<Steps> {
  if (training === undefined) throw new Error('run: expected a setup first');
  const { step } = training;
  const ms: number[] = [];
  const losses: number[] = [];
  while (ms.length < steps) {
    let taken: readonly number[] = [];
    const time = await timed(async () => {
      taken = await step();
    });
    losses.push(...taken);
    // Steps of one call share its time.
    ms.push(...taken.map(() => time / taken.length));
  }
  globalThis.gc?.();
  return { ms, losses, peakMB: peakMB(), rssMB: process.memoryUsage.rss() / 2 ** 20 };
}

/** Every figure in turn, round by round, so that a busy moment of the machine falls on all of them. */
async function micro(rounds: number, roundMs: number): Promise<Micro> {
  const all = (await figures(engine)).map((figure) => ({ ...figure, ms: [] as number[], repeats: 1 }));
  for (const figure of all) {
    await figure.run();
    figure.repeats = Math.max(1, Math.min(500, Math.round(roundMs / (await timed(figure.run)))));
  }
  for (let round = 0; round < rounds; round++) {
    for (const { run, ms, repeats } of all) for (let i = 0; i < repeats; i++) ms.push(await timed(run));
  }
  return { figures: all.map(({ name, gflop, ms }) => ({ name, ms, ...(gflop && { gflop }) })), peakMB: peakMB() };
}

async function longScan(checkpoint: number): Promise<LongScan> {
  const result = await runLongScan(engine, checkpoint);
  return { checkpoint, ...result, peakMB: peakMB() };
}

async function answer(message: Message): Promise<object> {
  if (message.cmd === 'setup') return setup(message.workload, message.batch);
  if (message.cmd === 'run') return run(message.steps);
  if (message.cmd === 'longScan') return longScan(message.checkpoint);
  return micro(message.rounds, message.roundMs);
}

const { version } = createRequire(import.meta.url)('hyperloom/package.json') as { version: string };
reply({ ready: true, peer: 'hyperloom', version, threads });
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Message | { readonly cmd: 'quit' };
  if (message.cmd === 'quit') break;
  try {
    reply(await answer(message));
  } catch (error) {
    reply({ error: error instanceof Error ? error.message : String(error) });
  }
}
await engine.dispose();
process.exit(0);

/** `npm run bench`: see README.md. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Workload as WorkloadName } from '../peers/inputs.ts';
import { installNodePeers } from '../peers/peer.ts';
import { machine, showMachine } from './machine.ts';
import { measure, type WorkloadResult } from './measure.ts';
import { measureMemory, showMemory } from './memory.ts';
import { type Options, type PeerOption, parseOptions, UsageError, usage } from './options.ts';
import { showMicro, showRates, showWorkloads } from './report.ts';
import { measureLongScans, showLongScans } from './scanMemory.ts';
import { startOurs } from './sides.ts';
import { summarize } from './statistics.ts';
import type { Micro } from './worker.ts';

/** Sizes of each workload; a peer that is too slow for the first is spared the others. */
const batches: Readonly<Record<WorkloadName, readonly number[]>> = {
  mnist: [128, 1000],
  perExample: [64, 1024],
  perExampleConv: [128],
  denseHead: [128],
  chunked: [128],
  chunkedLarge: [128],
  expertsConv: [128],
  adapters: [16],
  setEncoder: [64],
  inference: [1, 256],
  hyperLstm: [32],
  hyperLstmLong: [32],
  lstm: [32],
  sampling: [1, 100],
  cartPole: [4096],
};

/** What each peer is, for the lines below the table. */
const notes: Readonly<Partial<Record<PeerOption, string>>> = {
  torch: 'PyTorch eager, with its allocator and the spinning of its threads set for speed (peers/README.md)',
  'torch-compile': 'torch.compile of the loss, forward and backward, with the same settings',
  'torch-stock': 'the same script and PyTorch as installed',
};

async function engineFigures({ threads, rounds, roundMs }: Options): Promise<Micro> {
  const ours = await startOurs(threads);
  try {
    return await ours.micro(rounds, roundMs / 10);
  } finally {
    await ours.stop();
  }
}

async function workloads(options: Options): Promise<WorkloadResult[]> {
  const results: WorkloadResult[] = [];
  for (const workload of options.only) {
    if (workload === 'micro' || workload === 'scanMemory') continue;
    const slow = new Set<PeerOption>();
    for (const batch of batches[workload]) {
      process.stderr.write(`${workload} ${batch} ...\n`);
      const result = await measure(workload, batch, options, slow);
      for (const side of result.sides) if (side.slow) slow.add(side.name as PeerOption);
      results.push(result);
    }
  }
  return results;
}

/** Names what is not in the table and says what is. */
function remarks(results: readonly WorkloadResult[]): string[] {
  const skipped = results.flatMap(({ workload, batch, skipped: all }) =>
    all.map(({ name, why }) => `skipped: ${name} on ${workload} ${batch}: ${why}`),
  );
  const versions = new Map(results.flatMap(({ sides }) => sides.slice(1).map((s) => [s.name, s.version] as const)));
  const described = [...versions].map(([name, version]) => {
    const note = notes[name as PeerOption];
    return `${name}: ${version}${note ? `, ${note}` : ''}`;
  });
  return [...described, ...new Set(skipped)];
}

async function bench(options: Options): Promise<number> {
  const host = machine();
  console.log(`${showMachine(host)}; threads for each side: ${options.threads}`);
  if (options.memory) {
    const memory = await measureMemory(options.threads);
    console.log(showMemory(memory));
    save(options, { machine: host, memory });
    return 0;
  }
  if (options.peers.some((name) => /^(tfjs|jaxjs)/.test(name))) installNodePeers();
  const micro = options.only.includes('micro') ? await engineFigures(options) : undefined;
  if (micro) console.log(`\n${showMicro(micro)}`);
  const results = await workloads(options);
  if (results.length > 0)
    console.log(['', showWorkloads(results), '', ...showRates(results), ...remarks(results)].join('\n').trimEnd());
  const longScans = options.only.includes('scanMemory') ? await measureLongScans(options.threads) : undefined;
  if (longScans) console.log(`\n${showLongScans(longScans)}`);
  const failures = results.flatMap((result) => result.failures);
  for (const failure of failures) console.error(`failed: ${failure}`);
  const figures = micro?.figures.map(({ name, gflop, ms }) => ({ name, gflop, ms: summarize(ms) }));
  save(options, { machine: host, options, micro: figures, workloads: results, longScans });
  return failures.length > 0 ? 1 : 0;
}

/** Relative paths are the caller's: npm runs scripts in the folder of their package. */
function save({ json }: Options, report: object): void {
  if (json === undefined) return;
  writeFileSync(resolve(process.env.INIT_CWD ?? '.', json), `${JSON.stringify(report, null, 2)}\n`);
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(usage);
  else process.exitCode = await bench(options);
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

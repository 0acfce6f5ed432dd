/** `npm run performance -w bench -- --after FILE [--before FILE]`: the tables and the picture of docs/performance.md. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ratioBars, standalone } from '../../packages/lab/src/report/charts.ts';
import { colourOf } from '../../packages/lab/src/report/palette.ts';
import type { WorkloadResult } from './measure.ts';
import { figure, markdown, updateDocument, writePicture } from './study/document.ts';

/** What `npm run bench -- --json` writes. */
interface Report {
  readonly machine: Readonly<Record<string, unknown>>;
  readonly options: { readonly threads: number; readonly rounds: number };
  readonly workloads: readonly WorkloadResult[];
}

const { values } = parseArgs({
  options: { after: { type: 'string' }, before: { type: 'string' } },
});
if (values.after === undefined) {
  console.error('performance: expected --after FILE, which npm run bench -- --json FILE writes');
  process.exit(2);
}
const read = (path: string): Report =>
  JSON.parse(readFileSync(resolve(process.env.INIT_CWD ?? '.', path), 'utf8')) as Report;
const after = read(values.after);
const before = values.before === undefined ? undefined : read(values.before);

const titleOf = ({ workload, batch }: WorkloadResult) => `${workload} ${batch}`;
const sideOf = ({ sides }: WorkloadResult, name: string) => sides.find((side) => side.name === name);
const peers = [...new Set(after.workloads.flatMap(({ sides }) => sides.slice(1).map(({ name }) => name)))];

/** Ours in ms, and over each peer's: the paired ratio. */
function tableOf({ workloads }: Report): string {
  const rows = workloads.map((result) => {
    const [ours] = result.sides;
    const ratios = peers.map((name) => {
      const ratio = sideOf(result, name)?.ratio;
      return ratio ? `${figure(ratio.median)} (${figure(ratio.low)} to ${figure(ratio.high)})` : '-';
    });
    return [titleOf(result), figure(ours!.ms.median), ...ratios, String(Math.round(ours!.peakMB))];
  });
  const memory = peers.includes('torch') ? ['MB, torch'] : [];
  const withMemory = rows.map((row, i) => {
    const peak = sideOf(workloads[i]!, 'torch')?.peakMB;
    return [...row, ...memory.map(() => (peak === undefined ? '-' : String(Math.round(peak))))];
  });
  return markdown(['workload', 'ours, ms', ...peers.map((name) => `over ${name}`), 'MB', ...memory], withMemory);
}

/** Which of a workload's figures moved, against the fastest of PyTorch eager and JAX. */
function movedTable(first: Report, second: Report): string {
  const best = (result: WorkloadResult): number | undefined => {
    const ratios = ['torch', 'jax'].flatMap((name) => sideOf(result, name)?.ratio?.median ?? []);
    return ratios.length > 0 ? Math.max(...ratios) : undefined;
  };
  const rows = second.workloads.map((result) => {
    const old = first.workloads.find((one) => titleOf(one) === titleOf(result));
    const show = (value: number | undefined) => (value === undefined ? '-' : figure(value));
    return [
      titleOf(result),
      show(old?.sides[0]?.ms.median),
      show(result.sides[0]?.ms.median),
      show(old && best(old)),
      show(best(result)),
    ];
  });
  return markdown(['workload', 'before, ms', 'after, ms', 'over the faster of both, before', 'after'], rows);
}

const settings = `Threads of each side: ${after.options.threads}; ${after.options.rounds} rounds.`;
updateDocument('performance.md', {
  results: `${settings}\n\n${tableOf(after)}`,
  ...(before && { moved: movedTable(before, after) }),
});
writePicture(
  'performance.svg',
  'Time of a step over that of each peer',
  standalone(
    ratioBars(
      'time of a step over that of each peer: left of the line ours is quicker',
      after.workloads.map(titleOf),
      peers.map((name, i) => ({
        name,
        values: after.workloads.map((result) => sideOf(result, name)?.ratio?.median),
        colour: colourOf(i),
      })),
    ),
  ),
);

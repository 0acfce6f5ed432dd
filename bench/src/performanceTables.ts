import type { WorkloadResult } from './measure.ts';
import { figure, markdown } from './study/document.ts';

/** What `npm run bench -- --json` writes, as far as it is read. */
export interface Report {
  readonly options: { readonly threads: number; readonly rounds: number };
  readonly workloads: readonly WorkloadResult[];
}

/** A workload with its batch. */
export const titleOf = ({ workload, batch }: WorkloadResult) => `${workload} ${batch}`;
/** One side of a workload by its name. */
export const sideOf = ({ sides }: WorkloadResult, name: string) => sides.find((side) => side.name === name);
/** The peers of a report, each once. */
export const peersOf = ({ workloads }: Report): string[] => [
  ...new Set(workloads.flatMap(({ sides }) => sides.slice(1).map(({ name }) => name))),
];

/** Ours in ms, and over each peer's: the paired ratio. */
export function resultsTable(report: Report): string {
  const { workloads } = report;
  const peers = peersOf(report);
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
export function movedTable(first: Report, second: Report): string {
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

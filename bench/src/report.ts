import { cartPoleSteps, type Workload as WorkloadName } from '../peers/inputs.ts';
import type { WorkloadResult } from './measure.ts';
import type { NodeCounts } from './recording.ts';
import { type Summary, summarize } from './statistics.ts';
import type { Micro } from './worker.ts';

/** Three digits that matter. */
const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

const spread = ({ median, min, low, high }: Summary): string[] => [median, min, low, high].map(short);

/** Rows as aligned columns: the first two to the left, the others to the right. */
function table(header: readonly string[], rows: readonly (readonly string[])[], left: number): string {
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i < left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}

const header = [
  'step',
  'side',
  'median ms',
  'min',
  'quarter',
  'three q.',
  'ours/theirs',
  'spread',
  'loss 20',
  'peak MB',
  'nodes',
  'ONNX',
  'compile ms',
];

/** Nodes outside the bodies of loops, and those inside if any. */
const nodes = ({ outside, inside }: NodeCounts): string => (inside > 0 ? `${outside} + ${inside}` : `${outside}`);

/** What some workloads make so many of in a step, for each of a batch. */
const made: Readonly<Partial<Record<WorkloadName, { readonly what: string; readonly each: number }>>> = {
  sampling: { what: 'characters', each: 1 },
  cartPole: { what: 'environment steps', each: cartPoleSteps },
};

/** How many of these each side makes in a second. */
export function showRates(results: readonly WorkloadResult[]): string[] {
  return results.flatMap(({ workload, batch, sides }) => {
    const { what, each } = made[workload] ?? { what: '', each: 0 };
    if (each === 0) return [];
    const whole = (value: number) => Math.round(value).toLocaleString('en');
    const rates = sides.map(({ name, ms }) => `${name} ${whole(((batch * each) / ms.median) * 1e3)}`);
    return [`${what} a second, ${whole(batch * each)} in each call: ${rates.join(', ')}`];
  });
}

/** The table of workloads, a row for each side. */
export function showWorkloads(results: readonly WorkloadResult[]): string {
  const rows = results.flatMap(({ workload, batch, setup, sides }) =>
    sides.map(({ name, ms, ratio, losses, peakMB, slow }, i) => [
      i === 0 ? `${workload} ${batch}` : '',
      slow ? `${name} (${ms.count} steps)` : name,
      ...spread(ms),
      ratio ? short(ratio.median) : '',
      ratio ? `${short(ratio.low)} to ${short(ratio.high)}` : '',
      slow ? '' : losses.at(-1)!.toFixed(5),
      peakMB.toFixed(0),
      ...(i === 0 ? [nodes(setup.programNodes), nodes(setup.onnxNodes), setup.compileMs.toFixed(0)] : ['', '', '']),
    ]),
  );
  const compared = results.some(({ sides }) => sides.length > 1);
  const kept = header.map((name) => compared || (name !== 'ours/theirs' && name !== 'spread'));
  const cut = (row: readonly string[]) => row.filter((_, i) => kept[i]);
  return table(cut(header), rows.map(cut), 2);
}

/** The table of the engine's figures. */
export function showMicro({ figures }: Micro): string {
  const rows = figures.map(({ name, ms, gflop }) => {
    const summary = summarize(ms);
    return [name, ...spread(summary), gflop ? ((gflop / summary.median) * 1e3).toFixed(0) : ''];
  });
  return table(['engine', 'median ms', 'min', 'quarter', 'three q.', 'GFLOP/s'], rows, 1);
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededInputs, type Workload as WorkloadName, writeInputs } from '../peers/inputs.ts';
import { expectedLosses } from './expected.ts';
import { interleave, lossDifference, type Measured, wasSlow } from './interleave.ts';
import type { Options, PeerOption } from './options.ts';
import { type Side, startOurs, startTheirs } from './sides.ts';
import { median, ratios, type Summary, summarize } from './statistics.ts';
import type { Setup } from './worker.ts';

/** How far losses may lie apart over the first 20 steps: rounding grows from step to step, faster in Adam than elsewhere. */
const TOLERANCE = 1e-3;
/** How far the losses of the starting weights may lie apart. */
const START_TOLERANCE = 2e-5;

/** What one side of a workload came to; the first is ours. */
export interface SideResult {
  readonly name: string;
  readonly version: string;
  readonly ms: Summary;
  /** Ours over theirs, of the medians of each round. */
  readonly ratio?: Summary;
  readonly peakMB: number;
  readonly losses: readonly number[];
  readonly roundMedians: readonly number[];
  readonly slow: boolean;
}

export interface WorkloadResult {
  readonly workload: WorkloadName;
  readonly batch: number;
  readonly setup: Setup;
  readonly sides: readonly SideResult[];
  /** Peers that are not in the figures, and why. */
  readonly skipped: readonly { readonly name: PeerOption; readonly why: string }[];
  /** Checks of losses that failed, one line each. */
  readonly failures: readonly string[];
}

/** Measures one workload at one size, with the peers in turn. `slow` are peers to leave out of it. */
export async function measure(
  workload: WorkloadName,
  batch: number,
  { peers, rounds, roundMs, threads }: Options,
  slow: ReadonlySet<PeerOption>,
): Promise<WorkloadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'hyperloom-bench-'));
  const running: Side[] = [];
  const skipped: { name: PeerOption; why: string }[] = [];
  try {
    const manifest = peers.length > 0 ? writeInputs(folder, workload, batch, seededInputs(workload, batch)) : undefined;
    const ours = await startOurs(threads);
    running.push(ours);
    const setup = await ours.setup(workload, batch);
    for (const name of peers) {
      const side = slow.has(name)
        ? { skip: 'too slow at the smaller batch' }
        : await startTheirs(name, threads, workload, manifest!);
      if ('skip' in side) skipped.push({ name, why: side.skip });
      else running.push(side);
    }
    const measured = await interleave(running, rounds, roundMs);
    // A side that is slow here and now takes fewer steps than those whose last loss is stored.
    const stored = wasSlow(measured[0]!) ? undefined : expectedLosses[`${workload}.${batch}`];
    const failures = lossFailures(`${workload}, batch ${batch}`, measured, stored);
    return { workload, batch, setup, sides: measured.map((side) => resultOf(side, measured[0]!)), skipped, failures };
  } finally {
    for (const side of running) await side.stop();
    rmSync(folder, { recursive: true });
  }
}

function resultOf(side: Measured, ours: Measured): SideResult {
  const { name, version, peakMB, losses, rounds } = side;
  return {
    name,
    version,
    ms: summarize(rounds.flat()),
    ...(side !== ours && { ratio: summarize(ratios(ours.rounds, rounds)) }),
    peakMB,
    losses,
    roundMedians: rounds.filter((round) => round.length > 0).map(median),
    slow: wasSlow(side),
  };
}

/** Holds our losses to those that are stored, and every peer's to ours. Written so that NaN fails. */
export function lossFailures(
  where: string,
  measured: readonly Measured[],
  expected: readonly [number, number] | undefined,
): string[] {
  const [ours, ...others] = measured as readonly [Measured, ...Measured[]];
  const pairs = others.map(({ name, losses }) => ({ name, mine: ours.losses, theirs: losses }));
  const ends = [ours.losses[0]!, ours.losses.at(-1)!];
  if (expected) pairs.unshift({ name: 'the stored losses', mine: ends, theirs: expected });
  const check = (name: string, mine: readonly number[], theirs: readonly number[], tolerance: number): string[] => {
    const by = lossDifference(mine, theirs);
    if (by <= tolerance) return [];
    return [`${where}: expected losses within ${tolerance} of ${name}, got a difference of ${by.toPrecision(3)}`];
  };
  return pairs.flatMap(({ name, mine, theirs }) => [
    ...check(`${name} at the start`, mine.slice(0, 1), theirs.slice(0, 1), START_TOLERANCE),
    ...check(name, mine, theirs, TOLERANCE),
  ]);
}

import type { Side } from './sides.ts';
import { median } from './statistics.ts';

/** Updates before the loss that sides are compared by. */
const CHECKED = 20;

/** A side whose step takes longer sits most of the rounds out, and is compared over the steps that it took. */
const SLOW_MS = 2000;
const SLOW_ROUNDS = 2;

/** What one side did. */
export interface Measured {
  readonly name: string;
  readonly version: string;
  /** Times of the steps of each round, in ms; none where it sat a round out. */
  readonly rounds: readonly (readonly number[])[];
  /** Losses from the first step on, before the update of each, so that number 20 is the loss after 20 steps. */
  readonly losses: readonly number[];
  readonly peakMB: number;
}

/**
 * Warms every side up over the same 21 steps, then lets them take turns: in each round every side steps for about
 * `roundMs`, in an order that is turned round each time.
 */
export async function interleave(sides: readonly Side[], rounds: number, roundMs: number): Promise<Measured[]> {
  const all: { side: Side; steps: number; slow: boolean; rounds: number[][]; losses: number[]; peakMB: number }[] = [];
  for (const side of sides) {
    const first = await side.run(2);
    const slow = first.ms[1]! > SLOW_MS;
    const rest = slow ? undefined : await side.run(CHECKED - 1);
    const steps = rest ? Math.max(1, Math.min(500, Math.round(roundMs / median(rest.ms)))) : 1;
    all.push({ side, steps, slow, rounds: [], losses: [...first.losses, ...(rest?.losses ?? [])], peakMB: 0 });
  }
  for (let round = 0; round < rounds; round++) {
    for (const one of round % 2 === 0 ? all : [...all].reverse()) {
      if (one.slow && round >= SLOW_ROUNDS) {
        one.rounds.push([]);
        continue;
      }
      const { ms, losses, peakMB } = await one.side.run(one.steps);
      one.rounds.push([...ms]);
      one.peakMB = peakMB;
      if (one.slow) one.losses.push(...losses);
    }
  }
  return all.map(({ side: { name, version }, ...rest }) => ({
    name,
    version,
    rounds: rest.rounds,
    losses: rest.losses.slice(0, CHECKED + 1),
    peakMB: rest.peakMB,
  }));
}

/** Whether a side was too slow to take every step that is checked. */
export const wasSlow = ({ losses }: Measured): boolean => losses.length <= CHECKED;

/**
 * The largest difference of two sides' losses over the steps that both took, in parts of the loss where that is above 1;
 * NaN where one has none.
 */
export const lossDifference = (a: readonly number[], b: readonly number[]): number => {
  const steps = Math.min(a.length, b.length);
  return Math.max(
    ...Array.from({ length: Math.max(steps, 1) }, (_, i) => Math.abs(a[i]! - b[i]!) / Math.max(1, Math.abs(b[i]!))),
  );
};

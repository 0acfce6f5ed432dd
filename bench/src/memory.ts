import { startOurs } from './sides.ts';
import { median, quantile } from './statistics.ts';

const STEPS = 10_000;
const EVERY = 250;
const WARM_UP = 2_000;

/** How the resident memory of a training process went over 10,000 steps. */
export interface MemoryResult {
  readonly steps: number;
  readonly warmUp: number;
  /** MB after a collection of garbage, every 250 steps. */
  readonly rssMB: readonly number[];
  /** Median of the last fifth of the samples less the median of the first fifth after the warm-up. */
  readonly growthMB: number;
  readonly peakMB: number;
}

/** Steps `perExample`, and samples the memory of its process. */
export async function measureMemory(threads: number): Promise<MemoryResult> {
  const ours = await startOurs(threads, ['--expose-gc']);
  try {
    await ours.setup('perExample', 64);
    const rssMB: number[] = [];
    let peakMB = 0;
    for (let step = 0; step < STEPS; step += EVERY) {
      const run = await ours.run(EVERY);
      rssMB.push(run.rssMB);
      peakMB = run.peakMB;
    }
    const after = rssMB.slice(WARM_UP / EVERY);
    const fifth = Math.ceil(after.length / 5);
    const growthMB = median(after.slice(-fifth)) - median(after.slice(0, fifth));
    return { steps: STEPS, warmUp: WARM_UP, rssMB, growthMB, peakMB };
  } finally {
    await ours.stop();
  }
}

export function showMemory({ steps, warmUp, rssMB, growthMB, peakMB }: MemoryResult): string {
  const after = rssMB.slice(warmUp / EVERY);
  const [low, high] = [quantile(after, 0), quantile(after, 1)].map((mb) => mb.toFixed(1));
  const at = (step: number) => `${rssMB[step / EVERY - 1]!.toFixed(1)} MB after ${step.toLocaleString('en')} steps`;
  return [
    `memory of perExample: ${at(warmUp)}, ${at(steps)}; between ${low} and ${high} MB from then on, peak ${peakMB.toFixed(0)} MB`,
    `growth after the first ${warmUp.toLocaleString('en')} steps: ${growthMB.toFixed(2)} MB`,
  ].join('\n');
}

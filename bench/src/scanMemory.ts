import { compileFunction, type Engine } from 'hyperloom/engine';
import * as nn from 'hyperloom/nn';
import { grad, mean, type NdArray, ndarray, random, square, type Tensor, type tree, vmap } from 'hyperloom/tensor';
import { startOurs } from './sides.ts';
import { median } from './statistics.ts';

const STEPS = 1_000;
const BATCH = 32;
const UNITS = 256;
const INPUTS = 64;
const RUNS = 5;

/** A gradient through a long loop: its time, and the memory of a process that does nothing else. */
export interface LongScan {
  /** Steps from one stored carry to the next; 0 where every step is stored. */
  readonly checkpoint: number;
  readonly ms: number;
  readonly peakMB: number;
  /** What the process held before the program was made. */
  readonly startMB: number;
}

/** The gradient by all weights of an LSTM of 256 units over 1,000 steps, 32 sequences: median of runs after the first. */
export async function runLongScan(engine: Engine, checkpoint: number): Promise<Pick<LongScan, 'ms' | 'startMB'>> {
  const net = nn.lstm({ in: INPUTS, hidden: UNITS, ...(checkpoint > 0 && { checkpoint }) });
  const loss = (params: never, xs: Tensor): Tensor =>
    mean(vmap((x: Tensor) => mean(square(net.apply(params, x) as Tensor)))(xs));
  const key = random.keyArray(0);
  const draw = await compileFunction(engine, (from: Tensor) => net.init(from), key);
  const params = (await draw(key)) as tree.Tree<NdArray>;
  await draw.dispose();
  const xs = ndarray(
    Float32Array.from({ length: BATCH * STEPS * INPUTS }, (_, i) => Math.sin(i)),
    [BATCH, STEPS, INPUTS],
  );
  const startMB = process.memoryUsage.rss() / 2 ** 20;
  const gradient = await compileFunction(engine, grad(loss) as (...args: never[]) => unknown, params, xs);
  const ms: number[] = [];
  for (let i = 0; i <= RUNS; i++) {
    const begin = performance.now();
    await gradient(...([params, xs] as never[]));
    ms.push(performance.now() - begin);
  }
  await gradient.dispose();
  return { ms: median(ms.slice(1)), startMB };
}

/** The same gradient with every step stored, and with one of 32, each in a process of its own. */
export async function measureLongScans(threads: number): Promise<LongScan[]> {
  const results: LongScan[] = [];
  for (const checkpoint of [0, 32]) {
    const ours = await startOurs(threads);
    try {
      results.push(await ours.longScan(checkpoint));
    } finally {
      await ours.stop();
    }
  }
  return results;
}

export function showLongScans(results: readonly LongScan[]): string {
  const rows = results.map(({ checkpoint, ms, peakMB, startMB }) => {
    const stored = checkpoint > 0 ? `checkpoint ${checkpoint}` : 'every step stored';
    return `  ${stored}: ${ms.toFixed(0)} ms, peak ${peakMB.toFixed(0)} MB, of which ${startMB.toFixed(0)} before`;
  });
  return [`gradient of an LSTM of ${UNITS} over ${STEPS.toLocaleString('en')} steps, batch ${BATCH}`, ...rows].join(
    '\n',
  );
}

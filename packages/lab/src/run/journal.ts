import { appendFileSync } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError, type Json, loadCheckpoint } from 'hyperloom/io';
import type { RunFolder, Training } from './folder.ts';

/** One line of `metrics.jsonl`. */
export type MetricsLine = { readonly [key: string]: Json };

/**
 * `metrics.jsonl` of a run that goes on: a line for each event, with seed, trial and phase, with `seconds` of that
 * training and `elapsed` seconds of the run, both over all calls.
 */
export class Journal {
  readonly lines: MetricsLine[];
  private readonly path: string;
  private readonly before: number;
  private readonly began: number;
  private readonly spent = new Map<string, number>();

  private constructor(path: string, lines: MetricsLine[], before: number, began: number) {
    this.path = path;
    this.lines = lines;
    this.before = before;
    this.began = began;
    for (const line of lines) this.count(line);
  }

  /**
   * Goes on with a folder's metrics: what was logged after the step at which each training goes on is dropped.
   * @param began when the call began, by `performance.now()`
   * @throws FormatError when a checkpoint is damaged; the metrics are then as they were
   */
  static async open(folder: RunFolder, began = performance.now()): Promise<Journal> {
    const lines = await readMetrics(folder);
    const before = lines.reduce((most, { elapsed }) => Math.max(most, Number(elapsed ?? 0)), 0);
    const kept: MetricsLine[] = [];
    const steps = new Map<string, number>();
    for (const line of lines) {
      if (line.trial === undefined) continue;
      const training = trainingOf(line, folder);
      const key = keyOf(training);
      if (!steps.has(key)) steps.set(key, await stepOf(folder.checkpoint(training)));
      if (line.event !== 'test' && Number(line.step) <= steps.get(key)!) kept.push(line);
    }
    kept.push({ event: 'call', elapsed: before });
    await folder.write('metrics.jsonl', kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return new Journal(join(folder.path, 'metrics.jsonl'), kept, before, began);
  }

  /** Seconds of the run so far, over all its calls. */
  get elapsed(): number {
    return this.before + (performance.now() - this.began) / 1000;
  }

  /**
   * Adds a line before it returns, so that lines keep their order.
   * @throws FileError when the file system refuses
   */
  log(event: MetricsLine): void {
    const line = { ...event, elapsed: round(this.elapsed) };
    try {
      appendFileSync(this.path, `${JSON.stringify(line)}\n`);
    } catch (cause) {
      throw new FileError(`cannot write "${this.path}": ${(cause as Error).message}`, { cause });
    }
    this.lines.push(line);
    this.count(line);
  }

  /** Adds an event of a training, which has taken so many seconds of this call and those of the calls before. */
  logTraining(training: Training, event: MetricsLine, seconds: number): void {
    const { seed, trial, phase } = training;
    this.log({ seed, trial, ...(phase !== undefined && { phase }), ...event, seconds: round(seconds) });
  }

  /** Seconds that a training has taken, over all calls. */
  secondsOf(training: Training): number {
    return this.spent.get(keyOf(training)) ?? 0;
  }

  private count({ seed, trial, phase, seconds }: MetricsLine): void {
    if (typeof seconds === 'number') this.spent.set(keyOf({ seed, trial, phase } as unknown as Training), seconds);
  }
}

/** The metrics of a folder; a last line that was cut off is left out. */
export async function readMetrics(folder: RunFolder): Promise<MetricsLine[]> {
  const text = await readFile(join(folder.path, 'metrics.jsonl'), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as MetricsLine];
    } catch {
      return [];
    }
  });
}

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;

const keyOf = ({ seed, trial, phase }: Training): string => JSON.stringify([seed, trial, phase ?? null]);

/** What a line is of; one without a seed is of the first. */
const trainingOf = ({ seed, trial, phase }: MetricsLine, { config }: RunFolder): Training => ({
  seed: typeof seed === 'number' ? seed : config.seed,
  trial: String(trial),
  phase: typeof phase === 'string' ? phase : undefined,
});

async function stepOf(checkpoint: string): Promise<number> {
  const there = await access(checkpoint).then(
    () => true,
    () => false,
  );
  return there ? (await loadCheckpoint(checkpoint)).step : 0;
}

import { appendFileSync } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileError, type Json, loadCheckpoint, writeAtomic } from 'hyperloom/io';
import { ArgumentError, FormatError } from 'hyperloom/tensor';

/** What a run folder says of how it was made. */
export interface RunConfig {
  readonly recipe: string;
  readonly settings: Readonly<Record<string, boolean | number | string>>;
  readonly seed: number;
  /** Steps asked for; null for the recipe's own. */
  readonly steps: number | null;
  /** Versions of what the figures hang on; absent in folders written without them. */
  readonly versions?: Readonly<Record<string, string>>;
}

/** One line of `metrics.jsonl`. */
export type MetricsLine = { readonly [key: string]: Json };

/** A folder with `config.json`, `metrics.jsonl`, a checkpoint of each trial and a report. */
export class RunFolder {
  readonly path: string;
  readonly config: RunConfig;
  private constructor(path: string, config: RunConfig) {
    this.path = path;
    this.config = config;
  }

  /**
   * What the run says that a folder holds; undefined for a folder that holds none, or is not there.
   * @throws ArgumentError when it holds a run and `resume` is not set
   */
  static async found(path: string, { resume }: { readonly resume: boolean }): Promise<RunConfig | undefined> {
    const found = await readConfig(path);
    if (found !== undefined && !resume)
      throw new ArgumentError(`--out: expected a folder without a run, got ${path}; add --resume to go on with it`);
    return found;
  }

  /**
   * Makes a folder for a new run, or goes on with one that was made from the same settings.
   * @throws ArgumentError when the folder holds a run and `resume` is not set, or one with other settings
   */
  static async create(path: string, config: RunConfig, { resume }: { readonly resume: boolean }): Promise<RunFolder> {
    const found = await RunFolder.found(path, { resume });
    if (found !== undefined) {
      const key = differing(found, config);
      if (key !== undefined)
        throw new ArgumentError(
          `--resume: expected the ${key} with which ${path} began, got another; choose another --out`,
        );
    }
    try {
      await mkdir(path, { recursive: true });
    } catch (cause) {
      throw new ArgumentError(`--out: expected a folder that can be made, got ${path}: ${(cause as Error).message}`, {
        cause,
      });
    }
    const folder = new RunFolder(path, config);
    await folder.write('config.json', `${JSON.stringify(config, null, 2)}\n`);
    return folder;
  }

  /** Opens the folder of a run. */
  static async open(path: string): Promise<RunFolder> {
    const config = await readConfig(path);
    if (config === undefined)
      throw new ArgumentError(`expected a folder with a run, got ${path}, which has no config.json`);
    return new RunFolder(path, config);
  }

  checkpoint(trial: string): string {
    return join(this.path, trial === 'main' ? 'checkpoint.safetensors' : `checkpoint.${trial}.safetensors`);
  }

  /** The command that goes on with the run. */
  get resuming(): string {
    return `hyperloom train ${this.config.recipe} --out ${this.path} --resume`;
  }

  /** Writes a file of the folder, whole or not at all. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    const path = join(this.path, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeAtomic(path, typeof content === 'string' ? new TextEncoder().encode(content) : content);
  }

  /**
   * Adds a line to the metrics before it returns, so that lines keep their order.
   * @throws FileError when the file system refuses
   */
  log(line: MetricsLine): void {
    const path = join(this.path, 'metrics.jsonl');
    try {
      appendFileSync(path, `${JSON.stringify(line)}\n`);
    } catch (cause) {
      throw new FileError(`cannot write "${path}": ${(cause as Error).message}`, { cause });
    }
  }

  /** The metrics so far; a last line that was cut off is left out. */
  async metrics(): Promise<MetricsLine[]> {
    const text = await readFile(join(this.path, 'metrics.jsonl'), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as MetricsLine];
      } catch {
        return [];
      }
    });
  }

  /**
   * Drops what was logged after the step at which each trial goes on.
   * @throws FormatError when a checkpoint is damaged; the metrics are then as they were
   */
  async rewind(trials: readonly string[]): Promise<void> {
    const steps = new Map<string, number>();
    for (const trial of trials) steps.set(trial, await stepOf(this.checkpoint(trial)));
    const kept = (await this.metrics()).filter(
      (line) => typeof line.step === 'number' && line.step <= (steps.get(String(line.trial)) ?? 0),
    );
    await this.write('metrics.jsonl', kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
}

async function readConfig(path: string): Promise<RunConfig | undefined> {
  let text: string;
  try {
    text = await readFile(join(path, 'config.json'), 'utf8');
  } catch {
    return undefined;
  }
  const name = join(path, 'config.json');
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${name}: expected JSON, got something else`, { cause });
  }
  if (!isRunConfig(config)) throw new FormatError(`${name}: expected the recipe, settings, seed and steps of a run`);
  return config;
}

function isRunConfig(value: unknown): value is RunConfig {
  if (typeof value !== 'object' || value === null) return false;
  const { recipe, settings, seed, steps } = value as Partial<Record<keyof RunConfig, unknown>>;
  return (
    typeof recipe === 'string' &&
    typeof settings === 'object' &&
    settings !== null &&
    typeof seed === 'number' &&
    (steps === null || typeof steps === 'number')
  );
}

function differing(found: RunConfig, wanted: RunConfig): string | undefined {
  if (found.recipe !== wanted.recipe) return 'recipe';
  if (found.seed !== wanted.seed) return 'seed';
  if (found.steps !== wanted.steps) return 'steps';
  const settings = new Set([...Object.keys(found.settings), ...Object.keys(wanted.settings)]);
  return [...settings].find((key) => found.settings[key] !== wanted.settings[key]);
}

async function stepOf(checkpoint: string): Promise<number> {
  const there = await access(checkpoint).then(
    () => true,
    () => false,
  );
  return there ? (await loadCheckpoint(checkpoint)).step : 0;
}

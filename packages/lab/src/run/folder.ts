import { mkdir, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomic } from 'hyperloom/io';
import { ArgumentError, FormatError } from 'hyperloom/tensor';
import { lockFolder } from './lock.ts';

/** What a run folder says of how it was made. */
export interface RunConfig {
  readonly recipe: string;
  readonly settings: Readonly<Record<string, boolean | number | string>>;
  /** The first seed. */
  readonly seed: number;
  /** How many seeds, from the first upwards; absent in folders of one. */
  readonly seeds?: number;
  /** Steps asked for; null for the recipe's own. */
  readonly steps: number | null;
  /** Versions of what the figures hang on; absent in folders written without them. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Digests of what the settings name: see `Experiment.read`. Absent for recipes that read nothing of the user's. */
  readonly read?: Readonly<Record<string, string>>;
}

/** One training of a run: what a checkpoint, and a line of the metrics, belong to. */
export interface Training {
  readonly seed: number;
  readonly trial: string;
  /** Absent for a trial that trains once. */
  readonly phase?: string | undefined;
}

/** A folder with `config.json`, `metrics.jsonl`, a checkpoint of each training and a report. */
export class RunFolder {
  readonly path: string;
  readonly config: RunConfig;
  /** Lets other processes train in a folder that {@link create} gave. */
  readonly release: () => void;
  /** What {@link create} made: whether the run is new, and the folder too. */
  private readonly made: { readonly run: boolean; readonly folder: boolean };
  private constructor(path: string, config: RunConfig, release = () => {}, made = { run: false, folder: false }) {
    this.path = path;
    this.config = config;
    this.release = release;
    this.made = made;
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
   * Makes a folder for a new run, or goes on with one that was made from the same settings, and keeps other processes
   * out of it until {@link release}.
   * @throws ArgumentError when the folder holds a run and `resume` is not set, or one with other settings, or when
   *   another process trains in it; a folder that was made for nothing is taken away
   */
  static async create(path: string, config: RunConfig, { resume }: { readonly resume: boolean }): Promise<RunFolder> {
    const made = await makeFolder(path).catch((cause: Error) => {
      throw new ArgumentError(`--out: expected a folder that can be made, got ${path}: ${cause.message}`, { cause });
    });
    const vacate = () => (made ? rmdir(path).catch(() => undefined) : undefined);
    const release = await lockFolder(path).catch(async (error) => {
      await vacate();
      throw error;
    });
    try {
      const found = await RunFolder.found(path, { resume });
      const key = found && differing(found, config);
      if (key !== undefined)
        throw new ArgumentError(
          `--resume: expected the ${key} with which ${path} began, got another; choose another --out`,
        );
      const folder = new RunFolder(path, config, release, { run: found === undefined, folder: made });
      await folder.write('config.json', `${JSON.stringify(config, null, 2)}\n`);
      return folder;
    } catch (error) {
      release();
      await vacate();
      throw error;
    }
  }

  /** Takes back a new run that failed before it saved anything to go on from; one that was there before stays. */
  async discard(): Promise<void> {
    const saved = async () => (await readdir(this.path)).some((name) => /^checkpoint\..*safetensors$/.test(name));
    if (!this.made.run || (await saved())) return;
    for (const name of ['metrics.jsonl', 'config.json']) await rm(join(this.path, name), { force: true });
    this.release();
    // What else is in the folder is not ours.
    if (this.made.folder) await rmdir(this.path).catch(() => undefined);
  }

  /** Opens the folder of a run. */
  static async open(path: string): Promise<RunFolder> {
    const config = await readConfig(path);
    if (config === undefined)
      throw new ArgumentError(`expected a folder with a run, got ${path}, which has no config.json`);
    return new RunFolder(path, config);
  }

  /** The seeds of the run, in order. */
  get seeds(): number[] {
    return Array.from({ length: this.config.seeds ?? 1 }, (_, i) => this.config.seed + i);
  }

  /**
   * The checkpoint of a training: `checkpoint.safetensors` for the one of the main trial, `checkpoint.control.safetensors`
   * for a control, `checkpoint.main.task1.safetensors` for a phase; seeds after the first have folders such as `seed1`.
   * @throws ArgumentError for a trial or phase whose name no file can have
   */
  checkpoint({ seed, trial, phase }: Training): string {
    for (const name of [trial, phase ?? trial])
      if (!/^[\w-]+$/.test(name))
        throw new ArgumentError(`expected letters, digits, - and _ for the name of a trial or phase, got "${name}"`);
    const parts = phase === undefined ? (trial === 'main' ? [] : [trial]) : [trial, phase];
    const folder = seed === this.config.seed ? this.path : join(this.path, `seed${seed}`);
    return join(folder, ['checkpoint', ...parts, 'safetensors'].join('.'));
  }

  /** The command that goes on with the run. */
  get resuming(): string {
    const path = /^[\w./+=:@-]+$/.test(this.path) ? this.path : `'${this.path.replaceAll("'", `'\\''`)}'`;
    return `hyperloom train ${this.config.recipe} --out ${path} --resume`;
  }

  /** Writes a file of the folder, whole or not at all. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    const path = join(this.path, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeAtomic(path, typeof content === 'string' ? new TextEncoder().encode(content) : content);
  }
}

/**
 * Makes a folder and those above it, one by one: Node's own way never ends where the file system refuses, as in /proc.
 * @returns whether it was not there before
 */
async function makeFolder(path: string): Promise<boolean> {
  const made = await makeOne(path);
  if (made !== undefined) return made;
  await makeFolder(dirname(path));
  return (await makeOne(path)) ?? Promise.reject(new Error('ENOENT: no such file or directory'));
}

/** Whether a folder was made; undefined where the one above it is missing. */
async function makeOne(path: string): Promise<boolean | undefined> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return false;
    if (code === 'ENOENT' && dirname(path) !== path) return undefined;
    throw error;
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
  const other = [...settings].find((key) => found.settings[key] !== wanted.settings[key]);
  const changed = changedSince(found, wanted.read);
  return other ?? (changed && `content of the ${changed}`);
}

/** A setting that names something else than when a run began, such as a text file that was edited. */
export const changedSince = ({ read }: Pick<RunConfig, 'read'>, now: RunConfig['read']): string | undefined =>
  Object.entries(read ?? {}).find(([name, digest]) => now?.[name] !== digest)?.[0];

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Engine } from 'hyperloom/engine';
import { ArgumentError } from 'hyperloom/tensor';
import type { Experiment, Recipe } from '../recipes/recipe.ts';
import { type EngineFlags, engineOf } from '../run/engine.ts';
import { execute, type Outcome } from '../run/execute.ts';
import { RunFolder } from '../run/folder.ts';
import { Journal } from '../run/journal.ts';
import { recipeOf, settingsFrom } from '../run/settings.ts';
import { resultTable } from '../run/summary.ts';
import { gathered, whole } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { jsonLine, line, table } from './output.ts';
import { jsonDisplay, textDisplay } from './progress.ts';

interface TrainFlags extends EngineFlags {
  readonly steps?: number;
  readonly seed?: number;
  readonly seeds?: number;
  readonly out?: string;
  readonly resume?: boolean;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

const examples = `
Examples:
  $ hyperloom train mnist
  $ hyperloom train mnist --set full=true --out runs/mnist-full
  $ hyperloom train mnist --steps 200 --set control=false --json
  $ hyperloom train mnist --seeds 5
  $ hyperloom train mnist --out runs/mnist --resume

A run stopped by Ctrl-C, or killed, goes on with --resume and ends with the same parameters to the bit.
Exit codes: 0 done, 1 failed or stopped, 2 misused. HYPERLOOM_DEBUG=1 shows where an error came from.`;

const runtime = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };

/** `hyperloom train RECIPE`. */
export function addTrain(command: Command, version: string): void {
  command
    .command('train')
    .description('train a recipe and its control, and write a run folder with checkpoint, metrics and report')
    .argument('<recipe>', 'see hyperloom recipes')
    .option('--steps <n>', "steps in place of the recipe's own", whole(1))
    .option('--seed <n>', 'names first parameters, order of the data and all other randomness (default: 0)', whole(0))
    .option(
      '--seeds <n>',
      "run seeds --seed, --seed + 1, ... and print means with their spread (default: the recipe's own, mostly 1)",
      whole(1),
    )
    .option('--out <folder>', 'run folder (default: runs/RECIPE-SEED)')
    .option('--resume', 'go on with the run in the folder, if there is one, with the settings that it began with')
    .option('--set <key=value>', 'a setting of the recipe; may be given several times', gathered)
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--provider <name>', 'where ONNX Runtime runs, such as cpu, cuda or webgpu', 'cpu')
    .option('--json', 'one JSON object a line; the last has "event":"done"')
    .addHelpText('after', examples)
    .action((name: string, flags: TrainFlags) => trainRecipe(name, flags, version));
}

async function trainRecipe(name: string, flags: TrainFlags, version: string): Promise<void> {
  const began = performance.now();
  // Before anything else is asked of the machine: a name that is mistyped.
  recipeOf(name);
  const engine = await engineOf(flags);
  const interrupt = interruptible();
  try {
    await trainWith(engine, interrupt.signal, name, flags, { version, began });
  } finally {
    interrupt.release();
    await engine.dispose();
  }
}

async function trainWith(
  engine: Engine,
  signal: AbortSignal,
  name: string,
  flags: TrainFlags,
  { version, began }: { readonly version: string; readonly began: number },
): Promise<void> {
  const recipe = recipeOf(name);
  const { json = false, resume = false } = flags;
  const out = flags.out ?? join('runs', `${name}-${flags.seed ?? 0}`);
  const before = await RunFolder.found(out, { resume });
  const settings = settingsFrom(recipe, flags.set, before?.recipe === name ? before.settings : {});
  const seed = flags.seed ?? before?.seed ?? 0;
  // A run may be given more seeds, not fewer: those that are there stay part of it.
  const seeds = Math.max(flags.seeds ?? before?.seeds ?? recipe.seeds ?? 1, before?.seeds ?? 1);
  if (seed > Number.MAX_SAFE_INTEGER - (seeds - 1))
    throw new ArgumentError(`--seed: expected the last of ${seeds} seeds below 2^53, got ${seed} as the first`);
  const steps = flags.steps ?? before?.steps ?? null;
  // Settings that do not fit must leave no folder behind, so the experiment comes first.
  const experiment = await recipe
    .prepare(settings, { seed, signal, ...(steps !== null && { steps }) })
    .catch((error) => {
      if (!signal.aborted) throw error;
    });
  if (!experiment || signal.aborted) {
    process.stderr.write('hyperloom: stopped before it began\n');
    process.exitCode = 1;
    return;
  }
  for (const note of experiment.notes ?? []) process.stderr.write(`hyperloom: ${note}\n`);
  const versions = { hyperloom: version, node: process.versions.node, onnxruntime: runtime.version };
  const { read } = experiment;
  const config = { recipe: name, settings, seed, seeds, steps, versions, ...(read && { read }) };
  const folder = await RunFolder.create(out, config, { resume });
  const journal = await Journal.open(folder, began).catch(async (error) => {
    await folder.discard();
    throw error;
  });

  // Charts are slow to load: only a run needs them, and it loads them, and what recipes draw with, before a new build
  // can take their files away.
  const [{ writeReport }] = await Promise.all([
    import('../report/report.ts'),
    import('../report/charts.ts'),
    import('../report/kernels.ts'),
    import('../report/passage.ts'),
    import('../report/palette.ts'),
    import('../report/textSheet.ts'),
    import('../report/imageGrid.ts'),
  ]);

  const display = json ? jsonDisplay : textDisplay(process.stdout, folder.seeds);
  try {
    const outcome = await execute({
      folder,
      journal,
      recipe,
      experiment,
      engine,
      signal,
      onEvent: (event) => display.show(event),
    });
    if (outcome.stopped) {
      journal.log({ event: 'stopped' });
      process.stderr.write(`hyperloom: stopped; go on with: ${folder.resuming}\n`);
      process.exitCode = 1;
      return;
    }
    const report = await writeReport({ folder, journal, recipe, experiment, outcome, engine });
    journal.log({ event: 'done' });
    const seconds = journal.elapsed;
    const perSeed = outcome.seeds.map(({ seed, metrics }) => ({ seed, metrics }));
    if (json) jsonLine({ event: 'done', metrics: outcome.metrics, seeds: perSeed, seconds, out, report });
    else summary(outcome, experiment, recipe, seconds, report);
    const short = steps === null ? experiment.judge(outcome.metrics) : undefined;
    if (short !== undefined) {
      process.stderr.write(`hyperloom: ${short}\n`);
      process.exitCode = 1;
    }
  } catch (error) {
    await folder.discard();
    throw error;
  } finally {
    display.end();
    folder.release();
  }
}

function summary(
  { seeds }: Outcome,
  experiment: Experiment,
  { reference }: Recipe,
  seconds: number,
  report: string,
): void {
  const { head, rows, note } = resultTable(experiment, seeds);
  line();
  line(table(head, rows));
  if (note !== '') line(note);
  line(`published: ${reference}`);
  line(`${seconds.toFixed(1)} s; report: ${report}`);
}

import { join } from 'node:path';
import type { Command } from 'commander';
import { writeReport } from '../report/report.ts';
import { engineOf, execute, type Outcome, recipeOf } from '../run/execute.ts';
import { RunFolder } from '../run/folder.ts';
import { settingsFrom } from '../run/settings.ts';
import { inspectRun } from '../run/weights.ts';
import { gathered, whole } from './flags.ts';
import { jsonLine, line, percent, table } from './output.ts';
import { jsonDisplay, textDisplay } from './progress.ts';

interface TrainFlags {
  readonly steps?: number;
  readonly seed: number;
  readonly out?: string;
  readonly resume?: boolean;
  readonly set: readonly string[];
  readonly threads?: number;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ hyperloom train mnist
  $ hyperloom train mnist --set full=true --out runs/mnist-full
  $ hyperloom train mnist --steps 200 --set control=false --json
  $ hyperloom train mnist --out runs/mnist --resume

A run stopped by Ctrl-C, or killed, goes on with --resume and ends with the same parameters to the bit.
Exit codes: 0 done, 1 failed or stopped, 2 misused.`;

/** `hyperloom train RECIPE`. */
export function addTrain(command: Command, version: string): void {
  command
    .command('train')
    .description('train a recipe and its control, and write a run folder with checkpoint, metrics and report')
    .argument('<recipe>', 'see hyperloom recipes')
    .option('--steps <n>', "steps in place of the recipe's own", whole(1))
    .option('--seed <n>', 'names first parameters, order of the data and all other randomness', whole(0), 0)
    .option('--out <folder>', 'run folder (default: runs/RECIPE-SEED)')
    .option('--resume', 'go on with the run in the folder, if there is one')
    .option('--set <key=value>', 'a setting of the recipe; may be given several times', gathered, [])
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--json', 'one JSON object a line; the last has "event":"done"')
    .addHelpText('after', examples)
    .action((name: string, flags: TrainFlags) => trainRecipe(name, flags, version));
}

async function trainRecipe(name: string, flags: TrainFlags, version: string): Promise<void> {
  const began = performance.now();
  const recipe = recipeOf(name);
  const settings = settingsFrom(recipe, flags.set);
  const { seed, json = false, resume = false } = flags;
  const out = flags.out ?? join('runs', `${name}-${seed}`);
  const folder = await RunFolder.create(
    out,
    { recipe: name, settings, seed, steps: flags.steps ?? null, version },
    { resume },
  );
  const experiment = await recipe.prepare(settings, { seed, ...(flags.steps !== undefined && { steps: flags.steps }) });
  await folder.rewind(experiment.trials.map((trial) => trial.name));

  const stop = new AbortController();
  const onSignal = () => {
    // The second signal means it.
    if (stop.signal.aborted) process.exit(1);
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const display = json ? jsonDisplay : textDisplay(process.stdout);
  const engine = await engineOf(flags.threads);
  try {
    const outcome = await execute({
      folder,
      experiment,
      steps: flags.steps ?? experiment.steps,
      engine,
      signal: stop.signal,
      onEvent: (event) => display.show(event),
    });
    if (outcome.reason === 'signal') {
      if (!json) line(`stopped; go on with: hyperloom train ${name} --out ${out} --resume`);
      process.exitCode = 1;
      return;
    }
    const seconds = (performance.now() - began) / 1000;
    const [main] = outcome.results;
    const hyper = main !== undefined && 'generate' in main.run.model;
    const report = await writeReport({
      folder,
      recipe,
      experiment,
      outcome,
      inspection: hyper ? await inspectRun(main.run, seed, engine) : undefined,
      generated: hyper ? await main.run.generate() : {},
      seconds,
      lines: await folder.metrics(),
    });
    if (json) jsonLine({ event: 'done', metrics: outcome.metrics, seconds, out, report });
    else summary(outcome, recipe.reference, seconds, report);
    const short = flags.steps === undefined ? experiment.judge(outcome.metrics) : undefined;
    if (short !== undefined) {
      process.stderr.write(`hyperloom: ${short}\n`);
      process.exitCode = 1;
    }
  } finally {
    display.end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await engine.dispose();
  }
}

function summary({ results, metrics }: Outcome, reference: string, seconds: number, report: string): void {
  const parameters = [metrics['params.total'] ?? 0, metrics['params.direct'] ?? 0];
  const rows = results.map(({ trial, metrics: { accuracy = 0, loss = 0 } }, i) => [
    trial.title,
    parameters[i]!,
    percent(1 - accuracy),
    loss.toFixed(4),
  ]);
  line();
  line(table(['', 'parameters', 'test error', 'test loss'], rows));
  line(`published: ${reference}`);
  line(`${seconds.toFixed(1)} s; report: ${report}`);
}

import type { Command } from 'commander';
import type { Inspection } from 'hyperloom/hyper';
import { type CodeTable, type Diagnosis, diagnose } from '../run/diagnose.ts';
import { engineOf } from '../run/engine.ts';
import { reopen } from '../run/execute.ts';
import { RunFolder } from '../run/folder.ts';
import {
  activityColumns,
  activityRow,
  codeFor,
  generating,
  inspectRun,
  movementColumns,
  movementRow,
  percent,
  weightColumns,
  weightRow,
} from '../run/weights.ts';
import { whole } from './flags.ts';
import { jsonLine, line, short, table } from './output.ts';

const explanation = `
Examples:
  $ hyperloom inspect runs/mnist
  $ hyperloom inspect runs/pareto-toy --code 0.2,0.8 --json

Weights: least, most and zeros are those of the present weights for the code. Codes: each example of the recipe (at most
64) is also run with the codes of others; a warning says so when outputs or the loss hardly notice. Units: those of every
ReLU, tanh and sigmoid, in head, conditioner and target, that are flat for each of the examples.`;

/** `hyperloom inspect RUN`: what is generated, what is stored, how each varies, and whether the code does its work. */
export function addInspect(command: Command): void {
  command
    .command('inspect')
    .description('show each weight of the target, whether the code matters, stuck units, and which codes are near')
    .argument('<run>', 'run folder')
    .option('--code <code>', 'the code to generate for: numbers such as 0.1,0.2, or the name of an example code')
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--json', 'one JSON object')
    .addHelpText('after', explanation)
    .action(async (path: string, flags: { threads?: number; json?: boolean; code?: string }) => {
      const folder = await RunFolder.open(path);
      const engine = await engineOf(flags);
      const opened = await reopen(folder, engine);
      const found = generating(opened.trial, opened.run, engine);
      const { trial, run } = found;
      const report = await inspectRun(found, folder.config.seed, engine, codeFor(trial, flags.code));
      const diagnosis = await diagnose(trial, run);
      const warnings = [...report.warnings, ...diagnosis.warnings];
      if (flags.json) {
        jsonLine({ event: 'done', ...report, ...diagnosis, warnings });
      } else {
        show(report);
        showDiagnosis(diagnosis);
        for (const warning of warnings) line(`warning: ${warning}`);
      }
      await engine.dispose();
    });
}

function show({ weights, total, direct, generated, generator, compression }: Inspection): void {
  line(table(weightColumns, weights.map(weightRow)));
  line();
  line(
    `generated weights: ${generated.toLocaleString('en-US')} from ${generator.toLocaleString('en-US')} parameters, ${short(compression)} times as many`,
  );
  line(
    `all parameters: ${total.toLocaleString('en-US')}, against ${direct.toLocaleString('en-US')} trained directly (${((100 * total) / direct).toFixed(1)} %)`,
  );
}

function showDiagnosis({ sensitivity, activity, codes }: Diagnosis): void {
  if (sensitivity !== undefined) {
    line();
    line(table(movementColumns, sensitivity.weights.map(movementRow)));
    line();
    line(`outputs: the code of another moves one by ${percent(sensitivity.outputs)} of what two examples differ by`);
    if (sensitivity.loss !== undefined)
      line(
        `loss: ${short(sensitivity.loss.own)} with their own codes, ${short(sensitivity.loss.shuffled)} with those of others`,
      );
  }
  if (activity !== undefined) {
    line();
    line(table(activityColumns, activity.layers.map(activityRow)));
  }
  for (const found of codes) showCodes(found);
}

/** Rows of a table of codes that are shown at most. */
const mostRows = 20;

function showCodes({ path, neighbours }: CodeTable): void {
  line();
  const rows = neighbours
    .slice(0, mostRows)
    .map(({ name, neighbours: near }) => [
      name,
      near.map(({ name: other, cosine, distance }) => `${other} (${cosine.toFixed(2)}, ${short(distance)})`).join('  '),
    ]);
  line(table([path, 'nearest by cosine (cosine, distance)'], rows));
  if (neighbours.length > mostRows) line(`... and ${neighbours.length - mostRows} more: --json has all`);
}

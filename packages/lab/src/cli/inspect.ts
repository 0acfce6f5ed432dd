import type { Command } from 'commander';
import type { Inspection } from 'hyperloom/hyper';
import { engineOf } from '../run/engine.ts';
import { reopen } from '../run/execute.ts';
import { RunFolder } from '../run/folder.ts';
import { codeFor, inspectRun, weightColumns, weightRow } from '../run/weights.ts';
import { whole } from './flags.ts';
import { jsonLine, line, table } from './output.ts';

/** `hyperloom inspect RUN`: what is generated, what is stored, and how each varies. */
export function addInspect(command: Command): void {
  command
    .command('inspect')
    .description('show each weight of the target: shape, generated or stored, variance at the start and now')
    .argument('<run>', 'run folder')
    .option('--code <code>', 'the code to generate for: numbers such as 0.1,0.2, or the name of an example code')
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ hyperloom inspect runs/mnist')
    .action(async (path: string, flags: { threads?: number; json?: boolean; code?: string }) => {
      const folder = await RunFolder.open(path);
      const engine = await engineOf(flags);
      const { trial, run } = await reopen(folder, engine);
      const report = await inspectRun(run, folder.config.seed, engine, codeFor(trial, flags.code));
      if (flags.json) jsonLine({ event: 'done', ...report });
      else show(report);
      await engine.dispose();
    });
}

function show({ weights, total, direct, generated, generator, compression }: Inspection): void {
  line(table(weightColumns, weights.map(weightRow)));
  line();
  line(
    `generated weights: ${generated.toLocaleString('en-US')} from ${generator.toLocaleString('en-US')} parameters, ${compression.toFixed(2)} times as many`,
  );
  line(
    `all parameters: ${total.toLocaleString('en-US')}, against ${direct.toLocaleString('en-US')} trained directly (${((100 * total) / direct).toFixed(1)} %)`,
  );
}

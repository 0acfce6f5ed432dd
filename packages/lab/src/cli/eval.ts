import type { Command } from 'commander';
import { engineOf, measure, named, reopen } from '../run/execute.ts';
import { RunFolder } from '../run/folder.ts';
import { whole } from './flags.ts';
import { jsonLine, line, short, table } from './output.ts';

/** `hyperloom eval RUN`: the test set under the saved parameters. */
export function addEval(command: Command): void {
  command
    .command('eval')
    .description('measure a run on its test set, with the classes that it confuses')
    .argument('<run>', 'run folder')
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ hyperloom eval runs/mnist')
    .action(async (path: string, { threads, json }: { threads?: number; json?: boolean }) => {
      const began = performance.now();
      const folder = await RunFolder.open(path);
      const engine = await engineOf(threads);
      const { experiment, run } = await reopen(folder, engine);
      const result = await measure(experiment.trials[0], run, experiment);
      const metrics = named(result);
      if (json) {
        jsonLine({
          event: 'done',
          metrics,
          confusion: result.confusion,
          step: run.step,
          seconds: (performance.now() - began) / 1000,
        });
      } else {
        line(
          table(
            ['metric', 'value'],
            Object.entries(metrics).map(([name, value]) => [name, short(value)]),
          ),
        );
        line(`\ntrue class (rows) against predicted class (columns), step ${run.step}`);
        const { names } = experiment.classes;
        line(
          table(
            ['', ...names],
            result.confusion.map((row, i) => [names[i]!, ...row]),
          ),
        );
      }
      await engine.dispose();
    });
}

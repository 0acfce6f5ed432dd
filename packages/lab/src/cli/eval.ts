import type { Command } from 'commander';
import { type EngineFlags, engineOf } from '../run/engine.ts';
import { reopen } from '../run/execute.ts';
import { RunFolder } from '../run/folder.ts';
import { whole } from './flags.ts';
import { jsonLine, line, short, table } from './output.ts';

/** `hyperloom eval RUN`: the test set under the saved parameters. */
export function addEval(command: Command): void {
  command
    .command('eval')
    .description('measure the main model of a run on its test set')
    .argument('<run>', 'run folder')
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--provider <name>', 'where ONNX Runtime runs, such as cpu, cuda or webgpu', 'cpu')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ hyperloom eval runs/mnist')
    .action(async (path: string, { json, ...flags }: EngineFlags & { json?: boolean }) => {
      const began = performance.now();
      const folder = await RunFolder.open(path);
      const engine = await engineOf(flags);
      const { run, measure } = await reopen(folder, engine);
      const figures = Object.entries(await measure()).map(([name, value]) => [`test.${name}`, value] as const);
      if (json) {
        const seconds = (performance.now() - began) / 1000;
        jsonLine({ event: 'done', metrics: Object.fromEntries(figures), step: run.step, seconds });
      } else {
        line(
          table(
            ['metric', 'value'],
            figures.map(([name, value]) => [name, short(value)]),
          ),
        );
        line(`after ${run.step} steps`);
      }
      await engine.dispose();
    });
}

import type { Command } from 'commander';
import { moments } from 'hyperloom/hyper';
import { encodeSafetensors, writeAtomic } from 'hyperloom/io';
import type { NdArray } from 'hyperloom/tensor';
import { engineOf } from '../run/engine.ts';
import { reopen } from '../run/execute.ts';
import { RunFolder } from '../run/folder.ts';
import { codeFor, generating, hypernetworkOf } from '../run/weights.ts';
import { whole } from './flags.ts';
import { jsonLine, line, short, table } from './output.ts';

/** `hyperloom generate RUN`: the generated weights, as a table and a file. */
export function addGenerate(command: Command): void {
  command
    .command('generate')
    .description("generate the target's weights and write them under the target's own names")
    .argument('<run>', 'run folder')
    .option('--code <code>', 'the code to generate for: numbers such as 0.1,0.2, or the name of an example code')
    .option('--out <file>', 'safetensors file to write')
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ hyperloom generate runs/mnist --out kernels.safetensors')
    .action(async (path: string, flags: { threads?: number; json?: boolean; code?: string; out?: string }) => {
      const folder = await RunFolder.open(path);
      const engine = await engineOf(flags);
      const opened = await reopen(folder, engine);
      const { trial, run } = generating(opened.trial, opened.run, engine);
      hypernetworkOf(run.model);
      const weights: Readonly<Record<string, NdArray>> = await run.generate(codeFor(trial, flags.code));
      if (flags.out !== undefined)
        await writeAtomic(
          flags.out,
          encodeSafetensors(weights, { recipe: folder.config.recipe, step: String(run.step) }),
        );
      const rows = Object.entries(weights).map(([name, array]) => ({ name, shape: array.shape, ...moments(array) }));
      if (flags.json) {
        jsonLine({ event: 'done', weights: rows, ...(flags.out !== undefined && { out: flags.out }) });
      } else {
        line(
          table(
            ['weight', 'shape', 'mean', 'variance'],
            rows.map(({ name, shape, mean, variance }) => [name, shape.join('x'), short(mean), short(variance)]),
          ),
        );
        if (flags.out !== undefined) line(`written to ${flags.out}`);
      }
      await engine.dispose();
    });
}

import type { Command } from 'commander';
import { ArgumentError } from 'hyperloom/tensor';
import { type EngineFlags, engineOf } from '../run/engine.ts';
import { reopen } from '../run/execute.ts';
import { RunFolder } from '../run/folder.ts';
import { playEpisode } from './episode.ts';
import { gathered, whole } from './flags.ts';
import { jsonLine, line, short, table } from './output.ts';

interface EvalFlags extends EngineFlags {
  readonly set?: readonly string[];
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ hyperloom eval runs/mnist
  $ hyperloom eval runs/pendulum-family --set physics.length=0.7 --set physics.mass=1.2

With --set a policy plays one episode under that physics, which is drawn as an animated picture.`;

/** `hyperloom eval RUN`: the test set under the saved parameters, or one episode of a policy. */
export function addEval(command: Command): void {
  command
    .command('eval')
    .description('measure the main model of a run on its test set, or let a policy play an episode')
    .argument('<run>', 'run folder')
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--provider <name>', 'where ONNX Runtime runs, such as cpu, cuda or webgpu', 'cpu')
    .option('--set <physics.name=value>', 'physics of the episode of a policy; may be repeated', gathered)
    .option('--seed <n>', 'names how the episode begins', whole(0), 0)
    .option('--out <file>', 'GIF file to draw the episode to (default: episode.gif in the run folder)')
    .option('--json', 'one JSON object')
    .addHelpText('after', examples)
    .action(async (path: string, { json = false, set, seed, out, ...flags }: EvalFlags) => {
      const began = performance.now();
      if (out !== undefined && set === undefined)
        throw new ArgumentError(`--out: expected --set beside it, which plays an episode, got ${out} alone`);
      const folder = await RunFolder.open(path);
      const engine = await engineOf(flags);
      if (set) {
        await playEpisode(folder, engine, { set, seed, out, json }).finally(() => engine.dispose());
        return;
      }
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

import type { Command } from 'commander';
import { showVariance, type VarianceReport } from 'hyperloom/hyper';
import { writeAtomic } from 'hyperloom/io';
import { type EngineFlags, engineOf } from '../run/engine.ts';
import { recipeOf, settingsFrom } from '../run/settings.ts';
import { trialVariance } from '../run/variance.ts';
import { gathered, whole } from './flags.ts';
import { jsonLine, line } from './output.ts';

interface VarianceFlags extends EngineFlags {
  readonly set?: readonly string[];
  readonly seed: number;
  readonly keys: number;
  readonly examples: number;
  readonly svg?: string;
  readonly json?: boolean;
}

/** `hyperloom variance RECIPE`: how activations and gradients pass through the main model before any training. */
export function addVariance(command: Command): void {
  command
    .command('variance')
    .description('show how activations and gradients vary at every layer at the start, beside the ordinary target')
    .argument('<recipe>', 'see hyperloom recipes')
    .option('--set <key=value>', 'a setting of the recipe; may be given several times', gathered)
    .option('--seed <n>', 'the first key', whole(0), 0)
    .option('--keys <n>', 'draws of first parameters, of which medians are taken', whole(1), 15)
    .option('--examples <n>', 'examples of the first batch to look at, at most', whole(1), 32)
    .option('--svg <file>', 'also a plot of the ratios by layer')
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ hyperloom variance mnist --set init=paper')
    .action(async (name: string, flags: VarianceFlags) => {
      const recipe = recipeOf(name);
      const experiment = await recipe.prepare(settingsFrom(recipe, flags.set), { seed: flags.seed });
      const engine = await engineOf(flags);
      try {
        const [main] = experiment.trials;
        const report = await trialVariance(main, engine, flags);
        if (flags.json) jsonLine({ event: 'done', ...report });
        else line(showVariance(report));
        if (flags.svg !== undefined)
          await writeAtomic(flags.svg, new TextEncoder().encode(`${await picture(main.title, report)}\n`));
      } finally {
        await engine.dispose();
      }
    });
}

/** Ratios to the target by layer; mean squares themselves where there is no target to compare with. */
async function picture(title: string, { layers }: VarianceReport): Promise<string> {
  const { plot, standalone } = await import('../report/charts.ts');
  const { colourOf } = await import('../report/palette.ts');
  const compared = layers.some(({ activation }) => activation.ratio !== undefined);
  const shown = compared ? layers.filter(({ activation }) => activation.ratio !== undefined) : layers;
  const series = (['activation', 'gradient'] as const).map((kind, i) => ({
    name: `${kind}s`,
    colour: colourOf(i),
    mark: 'both' as const,
    points: shown.flatMap(({ [kind]: { model, ratio } }, at): [number, number][] => {
      const value = compared ? ratio : model;
      return value !== undefined && value > 0 ? [[at + 1, value]] : [];
    }),
  }));
  const y = compared ? 'mean square / ordinary' : 'mean square';
  const x = `layer, from ${shown[0]?.path} to ${shown.at(-1)?.path}`;
  const limits = { x: [0, shown.length + 1] } as const;
  return standalone(plot(`${title}: start`, series, { x, y, log: { y: true }, limits }));
}

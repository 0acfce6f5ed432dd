import type { Command } from 'commander';
import { writeAtomic } from 'hyperloom/io';
import { ArgumentError } from 'hyperloom/tensor';
import { flameGraph, framesOf } from '../profile/flame.ts';
import { floorOf, type Group, grouped } from '../profile/groups.ts';
import { type Profile, profileRecipe } from '../profile/profile.ts';
import { recipeOf, settingsFrom } from '../run/settings.ts';
import { gathered, whole } from './flags.ts';
import { interruptible } from './interrupt.ts';
import { jsonLine, line, table } from './output.ts';

interface Flags {
  readonly calls: number;
  readonly threads?: number;
  readonly set?: readonly string[];
  readonly svg?: string;
  readonly json?: boolean;
}

const explanation = `
Examples:
  $ hyperloom profile mnist
  $ hyperloom profile charlm --calls 10 --svg charlm.svg

The main model of the recipe trains for some calls of the engine, after 3 that are not counted; kernels are timed by
ONNX Runtime in further calls; what that adds to each, the same for all, is taken off until they fit into a call without it. The floor of a kernel is the longer of two times: its multiply-adds at the rate of a
product of two matrices of 1,024 by 1,024, and what it reads and writes at the rate of a sum of arrays beyond the caches,
both measured first. What fits into the caches may be quicker than its floor. Exit codes: 0 profiled, 2 misused.`;

/** `hyperloom profile RECIPE`: where the time of a training step goes. */
export function addProfile(command: Command): void {
  command
    .command('profile')
    .description('train for some steps and show where the time of one goes: parts, layers, operations, kernels')
    .argument('<recipe>', 'a recipe; see hyperloom recipes')
    .option('--calls <n>', 'calls of the engine to measure; small models take eight steps in one', whole(2), 20)
    .option('--threads <n>', 'threads of one operation (default: all cores)', whole(1))
    .option('--set <key=value>', 'a setting of the recipe; may be given several times', gathered)
    .option('--svg <file>', 'a flame graph to write')
    .option('--json', 'one JSON object, with every kernel')
    .addHelpText('after', explanation)
    .action(async (name: string, { set, svg, json, ...asked }: Flags) => {
      if (svg !== undefined && !/\.svg$/i.test(svg)) throw new ArgumentError(`--svg: expected a file .svg, got ${svg}`);
      const recipe = recipeOf(name);
      const { signal, release } = interruptible();
      try {
        const profile = await profileRecipe(recipe, settingsFrom(recipe, set), { ...asked, signal });
        if (svg !== undefined) await writeAtomic(svg, new TextEncoder().encode(flameGraph(framesOf(profile))));
        if (json) jsonLine({ event: 'done', ...profile, ...(svg !== undefined && { svg }) });
        else showProfile(profile, svg);
      } finally {
        release();
      }
    });
}

/** Rows of a table that are shown at most. */
const most = 12;

const ms = (value: number): string => value.toFixed(value < 10 ? 3 : 2);

/** A profile as tables: the figures of each part, layer, operation and kind of kernel. */
export function showProfile(profile: Profile, svg?: string): void {
  const { steps, stepMs, spent, rates, kernels } = profile;
  line(`${steps} steps, ${ms(stepMs)} ms each`);
  line(
    `at best: ${(rates.multiplyAdds / 1e9).toFixed(0)} billion multiply-adds and ${(rates.bytes / 1e9).toFixed(1)} GB a second\n`,
  );
  const share = (value: number) => `${((100 * value) / stepMs).toFixed(1)} %`;
  const floor = kernels.reduce((sum, kernel) => sum + floorOf(kernel, rates), 0);
  line(
    table(
      ['where', 'ms', 'of a step', 'floor, ms'],
      [
        ['kernels', ms(spent.kernels), share(spent.kernels), ms(floor)],
        ['calls beside kernels', ms(spent.calls), share(spent.calls), ''],
        ['JavaScript', ms(spent.script), share(spent.script), ''],
      ],
    ),
  );
  const groups = (title: string, all: readonly Group[]) => {
    line();
    const rows = all
      .slice(0, most)
      .map((group) => [
        group.name,
        group.count,
        ms(group.ms),
        share(group.ms),
        ms(group.floorMs),
        group.floorMs > 0 ? (group.ms / group.floorMs).toFixed(1) : '',
        (group.multiplyAdds / 1e6).toFixed(2),
        (group.bytes / 1e6).toFixed(2),
      ]);
    line(table([title, 'kernels', 'ms', 'of a step', 'floor, ms', 'times', 'million multiply-adds', 'MB'], rows));
    if (all.length > most) line(`... and ${all.length - most} more: --json has every kernel`);
  };
  groups(
    'part',
    grouped(kernels, rates, ({ part }) => part),
  );
  groups(
    'layer',
    grouped(kernels, rates, ({ layer }) => layer || '(no layer)'),
  );
  groups(
    'operation',
    grouped(kernels, rates, ({ op }) => op || '(added by ONNX Runtime)'),
  );
  groups(
    'kernel',
    grouped(kernels, rates, ({ type }) => type),
  );
  if (svg !== undefined) line(`\nflame graph: ${svg}`);
}

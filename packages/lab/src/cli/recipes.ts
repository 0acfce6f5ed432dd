import type { Command } from 'commander';
import { recipes } from '../recipes/index.ts';
import { jsonLine, line, table } from './output.ts';

/** `hyperloom recipes`: what can be trained, with its settings. */
export function addRecipes(command: Command): void {
  command
    .command('recipes')
    .description('list the recipes, their settings and the published figures that they stand beside')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExamples:\n  $ hyperloom recipes\n  $ hyperloom recipes --json')
    .action(({ json }: { json?: boolean }) => {
      for (const { name, summary, reference, options } of Object.values(recipes)) {
        if (json) {
          jsonLine({ name, summary, reference, options });
          continue;
        }
        line(`${name}: ${summary}`);
        line(`  published: ${reference}`);
        const rows = Object.entries(options).map(([key, option]) => [
          `  --set ${key}=`,
          String(option.default),
          option.help,
        ]);
        line(table(['  setting', 'default', 'what it is'], rows));
      }
    });
}

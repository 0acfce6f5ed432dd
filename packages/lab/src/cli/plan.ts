import { type Command, InvalidArgumentError } from 'commander';
import type { Budget, Plan } from 'hyperloom/hyper';
import { ArgumentError } from 'hyperloom/tensor';
import { planRecipe, planTarget } from '../run/planning.ts';
import { recipeOf, settingsFrom } from '../run/settings.ts';
import { gathered, whole } from './flags.ts';
import { jsonLine, line, table } from './output.ts';

interface PlanFlags {
  readonly target?: string;
  readonly code?: number;
  readonly batch: number;
  readonly shared?: boolean;
  readonly budgetParameters?: number;
  readonly budgetMultiplyAdds?: number;
  readonly budgetBytes?: number;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

const explanation = `
Examples:
  $ hyperloom plan mnist
  $ hyperloom plan mnist --code 16 --budget-parameters 50000
  $ hyperloom plan --target mlp:1,40,40,1 --code 8 --batch 32 --budget-multiply-adds 20000 --json

Every figure comes from the spec and the traced program of the real hypernetwork; nothing is trained, and no array made.
multiply-adds: of generating the weights once; of one example in a batch with a code for each example; and of one in a
batch with one code, its part of the generation included. bytes: of the parameters, and of the weights generated for a
batch as if each were made whole. With a code for each example that is the most that it can be: products with weights
of lowRank, experts and scale are often taken without making them; multiply-adds count what is done. Heads stand in
order of what they can generate, and the first that fits the budget is recommended; without a budget that is 10 times
the parameters of the target. Exit codes: 0 planned (whether one fits or not), 2 misused.`;

/** A number above 0, for a flag; 1e6 is one too. */
function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0) || !Number.isFinite(value))
    throw new InvalidArgumentError('expected a number above 0.');
  return value;
}

/** `hyperloom plan RECIPE`: heads for a target, compared before any training. */
export function addPlan(command: Command): void {
  command
    .command('plan')
    .description('compare heads for a target before any training: parameters, multiply-adds, bytes; recommend one')
    .argument('[recipe]', 'a recipe, whose target is planned for; see hyperloom recipes')
    .option('--target <text>', 'a target in place of a recipe: mlp:IN,WIDTH,...,OUT')
    .option('--code <n>', "numbers in a code (default: the recipe's own codes; 8 with --target)", whole(1))
    .option('--batch <n>', 'examples in a batch', whole(1), 32)
    .option('--shared', 'one code for a batch: what the budget counts (default: a code for each example)')
    .option('--budget-parameters <n>', 'parameters of the whole hypernetwork', positive)
    .option('--budget-multiply-adds <n>', 'multiply-adds for one example', positive)
    .option(
      '--budget-bytes <n>',
      'bytes of the parameters and of the weights generated for a batch, made whole',
      positive,
    )
    .option('--set <key=value>', 'a setting of the recipe; may be given several times', gathered)
    .option('--json', 'one JSON object')
    .addHelpText('after', explanation)
    .action(async (name: string | undefined, flags: PlanFlags) => {
      const found = await planned(name, flags);
      if (flags.json) jsonLine({ event: 'done', ...data(found) });
      else show(found, flags.batch);
    });
}

async function planned(name: string | undefined, flags: PlanFlags): Promise<Plan> {
  const { target, code, batch, shared, budgetParameters, budgetMultiplyAdds, budgetBytes } = flags;
  const budget: Budget = {
    ...(budgetParameters !== undefined && { parameters: budgetParameters }),
    ...(budgetMultiplyAdds !== undefined && { multiplyAdds: budgetMultiplyAdds }),
    ...(budgetBytes !== undefined && { bytes: budgetBytes }),
  };
  const asked = { budget, batch, codes: shared ? 'shared' : 'each', ...(code !== undefined && { code }) } as const;
  if ((name === undefined) === (target === undefined))
    throw new ArgumentError(`plan: expected a recipe or --target, got ${name === undefined ? 'neither' : 'both'}`);
  if (target !== undefined) return planTarget(target, asked);
  const recipe = recipeOf(name!);
  return planRecipe(recipe, settingsFrom(recipe, flags.set), asked);
}

/** A plan without the heads themselves, which are functions. */
const data = ({ entries, ...rest }: Plan) => ({
  ...rest,
  entries: entries.map(({ head, ...entry }) => ({ ...entry, head: head.name })),
});

const columns = [
  'head',
  'parameters',
  'of direct',
  'generation',
  'each code',
  'one code',
  'bytes, each',
  'bytes, one',
  'fits',
];

const round = (n: number): string => Math.round(n).toLocaleString('en-US');

function show({ direct, entries, unfit, why }: Plan, batch: number): void {
  const rows = entries.map(({ title, parameters, ratio, multiplyAdds, bytes, fits }) => [
    title,
    round(parameters),
    ratio.toFixed(2),
    round(multiplyAdds.generation),
    round(multiplyAdds.each),
    round(multiplyAdds.shared),
    round(bytes.parameters + bytes.each),
    round(bytes.parameters + bytes.shared),
    fits ? 'yes' : 'no',
  ]);
  const plain = [
    'trained directly',
    round(direct.parameters),
    '1.00',
    '0',
    ...[direct.multiplyAdds, direct.multiplyAdds, direct.bytes, direct.bytes].map(round),
    '',
  ];
  line(table(columns, [plain, ...rows]));
  line();
  line(
    `multiply-adds: of one generation, and of one example in a batch of ${batch} with a code for each and with one code`,
  );
  for (const { title, reason } of unfit) line(`left out: ${title}: ${reason}`);
  line(why);
}

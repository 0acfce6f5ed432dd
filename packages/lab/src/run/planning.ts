import { type Budget, candidates, type HyperSettings, type Plan, plan } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { ArgumentError } from 'hyperloom/tensor';
import type { Recipe, Settings } from '../recipes/recipe.ts';
import { hypernetworkOf, typesOf } from './weights.ts';

/** What a plan is asked for beside its target. */
export interface Planning {
  readonly budget: Budget;
  readonly batch: number;
  readonly codes: 'each' | 'shared';
  /** Numbers in a code, in place of the recipe's own codes. */
  readonly code?: number;
}

/** Title of the recipe's own head among the candidates. */
const own = "the recipe's own";

/**
 * A plan for the target of a recipe's main model, the recipe's own head last.
 * @throws ArgumentError for a recipe that trains no hypernetwork first, or gives no example of an input
 */
export async function planRecipe(recipe: Recipe, settings: Settings, { code, ...asked }: Planning): Promise<Plan> {
  const { trials } = await recipe.prepare(settings, { seed: 0 });
  const [{ model, codes, exampleInput }] = trials;
  const { target, settings: made } = hypernetworkOf(model);
  if (exampleInput === undefined)
    throw new ArgumentError(`expected a recipe that gives an example input, got ${recipe.name}`);
  const [example] = codes ?? [];
  const { head, ...form }: HyperSettings = made;
  return plan(target, {
    ...form,
    ...asked,
    ...(code !== undefined ? { code } : example && { source: typesOf(example.code) }),
    input: typesOf(exampleInput),
    heads: { ...candidates, [`${own} (${head.name})`]: head },
  });
}

/**
 * A plan for a target that is written out: `mlp:1,40,40,1` is a ReLU network from 1 to 1 by two layers of 40.
 * @throws ArgumentError for any other text
 */
export function planTarget(text: string, { code = 8, ...asked }: Planning): Plan {
  const widths = text.startsWith('mlp:') ? text.slice(4).split(',').map(Number) : [];
  const [inputs, ...rest] = widths;
  const out = rest.pop();
  if (inputs === undefined || out === undefined || !widths.every((width) => Number.isSafeInteger(width) && width > 0))
    throw new ArgumentError(`--target: expected mlp: and two widths or more, such as mlp:1,40,40,1, got "${text}"`);
  const input = { dtype: 'float32', shape: [inputs] };
  return plan(nn.mlp({ in: inputs, hidden: rest, out }), { ...asked, code, input });
}

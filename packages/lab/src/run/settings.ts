import { ArgumentError } from 'hyperloom/tensor';
import { suggestion } from '../nearest.ts';
import { recipes } from '../recipes/index.ts';
import type { Recipe, RecipeOption, Settings } from '../recipes/recipe.ts';

/**
 * The settings of a recipe from `key=value` pairs over those of a run that goes on, if any, and the defaults.
 * @throws ArgumentError for an unknown key, or a value that the option does not take
 */
export function settingsFrom(recipe: Recipe, pairs: readonly string[] = [], before: Settings = {}): Settings {
  const settings: Record<string, boolean | number | string> = {
    ...Object.fromEntries(Object.entries(recipe.options).map(([key, option]) => [key, option.default])),
    ...before,
  };
  const known = Object.keys(recipe.options);
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = at < 0 ? pair : pair.slice(0, at);
    if (at < 0) throw new ArgumentError(`--set: expected key=value, got "${pair}"`);
    const option = Object.hasOwn(recipe.options, key) ? recipe.options[key] : undefined;
    if (option === undefined) {
      throw new ArgumentError(`--set: expected one of ${known.join(', ')}, got "${key}"${suggestion(key, known)}`);
    }
    settings[key] = valueFrom(key, pair.slice(at + 1), option);
  }
  return settings;
}

function valueFrom(key: string, text: string, option: RecipeOption): boolean | number | string {
  const { choices, least = Number.NEGATIVE_INFINITY, whole = false } = option;
  if (typeof option.default === 'string') {
    if (choices && !choices.includes(text))
      throw new ArgumentError(`--set ${key}: expected one of ${choices.join(', ')}, got "${text}"`);
    return text;
  }
  if (typeof option.default === 'boolean') {
    if (text !== 'true' && text !== 'false')
      throw new ArgumentError(`--set ${key}: expected true or false, got "${text}"`);
    return text === 'true';
  }
  const value = Number(text);
  const kind = whole ? 'whole number' : 'number';
  if (text.trim() === '' || !(whole ? Number.isSafeInteger(value) : Number.isFinite(value)))
    throw new ArgumentError(`--set ${key}: expected a ${kind}, got "${text}"`);
  if (value < least) throw new ArgumentError(`--set ${key}: expected a ${kind} of at least ${least}, got ${text}`);
  return value;
}

/** The recipe of a name; the error names those that there are. */
export function recipeOf(name: string): Recipe {
  const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
  if (recipe) return recipe;
  const known = Object.keys(recipes);
  throw new ArgumentError(`expected a recipe (${known.join(', ')}), got "${name}"${suggestion(name, known)}`);
}

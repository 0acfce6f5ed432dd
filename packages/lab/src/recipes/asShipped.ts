import type { RecipeOption, Settings } from './recipe.ts';

/** Whether the settings are those that a recipe's promise is made for; `control` and others that leave it do not count. */
export const asShipped = (
  options: Readonly<Record<string, RecipeOption>>,
  settings: Settings,
  free: readonly string[] = ['control'],
): boolean => Object.entries(options).every(([key, option]) => free.includes(key) || settings[key] === option.default);

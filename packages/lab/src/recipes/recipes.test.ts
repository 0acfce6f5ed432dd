import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { settingsFrom } from '../run/settings.ts';
import { recipes } from './index.ts';

const noClothes = !existsSync('/usr/share/datasets/fashion-mnist');

test('the help of a setting names what may be chosen', () => {
  for (const { name, options } of Object.values(recipes))
    for (const [key, { choices = [], help }] of Object.entries(options))
      for (const choice of choices) expect(help, `${name}, --set ${key}`).toMatch(new RegExp(`\\b${choice}\\b`));
});

test.for(Object.values(recipes))('$name joins the contract of recipes', async (recipe, { skip }) => {
  const reads = Object.values(recipe.options).some((option) => option.default === 'fashion');
  skip(reads && noClothes, 'the Debian package dataset-fashion-mnist is not installed');
  expect(recipes[recipe.name]).toBe(recipe);
  const prepared = (pairs: readonly string[]) => recipe.prepare(settingsFrom(recipe, pairs), { seed: 0 });
  const whole = await prepared([]);
  const alone = await prepared(['control=false']);
  expect(alone.trials.map(({ name }) => name)).toEqual(['main']);
  expect(whole.trials.length).toBeGreaterThan(1);
  expect(whole.trials[0].exampleInput ?? whole.trials[0].examples, 'for plan and inspect').toBeDefined();
  for (const { cells } of whole.published ?? []) expect(cells.length).toBe(whole.columns.length);

  // A promise is for the settings that it was made with; controls are no part of these.
  const none = new Proxy({}, { get: () => Number.NaN });
  expect(whole.judge(none)).toMatch(new RegExp(`^${recipe.name}: expected .*, got`));
  expect(alone.judge(none)).toBeDefined();
  const [key, option] = Object.entries(recipe.options).find(
    ([name, { default: value }]) => typeof value === 'number' && name !== 'control',
  )!;
  expect((await prepared([`${key}=${Number(option.default) + 1}`])).judge(none)).toBeUndefined();
});

import { ortEngine } from 'hyperloom/engine/ort';
import { train } from 'hyperloom/train';
import type { Figures, Recipe, Session, Settings } from './recipe.ts';

/** Figures of every trial of a recipe in a short form, without a run folder. */
export async function figuresOf(
  recipe: Recipe,
  { steps, seed = 0, settings = {} }: { readonly steps: number; readonly seed?: number; readonly settings?: Settings },
): Promise<Readonly<Record<string, Figures>>> {
  const defaults = Object.fromEntries(Object.entries(recipe.options).map(([key, option]) => [key, option.default]));
  const experiment = await recipe.prepare({ ...defaults, ...settings }, { seed, steps });
  const engine = ortEngine({ threads: 1, spinning: false });
  const session: Session = { seed, engine, train: (model, options) => train(model, { ...options, seed, engine }) };
  const figures: Record<string, Figures> = {};
  for (const trial of experiment.trials) figures[trial.name] = await trial.measure(await trial.train(session), session);
  await engine.dispose();
  return figures;
}

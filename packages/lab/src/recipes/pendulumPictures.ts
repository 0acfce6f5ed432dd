import { type Player, physicsNumbers } from 'hyperloom/rl';
import { heatMap } from '../report/charts.ts';
import { bodyReturns, episodePicture } from './playing.ts';
import type { Picture, TrialResult } from './recipe.ts';

/** Masses and lengths of the maps: the world's own ranges, which are wider than those of training. */
const cells = 9;
const values = Array.from({ length: cells }, (_, i) => 0.5 + i / (cells - 1));

/** Maps of return over mass and length, and episodes of a light and a heavy body. */
export async function pendulumPictures(
  results: readonly TrialResult[],
  { lives, trained: [low, high] }: { readonly lives: number; readonly trained: readonly [number, number] },
): Promise<Picture[]> {
  const made: Picture[] = [];
  const shown = results.filter(({ trial }) => ['main', 'concatenation', 'universal'].includes(trial.name));
  for (const { trial, run } of shown) {
    const bodies = values.flatMap((length) => values.map((mass) => ({ mass, length })));
    const all = await bodyReturns(trial.model as Player)(run, bodies, { lives, seed: 5 });
    made.push({
      name: `returns-${trial.name}.svg`,
      caption: `${trial.title}: mean return by mass and length; it was trained on ${low} to ${high} of each.`,
      content: heatMap(
        trial.title,
        values.map((_, i) => all.slice(i * cells, (i + 1) * cells)),
        {
          x: 'mass, kg',
          y: 'length, m',
          columns: values.map((value) => value.toFixed(2)),
          rows: values.map((value) => value.toFixed(2)),
        },
      ),
    });
  }
  const [{ trial, run }] = results as [TrialResult];
  for (const [name, body] of [
    ['light', { mass: 0.75, length: 0.75 }],
    ['heavy', { mass: 1.25, length: 1.25 }],
  ] as const) {
    const { environment, play } = trial.world!;
    const physics = physicsNumbers(environment, body);
    const episode = await play(run, physics, 1);
    const total = episode.rewards.reduce((a, b) => a + b, 0).toFixed(0);
    const caption = `${trial.title}: ${body.mass} kg and ${body.length} m, a return of ${total}.`;
    made.push(await episodePicture(trial.world!, physics, [episode], { name, caption, fps: 20, every: 2 }));
  }
  return made;
}

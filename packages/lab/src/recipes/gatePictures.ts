import type { Costed } from 'hyperloom/hyper';
import { type NdArray, vmap } from 'hyperloom/tensor';
import type { Picture, TrialResult } from './recipe.ts';
import { budgetTest } from './tasks/budgets.ts';
import { budgets, type GatedRun, imageAt, openRates } from './tasks/gateFigures.ts';
import type { ImageSet } from './tasks/images.ts';

/** The budget, in percent, of the pictures that show one. */
const shown = 50;

/** Gates by class, errors against multiply-adds, and the images that took most and least of them. */
export async function gatePictures(
  results: readonly TrialResult[],
  { set, gating }: { readonly set: ImageSet; readonly gating: number },
): Promise<Picture[]> {
  const [{ heatMap, plot }, { imageGrid }, { colourOf }] = await Promise.all([
    import('../report/charts.ts'),
    import('../report/imageGrid.ts'),
    import('../report/palette.ts'),
  ]);
  const main: GatedRun = { run: results[0]!.run, reads: 'image', gating };
  const { gates, byClass } = await openRates(main, set.test, set.classes.length, shown);
  const fixed = results.filter(({ trial }) => trial.name.startsWith('fixed'));
  const others = results.filter((result) => !fixed.includes(result));
  const points = (own: readonly TrialResult[]) =>
    own.flatMap(({ metrics }) =>
      budgets.flatMap((budget): [number, number][] => {
        const error = metrics[`error.${budget}`];
        return error === undefined ? [] : [[100 * metrics[`used.${budget}`]!, 100 * error]];
      }),
    );
  const series = [
    ...others.map((result) => ({ name: result.trial.title, points: points([result]) })),
    ...(fixed.length > 0 ? [{ name: 'fixed networks', points: points(fixed), dashed: true }] : []),
  ].map((one, i) => ({ ...one, colour: colourOf(i), mark: 'both' as const }));
  const { most, least } = await extremes(main, set);
  const pictures = (rows: readonly (readonly [image: number, used: number])[], name: string) => ({
    name,
    images: rows.map(([i]) => imageAt(set.test, i)),
    labels: rows.map(([, used]) => `${Math.round(100 * used)} %`),
  });
  return [
    {
      name: 'gates.svg',
      caption: `How often each gate is open for the test images of each class, at a budget of ${shown} %. Those of a block's channels come before the gate of the whole block, which has its name.`,
      content: heatMap('open gates by class', byClass, {
        y: 'class',
        rows: set.classes,
        columns: gates.map((name) => (name.includes(' ') ? '' : name)),
      }),
    },
    {
      name: 'budget.svg',
      caption: 'Test error against the share of multiply-adds that was used, gating included.',
      content: plot('test error, %', series, { x: 'multiply-adds, % of the whole network' }),
    },
    {
      name: 'compute.svg',
      caption: `Test images that took least and most multiply-adds at a budget of ${shown} %, with the share that each took.`,
      content: imageGrid('multiply-adds by image', [pictures(least, 'least'), pictures(most, 'most')]),
    },
  ];
}

/** Test images with the share of multiply-adds that each took, from the ends of their order. */
async function extremes({ run, reads, gating }: GatedRun, { test }: ImageSet) {
  const costs = (params: never, input: unknown) =>
    vmap((one: unknown) => (run.model.apply(params, one as never, { training: false }) as Costed<unknown>).cost)(input);
  const used: [image: number, used: number][] = [];
  for (const { batch, count } of budgetTest(test, reads, shown / 100)) {
    const { data } = (await run.call(costs, batch.input)) as NdArray;
    for (let row = 0; row < count; row++) used.push([used.length, data[row]! + gating]);
  }
  used.sort(([, a], [, b]) => a - b);
  return { least: used.slice(0, 10), most: used.slice(-10).reverse() };
}

import type { NdArray } from 'hyperloom/tensor';
import { pictureOf, signedPixels } from './imagePictures.ts';
import type { Picture, TrialResult } from './recipe.ts';
import type { ImageSet } from './tasks/images.ts';
import { type Classify, type ImageTask, index } from './tasks/imageTasks.ts';

/** What {@link splitPictures} draws from. */
export interface SplitResults {
  readonly set: ImageSet;
  readonly tasks: readonly ImageTask[];
  /** Accuracies of every task after each, by trial. */
  readonly progress: ReadonlyMap<string, readonly (readonly number[])[]>;
  readonly classify: Classify;
}

const [unitsShown, mistakesShown] = [10, 10];

/** How tasks fare while others are learned, how alike their networks are, what is mistaken, and what first units see. */
export async function splitPictures(
  results: readonly TrialResult[],
  { set, tasks, progress, classify }: SplitResults,
): Promise<Picture[]> {
  const [{ heatMap }, { imageGrid }, signed] = await Promise.all([
    import('../report/charts.ts'),
    import('../report/imageGrid.ts'),
    signedPixels(),
  ]);
  const names = tasks.map(({ name }) => name);
  const made: Picture[] = [];
  for (const { trial } of results) {
    const rows = progress.get(trial.name);
    if (rows === undefined) continue;
    made.push({
      name: `errors.${trial.name}.svg`,
      caption: `Test error of every task (columns) after each task (rows), in percent: ${trial.title}. What is right of the diagonal is not yet learned.`,
      content: heatMap(
        `test error in percent: ${trial.title}`,
        rows.map((row) => row.map((share) => 100 * (1 - share))),
        { x: 'task', y: 'after', columns: names, rows: names },
      ),
    });
  }
  const { run } = results[0]!;
  const networks = await Promise.all(tasks.map((_, task) => run.generate(index(task))));
  const vectors = networks.map((weights) => Object.values(weights).map(({ data }) => data));
  made.push({
    name: 'similarity.svg',
    caption: 'How alike the generated networks of two tasks are: the cosine of all their weights.',
    content: heatMap(
      'cosine of the weights of two tasks',
      vectors.map((a) => vectors.map((b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)))),
      { columns: names, rows: names },
    ),
  });
  const shape = [set.channels, set.height, set.width];
  const mistaken = [];
  for (const [task, { name, classes, test }] of tasks.entries()) {
    const found = await classify(run, task, test.images);
    const wrong = [...found.keys()].filter((i) => found[i] !== test.labels.data[i]);
    const shown = wrong.slice(0, mistakesShown);
    mistaken.push({
      name: `${name}: ${wrong.length} of ${found.length}`,
      images: shown.map((i) => pictureOf(test, i, shape)),
      labels: shown.map((i) => `for ${classes[found[i]!]}`),
    });
  }
  made.push({
    name: 'mistakes.svg',
    caption: 'Test images that are taken for the other class of their task, after all tasks.',
    content: imageGrid('taken for the other class', mistaken),
  });
  const first = networks.map((weights) => weights['layer0.weight']!);
  const limit = Math.max(...first.map(({ data }) => largest(data)));
  made.push({
    name: 'units.svg',
    caption:
      'Weights of the first layer as generated for each task: what ten hidden units look for in an image; blue is negative, red positive.',
    content: imageGrid(
      'what hidden units look for',
      first.map((weight, task) => ({
        name: names[task]!,
        images: Array.from({ length: unitsShown }, (_, unit) =>
          signed([set.height, set.width], (at) => weightOf(weight, at, unit) / limit),
        ),
      })),
      { columns: Array.from({ length: unitsShown }, (_, unit) => `unit ${unit + 1}`) },
    ),
  });
  return made;
}

const weightOf = ({ shape, data }: NdArray, input: number, unit: number): number => data[input * shape[1]! + unit]!;

/** A size that few weights exceed: four times their root mean square. */
const largest = (data: ArrayLike<number>): number => {
  let squares = 0;
  for (let i = 0; i < data.length; i++) squares += data[i]! ** 2;
  return 4 * Math.sqrt(squares / data.length) + 1e-12;
};

/** The scalar product of two networks' weights. */
function dot(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number {
  let total = 0;
  for (const [part, values] of a.entries()) for (let i = 0; i < values.length; i++) total += values[i]! * b[part]![i]!;
  return total;
}

import type { EvalBatches } from 'hyperloom/data';
import { argmax, max, type NdArray, softmax, type Tensor, tree, vmap } from 'hyperloom/tensor';
import type { Example, Run, Trainable } from 'hyperloom/train';
import type { ImageRow } from '../report/imageGrid.ts';
import type { Picture, TrialResult } from './recipe.ts';
import type { LabelledImages } from './tasks/images.ts';

/** A test set with the class of each example. */
export interface Labelled {
  readonly test: EvalBatches<Example>;
  readonly labels: ArrayLike<number>;
  readonly classes: number;
}

/** Logits [classes] of the output of one example; the output itself when absent. */
export type LogitsOf = (output: never) => Tensor;

/** What a classifier takes each example of a test set for, in order. */
export interface Predictions {
  /** Class indices, int32. */
  readonly classes: Int32Array;
  /** The probability that the classifier gives to this class. */
  readonly sure: Float32Array;
}

/** Classifies a test set once. */
export async function predictions(
  run: Run<Trainable>,
  test: EvalBatches<Example>,
  logitsOf: LogitsOf = (output) => output,
): Promise<Predictions> {
  const classify = (params: never, input: unknown) =>
    vmap((example: unknown) => {
      const logits = logitsOf(run.model.apply(params, example as never, { training: false }) as never);
      return { predicted: argmax(logits), sure: max(softmax(logits)) };
    })(input);
  const classes = new Int32Array(test.total);
  const sure = new Float32Array(test.total);
  let row = 0;
  for (const { batch, count } of test) {
    const found = (await run.call(
      classify,
      tree.map((array: NdArray) => array, batch.input),
    )) as Record<'predicted' | 'sure', NdArray>;
    classes.set(found.predicted.data.subarray(0, count), row);
    sure.set(found.sure.data.subarray(0, count), row);
    row += count;
  }
  return { classes, sure };
}

/** Counts of examples by true class (rows) and predicted class (columns). */
export function confusionOf(predicted: ArrayLike<number>, labels: ArrayLike<number>, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  for (let i = 0; i < predicted.length; i++) counts[labels[i]!]![predicted[i]!]! += 1;
  return counts;
}

/** Counts of test examples by true class (rows) and predicted class (columns), for a model whose outputs are logits. */
export const confusion = async (run: Run<Trainable>, { test, labels, classes }: Labelled): Promise<number[][]> =>
  confusionOf((await predictions(run, test)).classes, labels, classes);

/** `107 wrong of 10,000`. */
export function mistakes(counts: readonly (readonly number[])[]): string {
  const all = counts.flat().reduce((sum, n) => sum + n, 0);
  const right = counts.reduce((sum, row, i) => sum + row[i]!, 0);
  return `${(all - right).toLocaleString('en-US')} wrong of ${all.toLocaleString('en-US')}`;
}

/** Images that a trial is tested on. */
export interface Classified {
  /** The same images as `images`, in the same order, as the trial's model reads them. */
  readonly test: EvalBatches<Example>;
  readonly images: LabelledImages;
  /** Names of the classes. */
  readonly classes: readonly string[];
  readonly logitsOf?: LogitsOf;
}

/** Classes and mistakes of each that a picture has room for. */
const room = { classes: 20, rows: 10, images: 10 } as const;

/**
 * Two pictures of a classifier of images: `confusion.TRIAL.svg`, test images by true and predicted class, and
 * `mistakes.TRIAL.svg`, those that it took for another with most certainty. Of many classes the ones with most mistakes.
 */
export async function classPictures(
  { trial, run }: Pick<TrialResult, 'trial' | 'run'>,
  { test, images, classes, logitsOf }: Classified,
): Promise<Picture[]> {
  const [{ confusionMatrix }, { imageGrid }] = await Promise.all([
    import('../report/charts.ts'),
    import('../report/imageGrid.ts'),
  ]);
  const predicted = await predictions(run, test, logitsOf);
  const counts = confusionOf(predicted.classes, images.labels.data, classes.length);
  const wrong = (own: number): number => counts[own]!.reduce((sum, n, i) => sum + (i === own ? 0 : n), 0);
  const worst = (count: number): number[] =>
    [...classes.keys()]
      .sort((a, b) => wrong(b) - wrong(a))
      .slice(0, count)
      .sort((a, b) => a - b);
  const few = worst(room.classes);
  const title = `${trial.title}: ${mistakes(counts)}`;
  const some = (shown: number) => (shown < classes.length ? ` The ${shown} classes with most mistakes.` : '');
  const matrix: Picture = {
    name: `confusion.${trial.name}.svg`,
    caption: `Test examples by true and predicted class: ${trial.title}.${some(few.length)}`,
    content: confusionMatrix(
      title,
      few.map((i) => few.map((j) => counts[i]![j]!)),
      few.map((i) => classes[i]!),
    ),
  };
  const rows = mistakeRows(images, predicted, classes, worst(room.rows));
  if (rows.length === 0) return [matrix];
  return [
    matrix,
    {
      name: `mistakes.${trial.name}.svg`,
      caption: `Test images in rows of their true class, the surest mistakes first, and what each was taken for: ${trial.title}.${some(room.rows)}`,
      content: imageGrid(title, rows),
    },
  ];
}

/** Images of some classes that were taken for another, the surest first. */
function mistakeRows(
  { images, labels }: LabelledImages,
  predicted: Predictions,
  classes: readonly string[],
  shown: readonly number[],
): ImageRow[] {
  const shape = images.shape.slice(1);
  const length = shape.reduce((a, b) => a * b, 1);
  const pixels = (i: number) =>
    Float32Array.from(
      images.data.subarray(i * length, (i + 1) * length),
      (byte) => byte * images.scale + images.offset,
    );
  const wrong = [...labels.data.keys()]
    .filter((i) => labels.data[i] !== predicted.classes[i])
    .sort((a, b) => predicted.sure[b]! - predicted.sure[a]!);
  return shown.flatMap((own): ImageRow[] => {
    const these = wrong.filter((i) => labels.data[i] === own).slice(0, room.images);
    if (these.length === 0) return [];
    return [
      {
        name: classes[own]!,
        images: these.map((i) => ({ shape, data: pixels(i) })),
        labels: these.map((i) => classes[predicted.classes[i]!]!),
      },
    ];
  });
}

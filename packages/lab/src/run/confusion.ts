import { type NdArray, type Tensor, tree, vmap } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import type { Experiment, Trial } from '../recipes/recipe.ts';

/** Counts of test examples by true class (rows) and predicted class (columns). */
export async function confusion(
  trial: Trial,
  run: Run<Trainable>,
  { labels, names }: Experiment['classes'],
): Promise<number[][]> {
  const counts = names.map(() => names.map(() => 0));
  const classify = (params: never, input: unknown) =>
    vmap(
      (example: unknown) =>
        trial.predict(trial.model.apply(params, example as never, { training: false }) as never) as Tensor,
    )(input);
  let row = 0;
  for (const { batch, count } of trial.test) {
    const predicted = (await run.call(
      classify,
      tree.map((array: NdArray) => array, batch.input),
    )) as NdArray;
    for (let i = 0; i < count; i++, row++) counts[labels[row]!]![predicted.data[i]!]! += 1;
  }
  return counts;
}

import type { EvalBatches } from 'hyperloom/data';
import { argmax, type NdArray, type Tensor, tree, vmap } from 'hyperloom/tensor';
import type { Example, Run, Trainable } from 'hyperloom/train';

/** A test set with the class of each example. */
export interface Labelled {
  readonly test: EvalBatches<Example>;
  readonly labels: ArrayLike<number>;
  readonly classes: number;
}

/** Counts of test examples by true class (rows) and predicted class (columns), for a model whose outputs are logits. */
export async function confusion(run: Run<Trainable>, { test, labels, classes }: Labelled): Promise<number[][]> {
  const counts = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  const classify = (params: never, input: unknown) =>
    vmap((example: unknown) => argmax(run.model.apply(params, example as never, { training: false }) as Tensor))(input);
  let row = 0;
  for (const { batch, count } of test) {
    const predicted = (await run.call(
      classify,
      tree.map((array: NdArray) => array, batch.input),
    )) as NdArray;
    for (let i = 0; i < count; i++, row++) counts[labels[row]!]![predicted.data[i]!]! += 1;
  }
  return counts;
}

/** `107 wrong of 10,000`. */
export function mistakes(counts: readonly (readonly number[])[]): string {
  const all = counts.flat().reduce((sum, n) => sum + n, 0);
  const right = counts.reduce((sum, row, i) => sum + row[i]!, 0);
  return `${(all - right).toLocaleString('en-US')} wrong of ${all.toLocaleString('en-US')}`;
}

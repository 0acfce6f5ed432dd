import { type Batches, batches, type EvalBatches, evalBatches, randomAt, type ScaledBytes } from 'hyperloom/data';
import { type NdArray, ndarray } from 'hyperloom/tensor';
import type { Example } from 'hyperloom/train';
import type { Reads } from './gatedNets.ts';
import type { LabelledImages } from './images.ts';

/** The least share of the multiply-adds that a budget may be. */
export const leastBudget = 0.25;

/** Images with a budget for each. */
interface Budgeted {
  readonly input: {
    readonly code: { readonly budget: NdArray; readonly image?: ScaledBytes };
    readonly input: ScaledBytes;
  };
  readonly target: { readonly label: NdArray; readonly budget: NdArray };
}

function budgeted({ images, labels }: LabelledImages, reads: Reads, budget: (i: number) => number): Budgeted {
  const count = labels.data.length;
  const budgets = Float32Array.from({ length: count }, (_, i) => budget(i));
  return {
    input: {
      code: { budget: ndarray(budgets, [count, 1]), ...(reads === 'image' && { image: images }) },
      input: images,
    },
    target: { label: labels, budget: ndarray(budgets.slice(), [count]) },
  };
}

/** What the streams of random numbers of a seed are for. */
const drawing = 7;

/** Batches of training, all examples of one under a budget that is drawn evenly from {@link leastBudget} to 1. */
export function budgetBatches(
  set: LabelledImages,
  reads: Reads,
  { size, seed }: { readonly size: number; readonly seed: number },
): Batches<Example> {
  const all = batches(
    budgeted(set, reads, () => 1),
    { size, seed },
  );
  const at = (step: number) => {
    const batch = all.at(step);
    const budget = leastBudget + (1 - leastBudget) * randomAt(seed, drawing, step).uniform();
    batch.input.code.budget.data.fill(budget);
    batch.target.budget.data.fill(budget);
    return batch;
  };
  return { ...all, at } as unknown as Batches<Example>;
}

/** A whole set under budgets by the position of each image, or under one for all. */
export const budgetTest = (
  set: LabelledImages,
  reads: Reads,
  budget: number | ((i: number) => number),
  size = 250,
): EvalBatches<Example> =>
  evalBatches(
    budgeted(set, reads, typeof budget === 'number' ? () => budget : budget),
    Math.min(size, set.labels.data.length),
  ) as unknown as EvalBatches<Example>;

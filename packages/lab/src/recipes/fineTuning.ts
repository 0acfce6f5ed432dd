import type { MlpSpec, Module } from 'hyperloom/nn';
import {
  div,
  grad,
  mean,
  mul,
  type NdArray,
  reshape,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  tree,
  vmap,
} from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { type FewShot, halfRange } from './tasks/sinusoids.ts';

/** What {@link fineTune} found. */
export interface FineTuned {
  readonly mse: number;
  /** Gradient steps, and their size, that were best on the tasks to choose by. */
  readonly steps: number;
  readonly rate: number;
}

type Weights = tree.Mapped<unknown, unknown, Tensor>;

const rates = [0.003, 0.01, 0.03, 0.1];
const most = 100;

/**
 * Fine-tunes one network for each of many tasks at once, by gradient steps on the task's context points. Step size
 * and number of steps are those that do best on other tasks.
 */
export async function fineTune(
  run: Run<Trainable>,
  target: Module<MlpSpec>,
  { choose, test }: { readonly choose: FewShot<NdArray>; readonly test: FewShot<NdArray> },
): Promise<FineTuned> {
  const follow = followed(run, target);
  let best = { mse: Number.POSITIVE_INFINITY, steps: 0, rate: 0 };
  for (const rate of rates) {
    const errors = await follow(choose, rate, most);
    errors.forEach((mse, steps) => {
      if (mse < best.mse) best = { mse, steps, rate };
    });
  }
  const errors = await follow(test, best.rate, best.steps);
  return { ...best, mse: errors.at(-1)! };
}

/** The error on the query points after 0, 1, ... gradient steps, over all tasks. */
function followed(run: Run<Trainable>, target: Module<MlpSpec>) {
  const predict = (weights: Weights, x: Tensor) => target.apply(weights as never, x);
  const error = (_: never, weights: never, input: never, wanted: never) =>
    mean(vmap((own: Weights, x: Tensor, y: Tensor) => mean(square(sub(predict(own, x), y))))(weights, input, wanted));
  const descend = (_: never, weights: never, code: never, rate: never) =>
    vmap((own: Weights, { points, mask }: { readonly points: Tensor; readonly mask: Tensor }) => {
      const count = points.shape[0] as number;
      const column = (i: number) =>
        slice(points, [
          [0, count],
          [i, i + 1],
        ]);
      const [x, y] = [column(0), column(1)];
      const loss = (w: Weights) => {
        const miss = reshape(square(sub(predict(w, div(x, halfRange)), y)), [-1]);
        return div(sum(mul(miss, mask)), sum(mask));
      };
      return tree.map((w: Tensor, g: Tensor) => sub(w, mul(g, rate)), own, grad(loss)(own));
    })(weights, code);
  return async ({ input: { code, input }, target: wanted }: FewShot<NdArray>, rate: number, steps: number) => {
    const [tasks = 0] = input.shape;
    let weights: unknown = tree.map((w: NdArray) => repeated(w, tasks), run.params);
    const errors = [((await run.call(error, weights, input, wanted)) as NdArray).data[0]!];
    for (let step = 0; step < steps; step++) {
      weights = await run.call(descend, weights, code, rate);
      errors.push(((await run.call(error, weights, input, wanted)) as NdArray).data[0]!);
    }
    return errors;
  };
}

function repeated({ dtype, shape, data }: NdArray, times: number): NdArray {
  const all = new Float32Array(times * data.length);
  for (let i = 0; i < times; i++) all.set(data as Float32Array, i * data.length);
  return { dtype, shape: [times, ...shape], data: all };
}

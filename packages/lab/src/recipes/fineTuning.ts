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

const rates = [0.01, 0.03, 0.1];
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
  const { begin, descend, error } = tuning(run, target);
  let best = { mse: Number.POSITIVE_INFINITY, steps: 0, rate: 0 };
  for (const rate of rates) {
    let weights = begin(choose);
    for (let steps = 0; steps <= most; steps++) {
      if (steps > 0) weights = await descend(weights, choose, rate);
      const mse = await error(weights, choose);
      if (mse < best.mse) best = { mse, steps, rate };
    }
  }
  let weights = begin(test);
  for (let step = 0; step < best.steps; step++) weights = await descend(weights, test, best.rate);
  return { ...best, mse: await error(weights, test) };
}

/** One network for each task: the pretrained one, a gradient step on the context points, the error on the query points. */
function tuning(run: Run<Trainable>, target: Module<MlpSpec>) {
  const predict = (weights: Weights, x: Tensor) => target.apply(weights as never, x);
  const meanError = (_: never, weights: never, input: never, wanted: never) =>
    mean(vmap((own: Weights, x: Tensor, y: Tensor) => mean(square(sub(predict(own, x), y))))(weights, input, wanted));
  const gradientStep = (_: never, weights: never, code: never, rate: never) =>
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
  return {
    begin: ({ input }: FewShot<NdArray>): unknown =>
      tree.map((w: NdArray) => repeated(w, input.input.shape[0]!), run.params),
    descend: (weights: unknown, { input }: FewShot<NdArray>, rate: number): Promise<unknown> =>
      run.call(gradientStep, weights, input.code, rate),
    error: async (weights: unknown, { input, target: wanted }: FewShot<NdArray>): Promise<number> =>
      ((await run.call(meanError, weights, input.input, wanted)) as NdArray).data[0]!,
  };
}

function repeated({ dtype, shape, data }: NdArray, times: number): NdArray {
  const all = new Float32Array(times * data.length);
  for (let i = 0; i < times; i++) all.set(data as Float32Array, i * data.length);
  return { dtype, shape: [times, ...shape], data: all };
}

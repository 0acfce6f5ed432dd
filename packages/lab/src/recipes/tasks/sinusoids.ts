import { type Batches, type EvalBatches, evalBatches, type Random, randomAt } from 'hyperloom/data';
import { type Aval, type NdArray, ndarray } from 'hyperloom/tensor';

/** y = amplitude sin(x + phase): the regression tasks of Finn et al. 2017, section 5.1. */
export interface Sinusoid {
  readonly amplitude: number;
  readonly phase: number;
}

/** A task as a model reads it: a few context points with a mask over them, and where to predict. */
export interface FewShot<A> {
  readonly input: {
    /** Context points [context, 2], each (x, y), and which of them are given [context]: 1 or 0. */
    readonly code: { readonly points: A; readonly mask: A };
    /** Query points [query, 1], in halves of the range: from -1 to 1. */
    readonly input: A;
  };
  /** Values at the query points [query, 1]. */
  readonly target: A;
}

/** Sizes of few-shot tasks. */
export interface FewShotSizes {
  readonly tasks: number;
  /** Context points that there is room for. */
  readonly context: number;
  readonly query: number;
}

const range = { amplitude: [0.1, 5], phase: [0, Math.PI], x: [-5, 5] } as const;

/** Half of the range of x, from -5 to 5: what query points are divided by, so that a network sees inputs of about 1. */
export const halfRange = 5;

const between = ([low, high]: readonly [number, number], random: Random): number =>
  low + (high - low) * random.uniform();

export const sinusoid = ({ amplitude, phase }: Sinusoid, x: number): number => amplitude * Math.sin(x + phase);

const drawSinusoid = (random: Random): Sinusoid => ({
  amplitude: between(range.amplitude, random),
  phase: between(range.phase, random),
});

/** Streams of one seed: training tasks differ from test tasks. */
const training = 0;
const testing = 1;

/**
 * Endless batches of fresh tasks, each a pure function of seed and step. A task has from `least` to `context` points.
 * Two sets of arrays take turns, as in `batches` of the library.
 */
export function sinusoidBatches(
  { tasks, context, query }: FewShotSizes,
  { seed, least }: { readonly seed: number; readonly least: number },
): Batches<FewShot<NdArray>> {
  const buffers = [fewShotArrays(tasks, context, query), fewShotArrays(tasks, context, query)] as const;
  const fillers = buffers.map(fillerOf);
  let turn: 0 | 1 = 0;
  return {
    size: tasks,
    perEpoch: 1,
    spec: specOf(buffers[0]),
    at: (step) => {
      const [buffer, fill] = [buffers[turn], fillers[turn]!];
      turn = turn === 0 ? 1 : 0;
      const random = randomAt(seed, training, step);
      for (let task = 0; task < tasks; task++) {
        const given = least + random.below(context - least + 1);
        fill(task, drawSinusoid(random), given, () => between(range.x, random));
      }
      return buffer;
    },
  };
}

/** The query points alone, for a network that is told nothing of the task. */
export function plainBatches(
  sizes: FewShotSizes,
  { seed }: { readonly seed: number },
): Batches<{ readonly input: NdArray; readonly target: NdArray }> {
  const { size, perEpoch, spec, at } = sinusoidBatches(sizes, { seed, least: sizes.context });
  return {
    size,
    perEpoch,
    spec: { input: spec.input.input, target: spec.target },
    at: (step) => {
      const { input, target } = at(step);
      return { input: input.input, target };
    },
  };
}

/**
 * Fixed tasks that no training batch holds, each with exactly `shots` context points in room for `context`.
 * @param first number of the first task: tasks to choose settings by are others than those to test on
 */
export function sinusoidTests(
  { tasks, context, query }: FewShotSizes,
  { shots, size, first = 0 }: { readonly shots: number; readonly size: number; readonly first?: number },
): {
  readonly examples: FewShot<NdArray>;
  readonly batches: EvalBatches<FewShot<NdArray>>;
  readonly tasks: readonly Sinusoid[];
} {
  const examples = fewShotArrays(tasks, context, query);
  const fill = fillerOf(examples);
  const drawn = Array.from({ length: tasks }, (_, task) => {
    // All places are drawn whatever the number of shots: tasks and query points are the same for each.
    const random = randomAt(0, testing, first + task);
    const own = drawSinusoid(random);
    fill(task, own, shots, () => between(range.x, random));
    return own;
  });
  return { examples, batches: evalBatches(examples, size), tasks: drawn };
}

function fewShotArrays(tasks: number, context: number, query: number): FewShot<NdArray> {
  const zeros = (...shape: number[]) => ndarray(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  return {
    input: { code: { points: zeros(tasks, context, 2), mask: zeros(tasks, context) }, input: zeros(tasks, query, 1) },
    target: zeros(tasks, query, 1),
  };
}

const specOf = ({ input: { code, input }, target }: FewShot<NdArray>): FewShot<Aval> => {
  const aval = ({ dtype, shape }: NdArray): Aval => ({ dtype, shape });
  return {
    input: { code: { points: aval(code.points), mask: aval(code.mask) }, input: aval(input) },
    target: aval(target),
  };
};

/** Writes one task into its row: `x` draws the context's places, then the queries'. */
const fillerOf = ({ input: { code, input }, target }: FewShot<NdArray>) => {
  const [context, query] = [code.mask.shape[1]!, input.shape[1]!];
  return (task: number, own: Sinusoid, given: number, x: () => number): void => {
    for (let i = 0; i < context; i++) {
      const place = x();
      const at = task * context + i;
      const shown = i < given;
      code.mask.data[at] = shown ? 1 : 0;
      code.points.data[2 * at] = shown ? place : 0;
      code.points.data[2 * at + 1] = shown ? sinusoid(own, place) : 0;
    }
    for (let i = 0; i < query; i++) {
      const place = x();
      input.data[task * query + i] = place / halfRange;
      target.data[task * query + i] = sinusoid(own, place);
    }
  };
};

import { codes, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import type { NdArray } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import { concatenation, matched } from './concatenation.ts';
import { fineTune } from './fineTuning.ts';
import type { Experiment, Figures, Picture, Recipe, RunFlags, Settings, Trial, TrialResult } from './recipe.ts';
import {
  type FewShot,
  halfRange,
  plainBatches,
  sinusoidBatches,
  sinusoidTests,
  sinusoid as value,
} from './tasks/sinusoids.ts';

const options = {
  control: { default: true, help: 'also train a conditional neural process, and a network to fine-tune' },
  tasks: { default: 64, least: 1, whole: true, help: 'fresh tasks in a batch' },
  query: { default: 10, least: 1, whole: true, help: 'points of each task that its network is trained on' },
  width: { default: 128, least: 1, whole: true, help: 'width of the set encoder, and of its code' },
  hidden: { default: 64, least: 1, whole: true, help: 'width of the layer between code and weights' },
  learningRate: { default: 0.002, least: 0, help: 'first learning rate of Adam, which falls to 0 by cosine' },
};

const steps = 12_000;
const context = 10;
/** What is promised of a whole run. */
const promised = { 'test.mse5': 0.05, 'test.mse10': 0.015 } as const;

async function prepare(settings: Settings, { seed, steps: asked = steps }: RunFlags): Promise<Experiment> {
  const [tasks, query, width] = [Number(settings.tasks), Number(settings.query), Number(settings.width)];
  // Mean squares of x and y are 8.3 and 4.3.
  const encoder = codes.setEncoder({ in: 2, hidden: [width, width, width], size: width, pointMoment: 6.3 });
  const target = nn.mlp({ in: 1, hidden: [40, 40], out: 1 });
  const model = hypernetwork(target, { code: encoder, head: heads.dense({ hidden: [Number(settings.hidden)] }) });
  const parameters = nn.countParams(model.spec);
  const process = matched(parameters, (n) => concatenation({ code: encoder, in: 1, hidden: [n, n, n], out: 1 }));

  const training = {
    loss: nn.losses.mse,
    optimizer: optim.adam(optim.cosine({ initial: Number(settings.learningRate), end: 0, steps: asked })),
    steps: asked,
  };
  const sizes = { tasks, context, query };
  const test = (shots: number, { count = 1_000, first = 0 } = {}) =>
    sinusoidTests({ tasks: count, context, query: 100 }, { shots, first, size: 100 });
  /** A model that reads the context points of a task, as the hypernetwork and the neural process do. */
  const reader = (reading: Trainable): Pick<Trial, 'model' | 'train' | 'measure'> => ({
    model: reading,
    train: (session) => session.train(reading, { ...training, data: sinusoidBatches(sizes, { seed, least: 3 }) }),
    measure: (run) => fewShot(run, test),
  });
  const main: Trial = {
    ...reader(model),
    name: 'main',
    title: 'hypernetwork',
    codes: [5, 10].map((shots) => ({
      name: `${shots}points`,
      code: taskOf(test(shots, { count: 1 }).examples, 0).code,
    })),
    exampleInput: taskOf(test(10, { count: 1 }).examples, 0).input,
    examples: test(10, { count: 100 }).batches,
    loss: nn.losses.mse,
  };
  const cnp: Trial = { ...reader(process), name: 'cnp', title: 'conditional neural process' };
  const tuned: Trial = {
    name: 'fineTuning',
    title: 'fine-tuned network',
    model: target,
    train: (session) => session.train(target, { ...training, data: plainBatches(sizes, { seed }) }),
    measure: async (run) => {
      // Step size and number of steps are those that are best on tasks of their own.
      const tuned = (shots: number) =>
        fineTune(run, target, {
          choose: test(shots, { count: 100, first: 1_000 }).examples,
          test: test(shots).examples,
        });
      const [five, ten] = [await tuned(5), await tuned(10)];
      return { mse5: five.mse, mse10: ten.mse, steps10: ten.steps, rate10: ten.rate };
    },
  };
  return {
    trials: settings.control === false ? [main] : [main, cnp, tuned],
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'mse5', title: 'MSE from 5 points', format: 'number' },
      { metric: 'mse10', title: 'MSE from 10 points', format: 'number' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    published: [
      { title: 'MAML, in PyTorch (github.com/63days/Meta-SGD)', cells: ['', '', '0.6702', ''] },
      { title: 'Meta-SGD, in PyTorch (github.com/63days/Meta-SGD)', cells: ['', '', '0.3145', ''] },
    ],
    counts: {
      'params.total': parameters,
      'params.generated': nn.countParams(model.generated),
      'params.cnp': nn.countParams(process.spec),
    },
    pictures: (results) => pictures(results, test),
    judge: (metrics) => {
      if (!asShipped(options, settings)) return undefined;
      const short = Object.entries(promised).find(([name, most]) => !((metrics[name] ?? Infinity) <= most));
      return (
        short && `sinusoid: expected ${short[0]} of at most ${short[1]}, got ${metrics[short[0]]?.toFixed(4) ?? 'none'}`
      );
    },
  };
}

type Tests = (
  shots: number,
  options?: { readonly count?: number; readonly first?: number },
) => ReturnType<typeof sinusoidTests>;

/** Errors on 1,000 unseen tasks, at 100 points each, from 5 points and from 10. */
async function fewShot(run: Run<Trainable>, test: Tests): Promise<Figures> {
  const metrics = { mse: nn.losses.mse };
  const [five, ten] = [await run.evaluate(test(5).batches, metrics), await run.evaluate(test(10).batches, metrics)];
  return { mse5: five.mse!, mse10: ten.mse! };
}

/** One task of many, without the leading axis. */
function taskOf({ input: { code, input } }: FewShot<NdArray>, task: number) {
  const row = ({ dtype, shape, data }: NdArray): NdArray => {
    const length = data.length / shape[0]!;
    return { dtype, shape: shape.slice(1), data: data.slice(task * length, (task + 1) * length) as NdArray['data'] };
  };
  return { code: { points: row(code.points), mask: row(code.mask) }, input: row(input) };
}

/** Curves of unseen tasks: the true one, and what each model makes of five points of it. */
async function pictures(results: readonly TrialResult[], test: Tests): Promise<Picture[]> {
  const [{ plot }, { colourOf, palette }] = await Promise.all([
    import('../report/charts.ts'),
    import('../report/palette.ts'),
  ]);
  const xs = Float32Array.from({ length: 201 }, (_, i) => i / 100 - 1);
  const grid: NdArray = { dtype: 'float32', shape: [xs.length, 1], data: xs };
  const shown = results.filter(({ trial }) => trial.name !== 'fineTuning');
  const made: Picture[] = [];
  for (const [shots, task] of [
    [5, 0],
    [5, 1],
    [10, 2],
    [10, 3],
  ] as const) {
    const { examples, tasks } = test(shots, { count: 4 });
    const { code } = taskOf(examples, task);
    const lines = await Promise.all(
      shown.map(async ({ trial, run }, index) => {
        const { data } = (await run.apply({ code, input: grid })) as NdArray;
        return {
          name: trial.title,
          points: Array.from(xs, (x, i): [number, number] => [x * halfRange, data[i]!]),
          colour: colourOf(index),
        };
      }),
    );
    made.push({
      name: `task${task}.svg`,
      caption: `An unseen task from ${shots} points.`,
      content: plot(
        `from ${shots} points`,
        [
          {
            name: 'true curve',
            points: Array.from(xs, (x): [number, number] => [x * halfRange, value(tasks[task]!, x * halfRange)]),
            colour: palette.ink,
            dashed: true,
          },
          ...lines,
          {
            name: 'given points',
            points: Array.from({ length: shots }, (_, i): [number, number] => [
              code.points.data[2 * i]!,
              code.points.data[2 * i + 1]!,
            ]),
            colour: palette.ink,
            mark: 'points',
            size: 9,
          },
        ],
        { x: 'x' },
      ),
    });
  }
  return made;
}

/** Few-shot regression of Finn et al. 2017, section 5.1: a whole network is generated from a few points of its curve. */
export const sinusoid: Recipe = {
  name: 'sinusoid',
  summary: 'few-shot regression: a set encoder and a head generate all 1,761 weights of a network from a few points',
  reference:
    'task of Finn et al. 2017 (arXiv 1703.03400), section 5.1; the conditional neural process is that of Garnelo et al. 2018',
  options,
  seeds: 3,
  prepare,
};

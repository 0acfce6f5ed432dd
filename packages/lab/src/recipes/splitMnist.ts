import { codes, heads, hypernetwork, remember } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { mul, type NdArray, ndarray, oneHot, reshape, sum, type Tensor } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import type { Experiment, Figures, Recipe, RunFlags, Session, SessionTrainOptions, Settings, Trial } from './recipe.ts';
import { splitPictures } from './splitPictures.ts';
import { dataOption, readImages } from './tasks/images.ts';
import { classifier, exampleBatches, oneImage, pairTasks, shareRight, taskBatches } from './tasks/imageTasks.ts';
import { xavier } from './xavier.ts';

const forms = { short: { steps: 400, floor: 0.99 }, full: { steps: 2_000, floor: 0.995 } };

const options = {
  full: { default: false, help: 'the published schedule: 2,000 steps for each task' },
  control: { default: true, help: 'also without holding, an ordinary network, and all tasks at once' },
  data: dataOption(),
  beta: { default: 0.01, least: 0, help: 'how strongly the networks of old tasks are held' },
  batch: { default: 128, least: 1, whole: true, help: 'images in a batch' },
  learningRate: { default: 0.001, least: 0, help: 'learning rate of Adam, which starts afresh with each task' },
  lookahead: { default: true, help: 'whether the regulariser looks where the step on the new task would lead' },
  sample: { default: 0, least: 0, whole: true, help: 'old networks to hold at each step, drawn anew (0: all)' },
};

/** The models of von Oswald et al. 2020 for images of so many pixels: the target, and the hypernetwork in front of it. */
export function splitModels(pixels: number, tasks: number) {
  const target = nn.mlp({ in: pixels, hidden: [400, 400], out: 2 * tasks });
  const model = hypernetwork(nn.each(target), {
    code: codes.embeddings({ count: tasks, size: 96 }),
    head: heads.chunked({ chunk: 42_000, embedding: 96, hidden: [10, 10], normalise: false, init: xavier }),
  });
  return { target, model };
}

/** What of the outputs [n, 2 tasks] is of one task: two logits for each image, [n, 2]. */
const logitsOf = (outputs: Tensor, task: Tensor): Tensor => {
  const [n, width] = outputs.shape as [number, number];
  const chosen = reshape(oneHot(task, width / 2), [1, width / 2, 1]);
  return sum(mul(reshape(outputs, [n, width / 2, 2]), chosen), { axis: 1 });
};

const loss = (outputs: Tensor, { task, label }: { readonly task: Tensor; readonly label: Tensor }): Tensor =>
  nn.losses.crossEntropy(logitsOf(outputs, task), label);

const positions = (values: readonly number[]): NdArray => ndarray(Int32Array.from(values), [values.length]);

/** Accuracies of every task, a row after each task. */
export type Progress = readonly (readonly number[])[];

async function prepare(settings: Settings, { seed, steps: asked, signal }: RunFlags): Promise<Experiment> {
  const { steps: own, floor } = settings.full === true ? forms.full : forms.short;
  const set = await readImages(String(settings.data), { channels: 1, signal });
  const tasks = pairTasks(set);
  const { target, model } = splitModels(set.channels * set.height * set.width, tasks.length);
  const sample = Number(settings.sample);
  const memory = remember(model, {
    beta: Number(settings.beta),
    lookahead: settings.lookahead === true,
    ...(sample > 0 && { sample }),
  });
  const training = (chosen: readonly number[]): SessionTrainOptions => ({
    data: taskBatches(tasks, chosen, { size: Number(settings.batch), seed }),
    loss: loss as SessionTrainOptions['loss'],
    optimizer: optim.adam(Number(settings.learningRate)),
    steps: asked ?? own,
  });
  const all = [...tasks.keys()];
  const classify = classifier(logitsOf);
  const measured = async (run: Run<Trainable>): Promise<number[]> => {
    const shares: number[] = [];
    for (const [task, { test }] of tasks.entries())
      shares.push(shareRight(await classify(run, task, test.images), test));
    return shares;
  };
  const progress = new Map<string, number[][]>();

  /** One task after another; `held` says whether the networks of those before are held. */
  const sequential = (name: string, title: string, own: Trainable, held: boolean): Trial => {
    const after: number[][] = [];
    progress.set(name, after);
    return {
      name,
      title,
      model: own,
      train: async (session: Session) => {
        after.length = 0;
        let run = await session.train(own, training([0]), 'task1');
        after.push(await measured(run));
        for (const task of all.slice(1)) {
          const old = positions(all.slice(0, task));
          const regularizer = held && memory.regularizer(old, await run.call(memory.snapshot, old));
          const next = { ...training([task]), initial: run.params, ...(regularizer && { regularizer }) };
          await run.dispose();
          run = await session.train(own, next, `task${task + 1}`);
          after.push(await measured(run));
        }
        return run;
      },
      measure: async (run) => figures(await measured(run), after),
    };
  };
  const main: Trial = {
    ...sequential('main', 'one after another, held', model as unknown as Trainable, true),
    codes: tasks.map(({ name }, task) => ({ name, code: ndarray(new Int32Array([task]), []) })),
    exampleInput: oneImage(tasks[0]!.test),
    examples: exampleBatches(tasks, 32),
    loss: loss as SessionTrainOptions['loss'],
  };
  const joint: Trial = {
    name: 'joint',
    title: 'all tasks at once',
    model: model as unknown as Trainable,
    train: (session) => session.train(model as unknown as Trainable, training(all)),
    measure: async (run) => figures(await measured(run), []),
  };
  const judged = asShipped(options, settings, ['full', 'control']);
  return {
    trials:
      settings.control === false
        ? [main]
        : [
            main,
            sequential('forgetting', 'one after another, not held', model as unknown as Trainable, false),
            sequential('ordinary', 'an ordinary network, a head for each task', plain(target), false),
            joint,
          ],
    counts: {
      'params.total': nn.countParams(model.spec),
      'params.generated': nn.countParams(model.generated),
      'params.separate': tasks.length * nn.countParams(target.spec),
    },
    ...(set.digest !== undefined && { read: { data: set.digest } }),
    notes: set.notes,
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'accuracy', title: 'accuracy after all tasks', format: 'percent' },
      { metric: 'learned', title: 'just after each task', format: 'percent' },
      { metric: 'forgotten', title: 'forgotten', format: 'percent' },
      { metric: 'worst', title: 'worst task', format: 'percent' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    ...(set.name === 'MNIST' && {
      published: [{ title: 'von Oswald et al. 2020, task known', cells: ['465,672', '99.79 %', '', '', '', ''] }],
    }),
    pictures: (results) => splitPictures(results, { tasks, progress, classify, set }),
    judge: (metrics) => (judged ? missing(metrics, floor, settings.control !== false) : undefined),
  };
}

/** An ordinary network as a model that is told the task and does not use it: only the loss knows whose outputs count. */
const plain = (target: nn.Module<nn.MlpSpec>): Trainable => {
  const points = nn.each(target);
  return nn.defineModule({
    name: 'ordinary',
    spec: target.spec,
    apply: (params: never, { input }: { readonly input: Tensor }) => points.apply(params, input),
  }) as unknown as Trainable;
};

/** Figures of a trial: accuracies at the end, and what of those just after each task is lost. */
function figures(last: readonly number[], after: Progress): Figures {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const learned = after.map((row, task) => row[task]!);
  return {
    accuracy: mean(last),
    worst: Math.min(...last),
    ...Object.fromEntries(last.map((share, task) => [`accuracy.task${task + 1}`, share])),
    // A run that was stopped has not learned all of them.
    ...(learned.length === last.length && {
      learned: mean(learned),
      forgotten: mean(learned) - mean(last),
      ...Object.fromEntries(learned.map((share, task) => [`learned.task${task + 1}`, share])),
    }),
  };
}

/** What is missing of what the recipe promises. */
function missing(metrics: Figures, floor: number, controls: boolean): string | undefined {
  const percent = (share: number | undefined) => `${(100 * (share ?? Number.NaN)).toFixed(2)} %`;
  const reached = metrics['test.accuracy'];
  if (!(reached! >= floor))
    return `split-mnist: expected an average accuracy of at least ${percent(floor)}, got ${percent(reached)}`;
  const forgetting = metrics['forgetting.test.accuracy'];
  return !controls || forgetting! < reached!
    ? undefined
    : `split-mnist: expected less without holding, got ${percent(forgetting)} beside ${percent(reached)}`;
}

/** von Oswald et al. 2020, section 4.2: Split-MNIST by a hypernetwork that holds the networks of old tasks. */
export const splitMnist: Recipe = {
  name: 'split-mnist',
  summary: 'five pairs of digits one after another: a chunked hypernetwork that does not forget, and networks that do',
  reference:
    'von Oswald et al. 2020 (arXiv 1906.00695), Split-MNIST, task known (CL1): average accuracy 99.79 % with 465,672 parameters',
  options,
  prepare,
};

import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { ArgumentError, type NdArray, type Tensor } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import { matched } from './concatenation.ts';
import { fashionPictures } from './fashionPictures.ts';
import type { Experiment, Figures, Recipe, RunFlags, SessionTrainOptions, Settings, Trial } from './recipe.ts';
import { dataOption, type ImageSet, readImages } from './tasks/images.ts';
import {
  classifier,
  exampleBatches,
  type ImageTask,
  index,
  oneImage,
  shareRight,
  taskBatches,
} from './tasks/imageTasks.ts';
import { leNet, leNetHypers, type Sizes, separateNets, sharedBody, toldNet } from './tasks/twoSets.ts';

const forms = {
  short: { steps: 1_200, floors: [0.985, 0.86] },
  full: { steps: 3_000, floors: [0.9879, 0.8685] },
} as const;

const options = {
  full: { default: false, help: 'more steps, up to the published figures' },
  control: {
    default: true,
    help: 'also a small head, separate networks, one network for both, and codes that say nothing',
  },
  first: dataOption('mnist'),
  second: dataOption('fashion'),
  code: { default: 8, least: 1, whole: true, help: 'numbers in the code of a set' },
  hidden: { default: 100, least: 1, whole: true, help: 'width of the two layers between a code and the weights' },
  batch: { default: 64, least: 1, whole: true, help: 'images of each set in a batch' },
  learningRate: {
    default: 0.0003,
    least: 0,
    help: 'first learning rate of Adam, which falls to 0 by cosine; ten times that for the controls, which no wide layer makes move fast',
  },
};

/** The set of a setting; what is wrong is said of that setting. */
async function setOf(key: 'first' | 'second', settings: Settings, signal?: AbortSignal): Promise<ImageSet> {
  try {
    return await readImages(String(settings[key]), { channels: 1, signal });
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replace('--set data', `--set ${key}`);
    throw error;
  }
}

/** Two sets that a person can tell apart: folders may have one name. */
function apart(sets: readonly [ImageSet, ImageSet]): readonly [ImageSet, ImageSet] {
  const [first, second] = sets;
  if (first.name !== second.name) return sets;
  return [
    { ...first, name: `${first.name} (first)` },
    { ...second, name: `${second.name} (second)` },
  ];
}

async function prepare(settings: Settings, { seed, steps: asked, signal }: RunFlags): Promise<Experiment> {
  const { steps: own, floors } = settings.full === true ? forms.full : forms.short;
  const steps = asked ?? own;
  const sets = apart([await setOf('first', settings, signal), await setOf('second', settings, signal)]);
  const [{ channels, height, width }, other] = sets;
  if (other.channels !== channels || other.height !== height || other.width !== width) {
    const size = (set: ImageSet) => `${set.channels} x ${set.height} x ${set.width}`;
    throw new ArgumentError(
      `--set second: expected images of ${size(sets[0])} as in ${sets[0].name}, got ${size(other)}`,
    );
  }
  const sizes: Sizes = {
    channels,
    height,
    width,
    classes: Math.max(...sets.map(({ classes }) => classes.length)),
    tasks: sets.length,
  };
  const code = Number(settings.code);
  const hypers = leNetHypers(sizes, { code, hidden: Number(settings.hidden) });
  const compact = nn.countParams(hypers.chunked.spec);
  const told = matched(compact, (width) => toldNet(sizes, { code, width }));
  const all = [...sets.keys()];
  const classify = classifier();
  const rate = Number(settings.learningRate);
  const training = (rate: number, blind: boolean): SessionTrainOptions => ({
    data: taskBatches(sets, all, { size: Number(settings.batch), seed, blind }),
    loss: loss as SessionTrainOptions['loss'],
    optimizer: optim.adam(optim.cosine({ initial: rate, end: 0, steps })),
    steps,
  });
  const trial = (name: string, title: string, model: unknown, own: number, blind = false): Trial => ({
    name,
    title,
    model: model as Trainable,
    train: (session) => session.train(model as Trainable, training(own, blind)),
    measure: (run) => figures(run, sets, classify),
  });
  const main: Trial = {
    ...trial('main', 'hypernetwork', hypers.dense, rate),
    codes: sets.map(({ name }, task) => ({ name, code: index(task) as NdArray })),
    exampleInput: oneImage(sets[0].test),
    examples: exampleBatches(sets, 32),
    loss: loss as SessionTrainOptions['loss'],
  };
  const controls = [
    trial('small', 'small hypernetwork, in chunks', hypers.chunked, 10 * rate),
    trial('separate', 'two networks', separateNets(sizes), 10 * rate),
    trial('told', 'one network, told the code', told, 10 * rate),
    trial('body', 'one network, a last layer for each', sharedBody(sizes), 10 * rate),
    trial('blind', 'the small one, codes at random', hypers.chunked, 10 * rate, true),
  ];
  const judged = asShipped(options, settings, ['full', 'control']);
  const digests = Object.entries({ first: sets[0].digest, second: sets[1].digest }).flatMap(([key, digest]) =>
    digest === undefined ? [] : [[key, digest] as const],
  );
  return {
    trials: settings.control === false ? [main] : [main, ...controls],
    counts: {
      'params.total': nn.countParams(hypers.dense.spec),
      'params.generated': sizes.tasks * nn.countParams(hypers.dense.generated),
      'params.each': nn.countParams(leNet(sizes).spec),
    },
    ...(digests.length > 0 && { read: Object.fromEntries(digests) }),
    notes: sets.flatMap(({ notes }) => notes),
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'first.accuracy', title: sets[0].name, format: 'percent' },
      { metric: 'second.accuracy', title: sets[1].name, format: 'percent' },
      { metric: 'exchanged', title: 'codes exchanged', format: 'percent' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    ...(settings.first === 'mnist' &&
      settings.second === 'fashion' && {
        published: [{ title: 'hypnettorch, its tutorial', cells: ['2,216,856', '98.79 %', '86.85 %', '', ''] }],
      }),
    pictures: (results) => fashionPictures(results, { sets, classify, anyCode: hypers.anyCode }),
    judge: (metrics) => (judged ? missing(metrics, floors) : undefined),
  };
}

const loss = (logits: Tensor, { label }: { readonly label: Tensor }): Tensor => nn.losses.crossEntropy(logits, label);

/** Accuracies on both sets, each with its own code and, as a mean, with the other's. */
async function figures(
  run: Run<Trainable>,
  tasks: readonly ImageTask[],
  classify: ReturnType<typeof classifier>,
): Promise<Figures> {
  const shares: number[] = [];
  const exchanged: number[] = [];
  for (const [task, { test }] of tasks.entries()) {
    shares.push(shareRight(await classify(run, task, test.images), test));
    exchanged.push(shareRight(await classify(run, task, test.images, index(1 - task)), test));
  }
  const mean = ([a, b]: readonly number[]) => (a! + b!) / 2;
  return {
    accuracy: mean(shares),
    'first.accuracy': shares[0]!,
    'second.accuracy': shares[1]!,
    exchanged: mean(exchanged),
  };
}

/** What is missing of what the recipe promises. */
function missing(metrics: Figures, floors: readonly [number, number]): string | undefined {
  const percent = (share: number | undefined) => `${(100 * (share ?? Number.NaN)).toFixed(2)} %`;
  for (const [i, key] of (['first', 'second'] as const).entries()) {
    const reached = metrics[`test.${key}.accuracy`];
    if (!(reached! >= floors[i]!))
      return `mnist-fashion: expected an accuracy on the ${key} set of at least ${percent(floors[i])}, got ${percent(reached)}`;
  }
  const exchanged = metrics['test.exchanged'];
  return exchanged! < 0.5
    ? undefined
    : `mnist-fashion: expected less than half right with codes exchanged, got ${percent(exchanged)}`;
}

/** One hypernetwork for two sets of images, with a code of eight numbers for each: the tutorial of hypnettorch. */
export const mnistFashion: Recipe = {
  name: 'mnist-fashion',
  summary: 'one hypernetwork with two codes: digits and clothes, each by a LeNet that is generated for it',
  reference:
    'hypnettorch (von Oswald et al.), tutorials/getting_started.ipynb: 98.79 % on MNIST and 86.85 % on Fashion-MNIST after 10 epochs',
  options,
  prepare,
};

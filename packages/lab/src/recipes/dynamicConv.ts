import { batches, evalBatches } from 'hyperloom/data';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import type { Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import { dynamicPictures } from './dynamicPictures.ts';
import type { Experiment, Recipe, RunFlags, SessionTrainOptions, Settings, Trial } from './recipe.ts';
import { supervised } from './supervised.ts';
import { cluttered } from './tasks/clutteredDigits.ts';
import { type Classifier, type Networks, networks } from './tasks/dynamicNets.ts';
import { dataOption, readImages } from './tasks/images.ts';

const forms = { short: { steps: 1_000, images: 20_000 }, full: { steps: 1_500, images: 50_000 } };

const options = {
  full: { default: false, help: 'more images and steps: 50,000 and 1,500' },
  control: {
    default: true,
    help: 'also mixtures of kernels, filters for each place, and static networks of equal multiply-adds or parameters',
  },
  data: dataOption(),
  variation: { default: 0, least: 0, whole: true, help: 'which turns, scales, places and clutter are drawn' },
  images: {
    default: 0,
    least: 0,
    whole: true,
    help: 'training images to make (0: 20,000, or 50,000 in the full form)',
  },
  batch: { default: 64, least: 1, whole: true, help: 'images in a batch' },
  learningRate: { default: 0.01, least: 0, help: 'first learning rate of Adam, which falls to 0 by cosine' },
};

/** Images to test on, and to look at while training. */
const [testImages, validationImages] = [4_000, 1_000];

/** How much larger the canvas is than the images. */
const margin = 40 / 28;

const titles: Readonly<Record<keyof Networks, string>> = {
  full: 'whole kernels from the image',
  condConv: 'CondConv: 4 experts, sigmoid',
  dyConv: 'DyConv: 4 experts, softmax',
  filters: 'filters for each place',
  equalWork: 'static, of equal multiply-adds',
  equalParameters: 'static, of equal parameters',
};

/** The main trial is the first; its network is `full`. */
const trialName = (name: string): string => (name === 'full' ? 'main' : name);

async function prepare(settings: Settings, { seed, steps: asked, signal }: RunFlags): Promise<Experiment> {
  const form = settings.full === true ? forms.full : forms.short;
  const set = await readImages(String(settings.data), { channels: 1, signal });
  const canvas = Math.round(margin * Math.max(set.height, set.width));
  const variation = 3 * Number(settings.variation);
  // Parts have variations of their own, beside real images of their own.
  const training = cluttered(set.training, {
    count: Number(settings.images) || Math.min(form.images, 4 * set.training.labels.data.length),
    variation,
    canvas,
  });
  const validation = cluttered(set.validation, { count: validationImages, variation: variation + 1, canvas });
  const test = cluttered(set.test, { count: testImages, variation: variation + 2, canvas });

  const steps = asked ?? form.steps;
  const temperature = { from: 30, to: 1, steps: Math.max(1, Math.round(steps / 3)) };
  const nets = networks({ channels: set.channels, canvas, classes: set.classes.length }, temperature);
  const metrics = { loss: nn.losses.crossEntropy, accuracy: nn.metrics.accuracy };
  const examples = ({ images, labels }: typeof training) => ({ input: images, target: labels });
  const own: SessionTrainOptions = {
    data: batches(examples(training), { size: Number(settings.batch), seed }),
    loss: nn.losses.crossEntropy,
    optimizer: optim.adam(optim.cosine({ initial: Number(settings.learningRate), end: 0, steps })),
    steps,
    evaluate: { data: evalBatches(examples(validation), 250), metrics, every: Math.ceil(steps / 3) },
  };
  const trialOf = (name: string, { model, parameters, multiplyAdds }: Classifier): Trial => {
    const trial = supervised({
      name: trialName(name),
      title: titles[name as keyof Networks],
      model: model as unknown as Trainable,
      parameters,
      training: own,
      test: evalBatches(examples(test), 250),
      metrics,
    });
    return { ...trial, measure: async (run, session) => ({ ...(await trial.measure(run, session)), multiplyAdds }) };
  };
  const [main, ...others] = Object.entries(nets)
    .filter(([name]) => settings.control !== false || name === 'full')
    .map(([name, net]) => trialOf(name, net as Classifier)) as [Trial, ...Trial[]];
  const judged = asShipped(options, settings, ['full', 'control']);
  return {
    trials: [main, ...others],
    ...(set.digest !== undefined && { read: { data: set.digest } }),
    notes: set.notes,
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'multiplyAdds', title: 'multiply-adds', format: 'integer' },
      { metric: 'error', title: 'test error', format: 'percent' },
      { metric: 'loss', title: 'test loss', format: 'number' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    counts: Object.fromEntries(
      Object.entries(nets).flatMap(([name, { parameters, multiplyAdds }]) => [
        [`params.${name}`, parameters],
        [`multiplyAdds.${name}`, multiplyAdds],
      ]),
    ),
    pictures: (results) => dynamicPictures(results, { nets, test, classes: set.classes }),
    judge: (figures) => (judged ? judge(figures, settings.control !== false) : undefined),
  };
}

/** What the recipe promises of mean test errors. */
function judge(figures: Readonly<Record<string, number>>, controls: boolean): string | undefined {
  const own = figures['test.error']!;
  const bound = controls ? figures['equalWork.test.error']! : 0.27;
  return own <= bound
    ? undefined
    : `dynamic-conv: expected a test error of at most ${(100 * bound).toFixed(2)} %, got ${(100 * own).toFixed(2)} %`;
}

/** Classification of cluttered digits by convolutions whose kernels depend on the image. */
export const dynamicConv: Recipe = {
  name: 'dynamic-conv',
  summary:
    'cluttered, turned and scaled digits: kernels from the image in four ways, and static networks of equal size',
  reference:
    'layers of Yang et al. 2019 (CondConv), Chen et al. 2020 (dynamic convolution), De Brabandere et al. 2016 (dynamic filters); their figures are of other data',
  options,
  prepare,
};

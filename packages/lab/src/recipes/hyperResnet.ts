import { batches, type EvalBatches, evalBatches } from 'hyperloom/data';
import { type HyperResNet, hyperResNet } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { programCost, type Tensor, trace } from 'hyperloom/tensor';
import { asShipped } from './asShipped.ts';
import { classPictures } from './confusion.ts';
import { generatorPictures } from './hyperResnetPictures.ts';
import type {
  Experiment,
  Figures,
  Recipe,
  RunFlags,
  SessionTrainOptions,
  Settings,
  Trial,
  TrialResult,
} from './recipe.ts';
import { supervised } from './supervised.ts';
import { dataOption, type ImageSet, type LabelledImages, readImages } from './tasks/images.ts';

const options = {
  full: { default: false, help: 'two passes over the training images in place of one' },
  control: { default: true, help: 'also train the same network directly, and a narrower one of as many parameters' },
  data: dataOption(),
  width: { default: 1, least: 1, whole: true, help: 'by how much the network is wider than 16, 32 and 64 channels' },
  depth: { default: 16, least: 10, whole: true, help: 'layers of the network: 6 n + 4' },
  embedding: {
    default: 32,
    least: 1,
    whole: true,
    help: 'numbers in the embedding z of each basic kernel; 64 in the paper',
  },
  stride: { default: 2, least: 1, whole: true, help: 'stride of the first convolution' },
  batch: { default: 64, least: 1, whole: true, help: 'examples in a batch; all where there are fewer' },
  epochs: {
    default: 0,
    least: 0,
    help: 'passes over the training images (0: 1, or 2 in the full form; of a small set as many as make 800 steps)',
  },
  learningRate: { default: 0.003, least: 0, help: 'first learning rate of Adam, falling to 0 by cosine' },
};

/** Steps that a small set is trained for. */
const leastSteps = 800;

/** Least test accuracy of the hyper network on MNIST, in percent, of the two forms as they stand. */
const floors = { default: 98.3, full: 98.8 };

type Net = nn.Module<nn.WideResNetSpec>;

async function prepare(settings: Settings, { seed, steps: asked, signal }: RunFlags): Promise<Experiment> {
  const full = settings.full === true;
  const judged = asShipped(options, settings, ['full', 'control']);
  const set = await readImages(String(settings.data), { size: 28, channels: 1, signal });
  const [depth, width, embedding, stride] = (['depth', 'width', 'embedding', 'stride'] as const).map((key) =>
    Number(settings[key]),
  ) as [number, number, number, number];
  const form = { depth, in: set.channels, classes: set.classes.length, stride };
  const model = hyperResNet({ ...form, width, embedding });
  const narrow = narrowNet(form, nn.countParams(model.spec));
  const rate = Number(settings.learningRate);
  const size = Math.min(Number(settings.batch), set.training.labels.data.length);
  const metrics = { loss: nn.losses.crossEntropy, accuracy: nn.metrics.accuracy };

  const trial = (own: Pick<Trial, 'name' | 'title' | 'model'>, net: Net): Trial => {
    const read = reading(own.name === 'main');
    const data = batches(read(set.training), { size, seed });
    const epochs = Number(settings.epochs) || Math.max(full ? 2 : 1, leastSteps / data.perEpoch);
    const steps = asked ?? Math.max(1, Math.round(data.perEpoch * epochs));
    const training: SessionTrainOptions = {
      data,
      loss: nn.losses.crossEntropy,
      optimizer: optim.adam(optim.cosine({ initial: rate, end: 0, steps })),
      steps,
      evaluate: { data: tests(read, set.validation), metrics, every: Math.max(20, Math.ceil(steps / 3)) },
    };
    const measured = supervised({ ...own, training, test: tests(read, set.test), metrics });
    return {
      ...measured,
      measure: async (run, session) => ({
        ...(await measured.measure(run, session)),
        multiplyAdds: multiplyAddsOf(net, set),
      }),
    };
  };
  const target = model.target as Net;
  const main = trial({ name: 'main', title: 'hyper residual network', model }, target);
  const direct = trial({ name: 'control', title: 'the same network, trained directly', model: target }, target);
  const small = trial({ name: 'narrow', title: 'a narrower one of as many parameters', model: narrow }, narrow);
  return {
    trials: settings.control === false ? [main] : [main, direct, small],
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'multiplyAdds', title: 'multiply-adds of an image', format: 'integer' },
      { metric: 'error', title: 'test error', format: 'percent' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    published,
    ...(set.digest !== undefined && { read: { data: set.digest } }),
    notes: set.notes,
    pictures: (results) => pictures(results, set, model),
    counts: {
      'params.total': nn.countParams(model.spec),
      'params.direct': nn.countParams(target.spec),
      'params.narrow': nn.countParams(narrow.spec),
      'params.generated': nn.countParams(model.generated),
      'params.generator': nn.countParams(model.spec.head),
      'multiplyAdds.image': multiplyAddsOf(target, set),
      'multiplyAdds.generation': generationOf(model),
    },
    judge: (metrics) => (judged ? missing(metrics, full ? floors.full : floors.default) : undefined),
  };
}

/** What is missing of what the recipe promises: accuracy, and less error than as many parameters give by themselves. */
function missing(metrics: Figures, floor: number): string | undefined {
  const reached = 100 * metrics['test.accuracy']!;
  if (!(reached >= floor))
    return `hyper-resnet: expected a test accuracy of at least ${floor} %, got ${reached.toFixed(2)} %`;
  const alone = metrics['narrow.test.error'];
  if (alone === undefined || metrics['test.error']! < alone) return undefined;
  return `hyper-resnet: expected a test error below that of as many parameters, ${(100 * alone).toFixed(2)} %, got ${(100 - reached).toFixed(2)} %`;
}

/** Not reproduced here: CIFAR-10, 40 layers and 672,000 steps. */
const published = [
  { title: 'CIFAR-10, 40 layers, hyper, Ha et al. 2016', cells: ['97,000', '', '8.02 %', ''] },
  { title: 'CIFAR-10, 40 layers, directly, Ha et al. 2016', cells: ['563,000', '', '6.73 %', ''] },
];

/** Images as the hypernetwork reads them, or as a network by itself does. */
const reading =
  (hyper: boolean) =>
  ({ images, labels }: LabelledImages) => ({ input: hyper ? { input: images } : images, target: labels });

/** Examples to measure on, in batches. */
const tests = <S>(read: (images: LabelledImages) => S, images: LabelledImages): EvalBatches<S> =>
  evalBatches(read(images), Math.min(500, images.labels.data.length));

/** The widest network of this form, channels k, 2 k and 4 k, that has at most so many parameters. */
function narrowNet(form: Pick<nn.WideResNetOptions, 'depth' | 'in' | 'classes' | 'stride'>, most: number): Net {
  const net = (k: number): Net => nn.wideResNet({ ...form, channels: [k, 2 * k, 4 * k] });
  let k = 1;
  while (nn.countParams(net(k + 1).spec) <= most) k += 1;
  return net(k);
}

/** Multiply-adds of a network for one image. */
function multiplyAddsOf(net: Net, { channels, height, width }: ImageSet): number {
  const image = { dtype: 'float32', shape: [channels, height, width] } as const;
  const forward = (params: unknown, x: Tensor) => net.apply(params as never, x, { training: false });
  return programCost(trace(forward as never, net.spec as never, image as never).program).multiplyAdds;
}

/** Multiply-adds of generating all kernels, which a batch or an exported network needs once. */
const generationOf = (model: HyperResNet): number =>
  programCost(trace((params: unknown) => model.generate(params as never), model.spec as never).program).multiplyAdds;

/** Which classes each trial takes for which, the images that it is wrong about, and what the generator makes. */
async function pictures(results: readonly TrialResult[], { test, classes }: ImageSet, model: HyperResNet) {
  const made = [];
  for (const result of results) {
    const read = reading(result.trial.name === 'main');
    made.push(...(await classPictures(result, { test: tests(read, test), images: test, classes })));
  }
  return [...made, ...(await generatorPictures(results[0]!.run, model))];
}

/** Ha, Dai and Le 2016, section 4.2, at a size for two cores. */
export const hyperResnet: Recipe = {
  name: 'hyper-resnet',
  summary: 'a residual network of which one generator makes every 3x3 kernel of its blocks, from 16x16 basic kernels',
  reference:
    'Ha, Dai, Le 2016 (arXiv 1609.09106), section 4.2: CIFAR-10, 40 layers, test error 8.02 % with 0.097M parameters, 6.73 % directly with 0.563M; their data and 672,000 steps are not to be had here, so no row of these figures is reproduced',
  options,
  prepare,
};

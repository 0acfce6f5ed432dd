import { type Batches, batches, evalBatches, rows } from 'hyperloom/data';
import { codes, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { type Example, openRun, type Run, type Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import type { Experiment, Figures, Recipe, RunFlags, Settings, Trial } from './recipe.ts';
import {
  accuracyOf,
  cutOut,
  errorsOf,
  type Found,
  type Known,
  type Measured,
  meanOf,
  shares,
  uniformWidths,
} from './slimMeasures.ts';
import { slimPictures } from './slimPictures.ts';
import { dataOption, readImages } from './tasks/images.ts';
import { costOf, fullWidths, leastWidths, milliseconds, slimNet } from './tasks/slimNet.ts';
import { codeOf, heldOutWidths, rankCorrelation, sandwiches, type Widths } from './tasks/widths.ts';

const options = {
  full: { default: false, help: '24 unseen widths instead of 12, and networks trained from scratch at eight of them' },
  control: { default: true, help: 'also cut one set of weights to all widths, and train a network for each width' },
  data: dataOption(),
  unseen: {
    default: 0,
    least: 0,
    whole: true,
    help: 'architectures to measure that no training of many widths meets (0: 12, or 24 in the full form)',
  },
  batch: { default: 128, least: 4, whole: true, help: 'images in a step; a quarter of them for each of its widths' },
};

const formOf = (full: boolean) =>
  full
    ? { steps: 1_500, unseen: 24, scratch: 8, scratchSteps: 500 }
    : { steps: 1_500, unseen: 12, scratch: 0, scratchSteps: 0 };

const rate = 0.01;

async function prepare(settings: Settings, { seed, steps: asked, signal }: RunFlags): Promise<Experiment> {
  const form = formOf(settings.full === true);
  const set = await readImages(String(settings.data), { signal });
  const size = Math.min(Number(settings.batch), set.training.labels.data.length);
  const unseen = heldOutWidths(seed, Number(settings.unseen) || form.unseen, { least: leastWidths, most: fullWidths });
  const known: Known = {
    set,
    seed,
    steps: asked ?? form.steps,
    scratchSteps: asked ?? form.scratchSteps,
    batch: size - (size % 4),
    unseen,
    scratch: unseen.slice(0, form.scratch),
  };
  const found: Found = { uniform: new Map(), unseen: new Map() };
  const main = slim('main', 'weights generated from the widths', generated, known, found);
  const controls = [
    slim('shared', 'one set of weights, cut', cut, known, found),
    alone(known, found),
    ...(known.scratch.length > 0 ? [scratch(known, found)] : []),
  ];
  const costs = Object.fromEntries(Object.entries(uniformWidths).map(([name, own]) => [name, costOf(set, own)]));
  const costRow = (title: string, figure: 'multiplyAdds' | 'parameters') => ({
    title,
    cells: ['', ...Object.values(costs).map((cost) => cost[figure].toLocaleString('en-US')), '', '', ''],
  });
  return {
    trials: settings.control === false ? [main] : [main, ...controls],
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      ...Object.entries(shares).map(
        ([name, share]) => ({ metric: `error.${name}`, title: `error at ${share}`, format: 'percent' }) as const,
      ),
      { metric: 'error.unseen', title: 'unseen widths', format: 'percent' },
      { metric: 'ms.w25', title: 'ms at 0.25', format: 'number' },
      { metric: 'ms.w100', title: 'ms at 1', format: 'number' },
    ],
    published: [
      costRow('multiply-adds for an image, without closed channels', 'multiplyAdds'),
      costRow('parameters of that network', 'parameters'),
    ],
    ...(set.digest !== undefined && { read: { data: set.digest } }),
    notes: set.notes,
    counts: {
      'params.total': nn.countParams(main.model.spec),
      'params.direct': nn.countParams(slimNet(set, fullWidths, false).spec),
      ...Object.fromEntries(Object.entries(costs).map(([name, cost]) => [`multiplyAdds.${name}`, cost.multiplyAdds])),
    },
    pictures: (results) => slimPictures(results, known, found),
    judge: (metrics) =>
      asShipped(options, settings, ['full', 'control']) ? judged(metrics, settings.control !== false) : undefined,
  };
}

/** A network of gates whose open channels, and perhaps weights, come of a code of widths. */
type Slim = (target: unknown) => Trainable & { readonly materialise: unknown };

/** The mean square of the shares that training draws, from 1/8 to 1, a quarter of them 1/8 and a quarter 1. */
const code = codes.input({ size: fullWidths.length, secondMoment: 0.45 });

/** Types forgotten, which networks in networks make too deep. */
const untyped = hypernetwork as unknown as (target: unknown, options: object) => ReturnType<Slim>;

const generated: Slim = (target) =>
  untyped(target, {
    code,
    head: heads.compose({
      '**.gate': heads.widths(),
      '**': heads.experts({ count: 4, gate: 'softmax', temperature: 0.25, hidden: [32] }),
    }),
  });

/** The same gates over stored weights: Yu et al. 2019, without norms. */
const cut: Slim = (target) => untyped(target, { code, head: heads.widths(), generate: '**.gate' });

const trainingOf = (data: Batches<Example>, steps: number) => ({
  data,
  steps,
  loss: nn.losses.crossEntropy,
  optimizer: optim.adam(optim.cosine({ initial: rate, end: 0, steps })),
});

const imagesOf = ({ set: { training }, batch, seed }: Known) =>
  batches({ input: training.images, target: training.labels }, { size: batch, seed }) as Batches<Example>;

/** A model of all widths: trained on groups of images, a code each, and then a network of one image and one code. */
function slim(name: string, title: string, family: Slim, known: Known, found: Found): Trial {
  const { set, seed, steps, unseen } = known;
  const net = slimNet(set, fullWidths);
  const [model, grouped] = [family(net), family(nn.each(net as never))];
  const image = [set.channels, set.height, set.width];
  const length = image.reduce((n, d) => n * d, 1);
  const { images, labels } = set.test;
  const pixels = Float32Array.from(images.data.subarray(0, length), (byte) => byte * images.scale + images.offset);
  const count = Math.min(256, labels.data.length);
  const all = Object.values(uniformWidths);
  const mixed = Float32Array.from(
    Array.from({ length: count }, (_, i) => [...codeOf(all[i % all.length]!, fullWidths).data]).flat(),
  );
  const probes = {
    input: {
      code: { dtype: 'float32', shape: [count, fullWidths.length], data: mixed } as const,
      input: rows(images, 0, count),
    },
    target: rows(labels, 0, count),
  };
  return {
    name,
    title,
    model,
    codeSize: fullWidths.length,
    codes: Object.entries(uniformWidths).map(([width, own]) => ({ name: width, code: codeOf(own, fullWidths) })),
    exampleInput: { dtype: 'float32', shape: image, data: pixels },
    examples: evalBatches(probes, 64),
    loss: nn.losses.crossEntropy,
    train: async (session) => {
      const range = { least: leastWidths, most: fullWidths, heldOut: unseen };
      const run = await session.train(grouped, trainingOf(sandwiches(imagesOf(known), range, seed), steps));
      const { reason, history } = run;
      return { ...openRun(model, run.params, session.engine, run.step), reason, history };
    },
    measure: async (run, session) => {
      const measured = async (own: Widths): Promise<Measured> => {
        const small = await cutOut(run, own, known);
        return {
          widths: own,
          accuracy: await accuracyOf(small, session, known),
          multiplyAdds: small.multiplyAdds.after,
        };
      };
      const uniforms: Measured[] = [];
      for (const own of all) uniforms.push(await measured(own));
      const others: Measured[] = [];
      for (const own of unseen) others.push(await measured(own));
      found.uniform.set(name, uniforms);
      found.unseen.set(name, others);
      const [narrow, wide] = [await cutOut(run, all[0]!, known), await cutOut(run, fullWidths, known)];
      if (name === 'main') found.narrowest = openRun(narrow.module, narrow.params, session.engine);
      return {
        ...errorsOf(uniforms),
        'error.unseen': 1 - meanOf(others),
        'ms.w25': await milliseconds(narrow, set, session.engine),
        'ms.w100': await milliseconds(wide, set, session.engine),
      };
    },
  };
}

/** A plain network for some widths, trained by itself. */
const plain = (own: Widths, { set }: Known): Trainable => slimNet(set, own, false) as unknown as Trainable;

/** A network of each width, trained by itself for as many steps. */
function alone(known: Known, found: Found): Trial {
  const all = Object.entries(uniformWidths);
  const runs: Run<Trainable>[] = [];
  return {
    name: 'alone',
    title: 'a network of its own for each width',
    model: plain(fullWidths, known),
    parameters: all.reduce((sum, [, own]) => sum + nn.countParams(plain(own, known).spec), 0),
    train: async (session) => {
      for (const [name, own] of all)
        runs.push(await session.train(plain(own, known), trainingOf(imagesOf(known), known.steps), name));
      return runs.at(-1)!;
    },
    measure: async (_, session) => {
      const measured: Measured[] = [];
      for (const [i, [, widths]] of all.entries()) {
        const accuracy = await accuracyOf({ module: runs[i]!.model as never, params: runs[i]!.params }, session, known);
        measured.push({ widths, accuracy, multiplyAdds: costOf(known.set, widths).multiplyAdds });
      }
      found.uniform.set('alone', measured);
      return errorsOf(measured);
    },
  };
}

/**
 * Networks trained from scratch at some of the widths that the hypernetwork never met, and how well its accuracies rank
 * them: SMASH (Brock et al. 2018, section 4.1).
 */
function scratch(known: Known, found: Found): Trial {
  const runs: Run<Trainable>[] = [];
  return {
    name: 'scratch',
    title: 'from scratch at unseen widths',
    model: plain(known.scratch.at(-1)!, known),
    parameters: known.scratch.reduce((sum, own) => sum + nn.countParams(plain(own, known).spec), 0),
    train: async (session) => {
      for (const own of known.scratch) {
        const training = trainingOf(imagesOf(known), known.scratchSteps);
        runs.push(await session.train(plain(own, known), training, own.join('-')));
      }
      return runs.at(-1)!;
    },
    measure: async (_, session) => {
      const measured: Measured[] = [];
      for (const [i, widths] of known.scratch.entries()) {
        const accuracy = await accuracyOf({ module: runs[i]!.model as never, params: runs[i]!.params }, session, known);
        measured.push({ widths, accuracy, multiplyAdds: costOf(known.set, widths).multiplyAdds });
      }
      found.unseen.set('scratch', measured);
      const ranked = (name: string): Figures => {
        const theirs = found.unseen.get(name)?.slice(0, measured.length);
        if (theirs === undefined) return {};
        const of = (all: readonly Measured[]) => all.map(({ accuracy }) => accuracy);
        return { [`rank.${name}`]: rankCorrelation(of(theirs), of(measured)) };
      };
      return { 'error.unseen': 1 - meanOf(measured), ...ranked('main'), ...ranked('shared') };
    },
  };
}

/** What is missing of what the recipe promises. */
function judged(metrics: Figures, controls: boolean): string | undefined {
  const most = (name: string, bound: number): string | undefined =>
    metrics[name]! <= bound
      ? undefined
      : `slimmable: expected ${name} of at most ${bound.toFixed(4)}, got ${metrics[name]?.toFixed(4)}`;
  // Generated weights were better than one set on MNIST at full width alone: no better at 0.25 and at unseen widths, and
  // worse at all widths of Fashion-MNIST, so nothing is promised of those.
  return (
    most('test.error.w100', 0.03) ??
    most('test.error.unseen', 0.06) ??
    (controls ? most('test.error.w100', metrics['shared.test.error.w100']!) : undefined)
  );
}

/** Brock et al. 2018 and Yu et al. 2019: one network that writes the weights of a classifier of any width. */
export const slimmable: Recipe = {
  name: 'slimmable',
  summary: 'weights of a convolutional network of any width from one hypernetwork, and widths that it never met',
  reference:
    'Brock et al. 2018 (arXiv 1708.05344): generated weights rank architectures; Yu et al. 2019 (arXiv 1812.08928), Yu and Huang 2019 (arXiv 1903.05134): one set of weights for every width',
  options,
  prepare,
};

import { evalBatches } from 'hyperloom/data';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { type NdArray, tree } from 'hyperloom/tensor';
import type { Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import { matched } from './concatenation.ts';
import { changed, withLaterCodes } from './laterCodes.ts';
import type { Experiment, Recipe, RunFlags, SessionTrainOptions, Settings, Trial } from './recipe.ts';
import { sideBySide } from './sideBySide.ts';
import { drawnAlone, mean, meanPicture, nearestIcons, psnr, psnrs } from './tasks/drawing.ts';
import { iconPictures } from './tasks/iconPictures.ts';
import { coloursOf, groupBatches, pixelBatches } from './tasks/iconPixels.ts';
import { evenly, type Icons, laterLast, readIcons } from './tasks/icons.ts';
import { drawBetween, generated, type ImageHead, imageHeads, imageNet, told, toldStd } from './tasks/imageModels.ts';
import { squarePlaces } from './tasks/places.ts';

/** What the two forms train on, for how long, and the decibels that are promised of them. */
const forms = {
  short: { icons: 256, heldOut: 16, size: 32, width: 32, rows: 32, steps: 9_000, toldSteps: 9_000, promised: 27 },
  full: { icons: 0, heldOut: 50, size: 64, width: 32, rows: 64, steps: 20_000, toldSteps: 30_000, promised: 20 },
} as const;

/** Random pixels of each icon in a step. With as many parameters, a pixel costs the one network far more products. */
const points = { generated: 64, told: 16, alone: 64 } as const;
/** Icons in a step of the network that is told the code, and those on which it is measured at most: it draws slowly. */
const toldIcons = { rows: 16, measured: 256 } as const;
/** First learning rates. */
const rates = { generated: 0.005, told: 0.0003, alone: 0.005, later: 0.03, toldLater: 0.03 * toldStd } as const;
/** Steps for the codes of icons that come later, all in each, with more pixels. */
const later = { steps: 600, morePoints: 4 } as const;
/** Of the icons that are trained on, those that get a network of their own, beside all that come later. */
const mostAlone = 16;

const options = {
  full: { default: false, help: 'all 1,911 icons, at 64 x 64 pixels' },
  control: {
    default: true,
    help: 'also train one network that is told the code, and a network for each of some icons',
  },
  data: { default: 'emoji', help: 'emoji (the icons of Twemoji), or a folder of images' },
  code: { default: 64, least: 1, whole: true, help: 'numbers in the code of an icon' },
  head: {
    default: 'dense',
    choices: Object.keys(imageHeads),
    help: 'what generates the weights: dense, lowRank or scale',
  },
  icons: { default: 0, least: 0, whole: true, help: 'icons to train on (0: 256, or all in the full form)' },
  heldOut: { default: 0, least: 0, whole: true, help: 'icons that come later, by a code alone (0: 16, or 50)' },
  size: { default: 0, least: 0, whole: true, help: 'pixels of a side to train on (0: 32, or 64)' },
  width: { default: 32, least: 1, whole: true, help: 'sines in each of the three layers of an image network' },
  frequency: { default: 15, least: 0, help: 'of the sines, over an image from -1 to 1' },
};

async function prepare(settings: Settings, { seed, steps: asked }: RunFlags): Promise<Experiment> {
  const form = settings.full === true ? forms.full : forms.short;
  const [heldOut, wanted, size] = (['heldOut', 'icons', 'size'] as const).map(
    (key) => Number(settings[key]) || form[key],
  ) as [number, number, number];
  const [code, width] = [Number(settings.code), Number(settings.width)];
  const icons = laterLast(
    await readIcons(String(settings.data), {
      count: wanted === 0 ? undefined : wanted + heldOut,
      atMost: Number(settings.icons) === 0,
      size,
    }),
    heldOut,
  );
  const total = icons.names.length;
  const [old, fresh] = [numbers(0, total - heldOut), numbers(total - heldOut, total)];
  const alone = [...evenly(old, mostAlone), ...fresh];

  const net = { hidden: [width, width, width], frequency: Number(settings.frequency) };
  const hyper = (count: number) => generated(net, settings.head as ImageHead, code, count);
  const parameters = nn.countParams(hyper(old.length).spec);
  const telling = (count: number) => (wide: number) => told({ ...net, hidden: [wide, wide, wide] }, code, count);
  const wide = nn.countParams({ bias: matched(parameters, telling(old.length)).spec.net.layer0!.bias });
  const steps = asked ?? form.steps;
  const known: Known = { icons, old, fresh, seed, laterSteps: asked ?? later.steps };
  const main: Trial = {
    ...coded('main', 'hypernetwork', { family: hyper, net: hyper(1).target.spec }, known, {
      rows: form.rows,
      points: points.generated,
      steps,
      rate: rates.generated,
      laterRate: rates.later,
    }),
    codes: icons.names.map((name, i) => ({ name, code: index(i) })),
    images: { size: icons.size, draw: drawBetween(hyper(total)) },
    exampleInput: squarePlaces(icons.size),
    examples: evalBatches(
      pixelBatches(icons, { icons: old, rows: Math.min(64, old.length), points: 64, seed }).at(0),
      64,
    ),
    loss: nn.losses.mse,
  };
  const controls = [
    coded(
      'told',
      'one network, told the code',
      { family: (n) => telling(n)(wide), net: telling(1)(wide).spec.net },
      known,
      {
        rows: toldIcons.rows,
        measured: toldIcons.measured,
        points: points.told,
        steps: asked ?? form.toldSteps,
        rate: rates.told,
        laterRate: rates.toldLater,
      },
    ),
    // As often as the hypernetwork sees each icon.
    onTheirOwn(imageNet(net), alone, known, asked ?? Math.ceil((steps * form.rows) / old.length)),
  ];
  const average = meanPicture(icons, old);
  const byMean = (some: readonly number[]) =>
    mean(some.map((icon) => psnr(average, coloursOf(icons, icon)))).toFixed(2);
  const fileBytes = Math.round(icons.bytes / total).toLocaleString('en-US');
  return {
    trials: settings.control === false ? [main] : [main, ...controls],
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'bytes', title: 'bytes an icon', format: 'integer' },
      { metric: 'products', title: 'products a pixel', format: 'integer' },
      { metric: 'psnr', title: 'PSNR, dB', format: 'number' },
      { metric: 'new.psnr', title: 'new icons', format: 'number' },
      { metric: 'new.parameters', title: 'by', format: 'integer' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    published: [
      { title: 'the mean of all icons', cells: ['', '', '', byMean(old), byMean(fresh), '0', ''] },
      { title: 'the files', cells: ['', fileBytes, '', '', '', '', ''] },
    ],
    ...(icons.digest !== undefined && { read: { data: icons.digest } }),
    notes: [...icons.notes, `pictures: ${icons.source}`],
    counts: {
      'params.total': parameters,
      'params.image': nn.countParams(imageNet(net).spec),
      'params.separate': total * nn.countParams(imageNet(net).spec),
      icons: old.length,
      size: icons.size,
    },
    pictures: (results) => iconPictures(results, { icons, old, fresh, alone }),
    judge: (metrics) =>
      asShipped(options, settings, ['full', 'control'])
        ? judged(metrics, form.promised, settings.control !== false)
        : undefined,
  };
}

/** What every trial knows of the experiment. */
interface Known {
  readonly icons: Icons;
  /** Numbers of the icons that are trained on, and of those that come later. */
  readonly old: readonly number[];
  readonly fresh: readonly number[];
  readonly seed: number;
  /** Steps for the codes of those. */
  readonly laterSteps: number;
}

const index = (icon: number): NdArray => ({ dtype: 'int32', shape: [], data: Int32Array.of(icon) });

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** Products of a pass through a network. */
const productsOf = (spec: unknown): number =>
  nn.countParams(tree.leaves<nn.WeightSpec>(spec).filter(({ role }) => role === 'kernel'));

const training = (data: SessionTrainOptions['data'], steps: number, rate: number): SessionTrainOptions => ({
  data,
  steps,
  loss: nn.losses.mse,
  optimizer: optim.chain(optim.clipByGlobalNorm(1), optim.adam(optim.cosine({ initial: rate, end: 0, steps }))),
});

/** Models of icons by their number, for a number of icons. */
interface Family {
  family(count: number): Trainable;
  /** The weights of the network that draws. */
  readonly net: unknown;
}

interface Schedule {
  readonly rows: number;
  readonly points: number;
  readonly steps: number;
  readonly rate: number;
  /** Of the codes of icons that come later. */
  readonly laterRate: number;
  /** Icons on which it is measured at most, evenly over all; all when absent. */
  readonly measured?: number;
}

/**
 * A model with a learned code for each icon. Icons that come later get a code alone: all else stays as it is. Their
 * codes start from the old icon's whose picture is nearest.
 */
function coded(name: string, title: string, { family, net }: Family, known: Known, schedule: Schedule): Trial {
  const { icons, old, fresh, seed, laterSteps } = known;
  const [before, after] = [family(old.length), family(old.length + fresh.length)];
  const parameters = nn.countParams(before.spec);
  let trained: unknown;
  return {
    name,
    title,
    model: after,
    parameters,
    train: async (session) => {
      const rows = Math.min(schedule.rows, old.length);
      const data = pixelBatches(icons, { icons: old, rows, points: schedule.points, seed });
      const run = await session.train(before, training(data, schedule.steps, schedule.rate), 'icons');
      trained = run.params;
      const nearest = await nearestIcons(run, icons, { icons: old, wanted: fresh });
      const initial = await withLaterCodes(run, after, nearest, session);
      const theirs = pixelBatches(icons, {
        icons: fresh,
        rows: fresh.length,
        points: later.morePoints * schedule.points,
        seed,
      });
      return session.train(
        after,
        { ...training(theirs, laterSteps, schedule.laterRate), initial, trained: 'code.**' },
        'newIcons',
      );
    },
    measure: async (run) => {
      const figures = {
        psnr: mean(await psnrs(run, icons, evenly(old, schedule.measured ?? old.length))),
        bytes: (4 * parameters) / old.length,
        products: productsOf(net),
      };
      // A run that was stopped before the new icons came knows none of them.
      const own = nn.countParams(after.spec) - parameters;
      if (nn.countParams(run.model.spec as never) === parameters) return figures;
      return {
        ...figures,
        'new.psnr': mean(await psnrs(run, icons, fresh)),
        'new.parameters': own / fresh.length,
        'old.changed': changed(trained, run.params),
      };
    },
  };
}

/** A network for each of some icons, all trained side by side: every weight is fitted to one picture. */
function onTheirOwn(net: nn.Module<nn.MlpSpec>, some: readonly number[], known: Known, steps: number): Trial {
  const { icons, old, fresh, seed } = known;
  const model = sideBySide(net, some.length);
  const weights = nn.countParams(net.spec);
  return {
    name: 'separate',
    title: 'a network for each icon',
    model,
    parameters: weights * (old.length + fresh.length),
    train: (session) => {
      const data = groupBatches(icons, { icons: some, points: points.alone, seed });
      return session.train(model, training(data, steps, rates.alone));
    },
    measure: async (run) => {
      const pictures = await drawnAlone(run, some.length, squarePlaces(icons.size));
      const found = some.map((icon, i) => psnr(pictures[i]!, coloursOf(icons, icon)));
      const first = some.length - fresh.length;
      return {
        psnr: mean(found.slice(0, first)),
        bytes: 4 * weights,
        products: productsOf(net.spec),
        'new.psnr': mean(found.slice(first)),
        'new.parameters': weights,
      };
    },
  };
}

/** What is missing of what the recipe promises. */
function judged(metrics: Readonly<Record<string, number>>, promised: number, controls: boolean): string | undefined {
  const least = (name: string, bound: number): string | undefined =>
    metrics[name]! >= bound
      ? undefined
      : `inr: expected ${name} of at least ${bound.toFixed(2)}, got ${metrics[name]?.toFixed(2)}`;
  return (
    least('test.psnr', promised) ??
    (metrics['test.old.changed'] === 0
      ? undefined
      : `inr: expected no old weight to change for new icons, got ${metrics['test.old.changed']}`) ??
    (controls ? least('test.psnr', metrics['told.test.psnr']!) : undefined)
  );
}

/** One hypernetwork that generates an image network for each icon from a learned code. */
export const inr: Recipe = {
  name: 'inr',
  summary: 'one hypernetwork generates an implicit image network for each icon from a learned code; new icons by code',
  reference:
    'no published figures; networks are those of Sitzmann et al. 2020 (arXiv 2006.09661), and the controls read the same pixels',
  options,
  prepare,
};

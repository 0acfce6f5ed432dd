import type { NdArray } from 'hyperloom/tensor';
import type { ImageRow, Pixels } from '../report/imageGrid.ts';
import { classPictures } from './confusion.ts';
import type { Picture, TrialResult } from './recipe.ts';
import { type Found, type Known, type Measured, testOf, uniformWidths } from './slimMeasures.ts';
import { fullWidths } from './tasks/slimNet.ts';
import { codeOf, uniform as widthsAt } from './tasks/widths.ts';

/** Accuracy against multiply-adds, kernels along a walk through the widths, and what the narrowest network gets wrong. */
export async function slimPictures(
  results: readonly TrialResult[],
  known: Known,
  found: Found,
): Promise<readonly Picture[]> {
  const [{ plot }, { imageGrid }, { colourOf, diverging }] = await Promise.all([
    import('../report/charts.ts'),
    import('../report/imageGrid.ts'),
    import('../report/palette.ts'),
  ]);
  const points = (all: readonly Measured[]) =>
    [...all]
      .sort((a, b) => a.multiplyAdds - b.multiplyAdds)
      .map(({ accuracy, multiplyAdds }) => [multiplyAdds, 100 * accuracy] as const);
  const series = results.flatMap(({ trial }, i) => {
    const [uniform = [], unseen = []] = [found.uniform.get(trial.name), found.unseen.get(trial.name)];
    const colour = colourOf(i);
    const short = trial.name === 'main' ? 'generated' : trial.name;
    const lines = [{ name: short, points: points(uniform), colour, mark: 'both' as const }];
    const dots = [{ name: `${short}, unseen`, points: points(unseen), colour, mark: 'points' as const, size: 6 }];
    return [...(uniform.length > 0 ? lines : []), ...(unseen.length > 0 ? dots : [])];
  });

  const [main] = results as readonly [TrialResult, ...TrialResult[]];
  const steps = Array.from({ length: 8 }, (_, i) => widthsAt((i + 1) / 8, fullWidths));
  const kernels: NdArray[] = [];
  for (const own of steps) kernels.push((await main.run.generate(codeOf(own, fullWidths)))['block1.conv.weight']!);
  const limit = Math.max(...kernels.flatMap(({ data }) => Array.from(data, Math.abs)));
  const [, channels, height, width] = kernels[0]!.shape as [number, number, number, number];
  const size = height * width;
  /** The kernel of an output channel over the first channel of images, in colours. */
  const kernel = ({ data }: NdArray, output: number): Pixels => {
    const colours = Array.from({ length: size }, (_, at) => diverging(data[output * channels * size + at]! / limit));
    return { shape: [3, height, width], data: [0, 1, 2].flatMap((c) => colours.map((rgb) => rgb[c]! / 255)) };
  };
  const grid = Array.from(
    { length: fullWidths[0]! },
    (_, output): ImageRow => ({
      name: `channel ${output + 1}`,
      images: steps.map((own, i) => (output < own[0]! ? kernel(kernels[i]!, output) : undefined)),
    }),
  );

  const [narrowest] = Object.values(uniformWidths);
  const { test, classes } = known.set;
  const mistakes =
    found.narrowest === undefined
      ? []
      : await classPictures(
          { trial: main.trial, run: found.narrowest },
          { test: testOf(known), images: test, classes },
        );
  return [
    {
      name: 'widths.svg',
      caption:
        'Test accuracy against multiply-adds for an image once closed channels are cut out: lines at one share for all layers, points at widths that no training met.',
      content: plot('accuracy by multiply-adds', series, {
        x: 'multiply-adds',
        y: 'test accuracy, %',
        log: { x: true },
      }),
    },
    {
      name: 'kernels.widths.svg',
      caption:
        'Kernels of the first layer as generated while all layers widen from an eighth to all of their channels; blue is negative, red positive, on one scale; closed channels are left out.',
      content: imageGrid('first layer, by width', grid, { columns: steps.map((own) => own.join('-')), cell: 48 }),
    },
    ...mistakes.map((picture) => ({ ...picture, caption: `${picture.caption} At widths ${narrowest!.join('-')}.` })),
  ];
}

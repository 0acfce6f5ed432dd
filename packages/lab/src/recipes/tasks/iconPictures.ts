import type { NdArray } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import type { Pixels } from '../../report/imageGrid.ts';
import type { Picture, TrialResult } from '../recipe.ts';
import { drawn, drawnAlone, psnr, psnrs } from './drawing.ts';
import { coloursOf } from './iconPixels.ts';
import { evenly, type Icons } from './icons.ts';
import { squarePlaces } from './places.ts';

/** What the pictures are made from. */
export interface IconsPictured {
  readonly icons: Icons;
  /** Numbers of the icons that were trained on, and of those that came later. */
  readonly old: readonly number[];
  readonly fresh: readonly number[];
  /** Those that have a network of their own, in its order. */
  readonly alone: readonly number[];
}

/** Icons in a row, steps of a walk, and how much larger than in training pictures are drawn. */
const [across, walked, larger] = [10, 8, 4] as const;
/** Icons of which the curve of all is made. */
const curved = 256;

/** Colours [size * size, 3] as a picture. */
function asPicture(colours: ArrayLike<number>): Pixels {
  const plane = colours.length / 3;
  const size = Math.sqrt(plane);
  const data = Float32Array.from(
    { length: colours.length },
    (_, i) => colours[3 * (i % plane) + Math.floor(i / plane)]!,
  );
  return { shape: [3, size, size], data };
}

async function all(run: Run<Trainable>, icons: readonly number[], places: NdArray): Promise<Float32Array[]> {
  const pictures: Float32Array[] = [];
  for await (const picture of drawn(run, icons, places)) pictures.push(picture);
  return pictures;
}

const decibels = (value: number): string => `${value.toFixed(1)} dB`;

/** Icons drawn by their codes, at the training's resolution and above; walks between codes; new icons; how well all are met. */
export async function iconPictures(
  results: readonly TrialResult[],
  { icons, old, fresh, alone }: IconsPictured,
): Promise<Picture[]> {
  const [{ imageGrid }, { plot }, { colourOf }] = await Promise.all([
    import('../../report/imageGrid.ts'),
    import('../../report/charts.ts'),
    import('../../report/palette.ts'),
  ]);
  const run = results[0]!.run;
  const knows = (some: Run<Trainable>) => codesIn(some) >= icons.names.length;
  const [own, large] = [squarePlaces(icons.size), squarePlaces(larger * icons.size)];
  const original = (icon: number) => asPicture(coloursOf(icons, icon));
  const named = (some: readonly number[]) => some.map((icon) => icons.names[icon]!);
  const credit = `Pictures: ${icons.source}.`;
  const sides = `${icons.size} x ${icons.size}`;
  const largeSides = `${larger * icons.size} x ${larger * icons.size}`;

  // Each with the icon whose picture is most like it, and two that are nothing like each other.
  const [far, ...starts] = evenly(old, 3) as [number, ...number[]];
  const pairs = [...starts.map((icon) => [icon, alike(icons, old, icon)] as const), [far, old.at(-1)!] as const];
  const shown = evenly(old, across);
  const small = await all(run, shown, own);
  const made: Picture[] = [
    {
      name: 'icons.svg',
      caption: `Icons as they are, as the generated networks draw them at the ${sides} pixels of training, and at ${largeSides}. ${credit}`,
      content: imageGrid(
        'icons from their codes',
        [
          { name: 'original', images: shown.map(original), labels: named(shown) },
          {
            name: 'drawn',
            images: small.map(asPicture),
            labels: shown.map((icon, i) => decibels(psnr(small[i]!, coloursOf(icons, icon)))),
          },
          { name: largeSides, images: (await all(run, shown, large)).map(asPicture) },
        ],
        { cell: 96 },
      ),
    },
    {
      name: 'walk.svg',
      caption: `Networks of codes on the line between those of two icons, drawn at ${largeSides} pixels. ${credit}`,
      content: imageGrid('from one code to another', await walks(results[0]!, pairs, large, icons.names), {
        cell: 96,
      }),
    },
  ];
  if (fresh.length > 0 && knows(run)) {
    const some = fresh.slice(0, across);
    const byCode = await all(run, some, own);
    const scores = (pictures: readonly Float32Array[]) =>
      some.map((icon, i) => decibels(psnr(pictures[i]!, coloursOf(icons, icon))));
    const separate = results.find(({ trial }) => trial.name === 'separate');
    const whole = separate && (await drawnAlone(separate.run, alone.length, own));
    const theirs = whole && some.map((icon) => whole[alone.indexOf(icon)]!);
    made.push({
      name: 'new.svg',
      caption: `Icons that were held out of training: as they are, met by a code alone, and by all weights of a network of their own. ${credit}`,
      content: imageGrid(
        'new icons',
        [
          { name: 'original', images: some.map(original), labels: named(some) },
          { name: 'a code alone', images: byCode.map(asPicture), labels: scores(byCode) },
          ...(theirs ? [{ name: 'all weights', images: theirs.map(asPicture), labels: scores(theirs) }] : []),
        ],
        { cell: 72 },
      ),
    });
  }
  const curves = [];
  for (const [i, { trial, run: own }] of results.entries()) {
    if (trial.name === 'separate') continue;
    const sorted = (await psnrs(own, icons, evenly(old, curved))).sort((a, b) => a - b);
    const points = sorted.map((value, rank): [number, number] => [(rank + 0.5) / sorted.length, value]);
    curves.push({ name: trial.title, points, colour: colourOf(i), mark: 'line' as const });
  }
  made.push({
    name: 'psnr.svg',
    caption: 'How well the icons that were trained on are met, from the worst to the best.',
    content: plot('PSNR of all icons', curves, { x: 'share of the icons', y: 'dB' }),
  });
  return made;
}

/** Rows of a table of codes. */
const codesIn = ({ params }: Run<Trainable>): number =>
  (params as { readonly code: { readonly table: NdArray } }).code.table.shape[0]!;

/** The icon among some whose picture is most like that of another. */
function alike(all: Icons, some: readonly number[], icon: number): number {
  const own = coloursOf(all, icon);
  const scores = some.map((other) => (other === icon ? Number.NEGATIVE_INFINITY : psnr(coloursOf(all, other), own)));
  return some[scores.indexOf(Math.max(...scores))]!;
}

/** A row for each pair of icons. */
async function walks(
  { trial, run }: TrialResult,
  pairs: readonly (readonly [number, number])[],
  places: NdArray,
  names: readonly string[],
) {
  const rows = [];
  const code = (icon: number): NdArray => ({ dtype: 'int32', shape: [], data: Int32Array.of(icon) });
  for (const [from, to] of pairs) {
    const images: Pixels[] = [];
    for (let step = 0; step < walked; step++) {
      const { data } = (await run.call(
        trial.images!.draw,
        code(from),
        code(to),
        step / (walked - 1),
        places,
      )) as NdArray;
      images.push(asPicture(data));
    }
    const labels = images.map((_, at) => (at === 0 ? names[from]! : at === walked - 1 ? names[to]! : ''));
    rows.push({ name: '', images, labels });
  }
  return rows;
}

import { evalBatches, rows } from 'hyperloom/data';
import { add, argmax, mul, type NdArray, reshape, slice, sub, type Tensor } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { mistakes } from './confusion.ts';
import { mistaken, signedPixels } from './imagePictures.ts';
import type { Picture, TrialResult } from './recipe.ts';
import type { ImageSet, LabelledImages } from './tasks/images.ts';
import type { Classify } from './tasks/imageTasks.ts';

/** A hypernetwork that reads a code itself. */
interface AnyCode {
  generate(params: never, code: Tensor): Readonly<Record<string, Tensor>>;
  apply(params: never, input: { readonly code: Tensor; readonly input: Tensor }, context?: object): Tensor;
}

/** What {@link fashionPictures} draws from. */
export interface FashionResults {
  readonly sets: readonly [ImageSet, ImageSet];
  readonly classify: Classify;
  /** The main model, fed with codes that are of no set. */
  readonly anyCode: unknown;
}

/** Test images of each set along the walk, and steps of it. */
const [walked, places] = [2_000, 21];

/** A walk from one code to the other, what each trial takes for what, and images that are mistaken. */
export async function fashionPictures(
  results: readonly TrialResult[],
  { sets, classify, anyCode }: FashionResults,
): Promise<Picture[]> {
  const [{ confusionMatrix, plot }, { imageGrid }, { colourOf }] = await Promise.all([
    import('../report/charts.ts'),
    import('../report/imageGrid.ts'),
    import('../report/palette.ts'),
  ]);
  const { run } = results[0]!;
  const walk = walkOf(run, anyCode as AnyCode);
  const shares = Array.from({ length: places }, (_, i) => i / (places - 1));
  const curves = [];
  for (const [task, set] of sets.entries()) {
    const points: [number, number][] = [];
    const images = rows(set.test, 0, Math.min(walked, set.test.labels.data.length));
    for (const share of shares) points.push([share, 100 * (await walk.accuracy(share, images))]);
    curves.push({ name: set.name, colour: colourOf(task), points });
  }
  const made: Picture[] = [
    {
      name: 'walk.svg',
      caption: `Test accuracy on both sets (${walked.toLocaleString('en-US')} images of each) of the networks on the line between the two codes.`,
      content: plot('networks between the two codes', curves, {
        x: `share of the way from ${sets[0].name} to ${sets[1].name}`,
        y: 'accuracy, percent',
        limits: { x: [0, 1], y: [0, 100] },
      }),
    },
  ];
  const along = [];
  for (let i = 0; i <= 8; i++) along.push({ share: i / 8, kernels: await walk.kernels(i / 8) });
  const limit = Math.max(1e-12, ...along.flatMap(({ kernels }) => Array.from(kernels.data, Math.abs)));
  const signed = await signedPixels();
  made.push({
    name: 'kernels.svg',
    caption:
      'The first convolution on the line between the two codes: a column for each of its kernels, blue for negative and red for positive weights.',
    content: imageGrid(
      'kernels of the first convolution',
      along.map(({ share, kernels: { data, shape } }) => ({
        name: share === 0 ? sets[0].name : share === 1 ? sets[1].name : `${(100 * share).toFixed(0)} %`,
        images: Array.from({ length: shape[0]! }, (_, kernel) => {
          const [height, width] = shape.slice(2) as [number, number];
          const first = kernel * shape[1]! * height * width;
          return signed([height, width], (at) => data[first + at]! / limit);
        }),
      })),
      { cell: 40 },
    ),
  });
  for (const [task, set] of sets.entries()) {
    const key = task === 0 ? 'first' : 'second';
    const found = await classify(run, task, set.test.images);
    const counts = set.classes.map(() => set.classes.map(() => 0));
    // A network with outputs for the classes of the larger set may name one that the smaller set has not.
    for (const [i, label] of found.entries()) {
      const row = counts[set.test.labels.data[i]!]!;
      if (label < row.length) row[label]! += 1;
    }
    made.push({
      name: `confusion.${key}.svg`,
      caption: `Test images by true and predicted class: ${set.name}.`,
      content: confusionMatrix(`${set.name}: ${mistakes(counts)}`, counts, set.classes),
    });
    made.push({
      name: `mistakes.${key}.svg`,
      caption: `Test images of ${set.name} that are taken for something else: a row for each true class.`,
      content: imageGrid(`${set.name}, taken for something else`, mistaken(set, found, 8)),
    });
  }
  return made;
}

/** The networks on the line between the codes of the two sets. */
function walkOf(run: Run<Trainable>, model: AnyCode) {
  const codeAt = (params: unknown, share: Tensor) => {
    const { code, ...rest } = params as { readonly code: { readonly table: Tensor } };
    const size = code.table.shape[1]!;
    const [a, b] = [0, 1].map((row) => reshape(slice(code.table, [[row, row + 1]]), [size])) as [Tensor, Tensor];
    return { code: add(a, mul(sub(b, a), share)), params: { code: {}, ...rest } as never };
  };
  const classes = (params: never, share: Tensor, input: Tensor) => {
    const { code, params: own } = codeAt(params, share);
    return argmax(model.apply(own, { code, input }, { training: false }));
  };
  const kernels = (params: never, share: Tensor) => {
    const { code, params: own } = codeAt(params, share);
    return model.generate(own, code)['conv1.weight']!;
  };
  return {
    kernels: async (share: number) => (await run.call(kernels as never, share)) as NdArray,
    accuracy: async (share: number, { images, labels }: LabelledImages): Promise<number> => {
      let [right, at] = [0, 0];
      for (const { batch, count } of evalBatches({ images }, Math.min(500, labels.data.length))) {
        const { data } = (await run.call(classes as never, share, batch.images)) as NdArray;
        for (let i = 0; i < count; i++, at++) if (data[i] === labels.data[at]) right += 1;
      }
      return right / labels.data.length;
    },
  };
}

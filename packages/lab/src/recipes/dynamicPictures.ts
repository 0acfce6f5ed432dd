import type { Dynamic, MixtureConv } from 'hyperloom/hyper';
import type { ConvSpec } from 'hyperloom/nn';
import { argmax, type NdArray, ndarray, type Tensor, vmap } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import type { Picture, TrialResult } from './recipe.ts';
import type { cluttered } from './tasks/clutteredDigits.ts';
import type { Classifier, Networks } from './tasks/dynamicNets.ts';

/** What the pictures are made of. */
export interface Shown {
  readonly nets: Networks;
  readonly test: ReturnType<typeof cluttered>;
  readonly classes: readonly string[];
}

/** Some images of the test set as floats. */
function imagesAt({ images }: Shown['test'], from: number, to: number): NdArray {
  const [, ...shape] = images.shape;
  const size = shape.reduce((n, d) => n * d, 1);
  const data = Float32Array.from(images.data.subarray(from * size, to * size), (v) => v / 255);
  return ndarray(data, [to - from, ...shape]);
}

/** One image of a batch of images. */
const pixels = ({ shape: [, ...shape], data }: NdArray, i: number) => {
  const size = shape.reduce((n, d) => n * d, 1);
  return { shape, data: data.subarray(i * size, (i + 1) * size) };
};

/** What a dynamic layer of a network reads, for one image: what the layer before it gives. */
function inputOf({ model }: Classifier, params: never, image: Tensor, before: string): Tensor {
  let seen: Tensor | undefined;
  model.apply(params, image, {
    training: false,
    observe: (path, output) => {
      if (path === before) seen = output as Tensor;
    },
  });
  return seen!;
}

/** What comes before the dynamic layers. */
const places = [
  ['conv2', 'relu1'],
  ['conv3', 'pool2'],
] as const;

/** Inputs, what the main network gets wrong, its kernels for some images, and coefficients of experts by class. */
export async function dynamicPictures(results: readonly TrialResult[], shown: Shown): Promise<readonly Picture[]> {
  const runOf = (name: string) => results.find(({ trial }) => trial.name === name)?.run;
  const made: Picture[] = [await examples(shown)];
  const main = runOf('main');
  if (main) made.push(await mistaken(main, shown), ...(await kernels(main, shown)));
  for (const name of ['condConv', 'dyConv'] as const) {
    const run = runOf(name);
    if (run) made.push(await coefficients(run, name, shown));
  }
  return made;
}

/** Test images of each class in a row. */
async function examples({ test, classes }: Shown): Promise<Picture> {
  const { imageGrid } = await import('../report/imageGrid.ts');
  const rows = classes.slice(0, 20).map((name, label) => {
    const own = Array.from(test.labels.data.keys()).filter((i) => test.labels.data[i] === label);
    return { name, images: own.slice(0, 8).map((i) => pixels(imagesAt(test, i, i + 1), 0)) };
  });
  return {
    name: 'examples.svg',
    caption: 'Test images by class: real ones, turned, scaled and put among pieces of others.',
    content: imageGrid('test images', rows),
  };
}

/** The first test images that a run gets wrong. */
async function mistaken(run: Run<Trainable>, { test, classes }: Shown): Promise<Picture> {
  const { imageGrid } = await import('../report/imageGrid.ts');
  const count = Math.min(500, test.labels.data.length);
  const images = imagesAt(test, 0, count);
  const classify = (params: never, all: Tensor) =>
    vmap((one: Tensor) => argmax(run.model.apply(params, one as never, { training: false }) as Tensor))(all);
  const { data } = (await run.call(classify, images)) as NdArray;
  const wrong = Array.from({ length: count }, (_, i) => i).filter((i) => data[i] !== test.labels.data[i]);
  const across = 8;
  const rows = Array.from({ length: Math.min(3, Math.ceil(wrong.length / across)) }, (_, r) => {
    const own = wrong.slice(r * across, (r + 1) * across);
    return {
      name: '',
      images: own.map((i) => pixels(images, i)),
      labels: own.map((i) => `${classes[test.labels.data[i]!]} → ${classes[data[i]!]}`),
    };
  });
  return {
    name: 'misclassified.svg',
    caption:
      'Test images that the network with whole kernels from the image takes for another class: true → predicted.',
    content: imageGrid(`${wrong.length} of ${count} wrong`, rows),
  };
}

/** Kernels of the second layer for several images, as they are and less their mean. */
async function kernels(run: Run<Trainable>, { nets, test }: Shown): Promise<Picture[]> {
  const [{ imageGrid }, { kernelSheet }] = await Promise.all([
    import('../report/imageGrid.ts'),
    import('../report/kernels.ts'),
  ]);
  const count = 8;
  const images = imagesAt(test, 0, count);
  const layer = nets.full.layers[0] as unknown as Dynamic<ConvSpec, Tensor, unknown, unknown>;
  const [path, before] = places[0];
  const generated = (params: Readonly<Record<string, never>>, all: Tensor) =>
    vmap((image: Tensor) => {
      const seen = inputOf(nets.full, params as never, image, before);
      return (layer.weights(params[path]!, seen) as { readonly weight: Tensor }).weight;
    })(all);
  const weights = (await run.call(generated as never, images)) as NdArray;
  const [, outputs, inputs, ...window] = weights.shape as [number, number, number, number, number];
  const area = window.reduce((n, d) => n * d, 1);
  // The kernels of the first input channel: a row for each image, a column for each output channel.
  const of = (image: number, output: number) => (image * outputs + output) * inputs * area;
  const first = new Float32Array(count * outputs * area);
  for (let image = 0; image < count; image++)
    for (let output = 0; output < outputs; output++)
      first.set(
        (weights.data as Float32Array).subarray(of(image, output), of(image, output) + area),
        (image * outputs + output) * area,
      );
  const size = outputs * area;
  const less = first.map((v, i) => {
    let total = 0;
    for (let image = 0; image < count; image++) total += first[image * size + (i % size)]!;
    return v - total / count;
  });
  const sheet = (data: Float32Array) => kernelSheet(ndarray(data, [count, outputs, ...window]), { zoom: 8 });
  return [
    {
      name: 'kernels.images.svg',
      caption: 'The images whose kernels are shown below, from top to bottom.',
      content: imageGrid('images', [{ name: '', images: Array.from({ length: count }, (_, i) => pixels(images, i)) }]),
    },
    {
      name: 'kernels.png',
      caption:
        'Kernels of the second layer that are generated from these images: a row for each image, a column for each output channel, of the first input channel.',
      content: sheet(first),
    },
    {
      name: 'kernels.differences.png',
      caption: 'The same kernels less their mean over the images: what differs by image.',
      content: sheet(less),
    },
  ];
}

/** Mean coefficients of the experts of both layers by class. */
async function coefficients(
  run: Run<Trainable>,
  name: 'condConv' | 'dyConv',
  { nets, test, classes }: Shown,
): Promise<Picture> {
  const { heatMap } = await import('../report/charts.ts');
  const net = nets[name];
  const count = Math.min(1_000, test.labels.data.length);
  const all = (params: Readonly<Record<string, never>>, images: Tensor) =>
    vmap((image: Tensor) =>
      places.map(([path, before], i) => {
        const layer = net.layers[i] as unknown as MixtureConv;
        return layer.coefficients(params[path]!, inputOf(net, params as never, image, before));
      }),
    )(images);
  const layers = (await run.call(all as never, imagesAt(test, 0, count))) as NdArray[];
  const rows = classes.map((_, label) =>
    layers.flatMap(({ shape: [, experts], data }) => {
      const own = Array.from({ length: count }, (_, i) => i).filter((i) => test.labels.data[i] === label);
      return Array.from(
        { length: experts! },
        (_, k) => own.reduce((total, i) => total + data[i * experts! + k]!, 0) / Math.max(1, own.length),
      );
    }),
  );
  const overall = rows[0]!.map((_, k) => rows.reduce((total, row) => total + row[k]!, 0) / rows.length);
  const less = rows.map((row) => row.map((v, k) => v - overall[k]!));
  const title = name === 'dyConv' ? 'DyConv' : 'CondConv';
  return {
    name: `coefficients.${name}.svg`,
    caption: `${title}: coefficients of the experts of both layers, means over test images of each class less those over all classes (${overall.map((v) => v.toFixed(2)).join(', ')}).`,
    content: heatMap(`${title}: coefficients by class, less their mean`, less, {
      rows: classes,
      columns: layers.flatMap(({ shape }, i) =>
        Array.from({ length: shape[1]! }, (_, k) => `${places[i]![0]} ${k + 1}`),
      ),
      y: 'class',
    }),
  };
}

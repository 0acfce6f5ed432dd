import { type HyperResNet, projectCodes } from 'hyperloom/hyper';
import { add, mul, type NdArray, ndarray, reshape, slice, type Tensor, tree, vmap } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import type { ImageRow, Pixels } from '../report/imageGrid.ts';
import type { Picture } from './recipe.ts';

/** Basic kernels shown of each group, their channels shown, and steps of a walk. */
const [shown, channels, steps] = [6, 8, 7];

/** A basic kernel's embedding: its row in the table, and the kernel that it is a tile of. */
interface Tile {
  readonly row: number;
  /** The kernel's path in the network. */
  readonly path: string;
  /** `group1`, `group2` or `group3`. */
  readonly group: string;
}

/** The tiles of all generated kernels, in the order of the table of embeddings. */
function tilesOf({ generated }: HyperResNet, count: number): Tile[] {
  const elements = Object.entries(generated).map(([path, { shape }]) => ({ path, size: shape[0]! * shape[1]! }));
  const area = elements.reduce((n, { size }) => n + size, 0) / count;
  const paths = elements.flatMap(({ path, size }) => new Array<string>(size / area).fill(path));
  return paths.map((path, row) => ({ row, path, group: path.split('.')[0]! }));
}

/**
 * What the generator of a hyper residual network makes: basic kernels of some embeddings, kernels along a straight line
 * between two, and all embeddings along the two directions in which they differ most.
 */
export async function generatorPictures(run: Run<Trainable>, model: HyperResNet): Promise<Picture[]> {
  const [{ plot }, { imageGrid }, { colourOf, diverging }] = await Promise.all([
    import('../report/charts.ts'),
    import('../report/imageGrid.ts'),
    import('../report/palette.ts'),
  ]);
  const flat = tree.flatten<NdArray>(run.params);
  const name = Object.keys(flat).find((path) => /^head\..*\.z$/.test(path))!;
  const table = flat[name]!;
  const [count, size] = table.shape as [number, number];
  const tiles = tilesOf(model, count);
  const groups = [...new Set(tiles.map(({ group }) => group))];

  const embedding = (row: number): Float32Array => Float32Array.from(table.data.slice(row * size, (row + 1) * size));
  const stacked = (rows: readonly Float32Array[]): NdArray =>
    ndarray(Float32Array.from(rows.flatMap((row) => [...row])), [rows.length, size]);
  const kernels = async (rows: readonly Float32Array[]): Promise<Pixels[]> => {
    const all = (await run.call(basicKernels(model, name), stacked(rows))) as NdArray;
    const each = all.shape.slice(1);
    const length = each.reduce((a, b) => a * b, 1);
    const limit = Float32Array.from(all.data).reduce((most, x) => Math.max(most, Math.abs(x)), 1e-12);
    return rows.map((_, i) => sheet(all.data.slice(i * length, (i + 1) * length), each, (x) => diverging(x / limit)));
  };

  const some = groups.map((group) => {
    const own = tiles.filter((tile) => tile.group === group);
    const chosen = Array.from(
      { length: Math.min(shown, own.length) },
      (_, i) => own[Math.floor((i * own.length) / Math.min(shown, own.length))]!,
    );
    return { group, chosen };
  });
  const drawn = await kernels(some.flatMap(({ chosen }) => chosen.map(({ row }) => embedding(row))));
  const rows: ImageRow[] = some.map(({ group, chosen }) => ({
    name: group,
    images: drawn.splice(0, chosen.length),
    labels: chosen.map(({ row, path }) => `z ${row}, ${path.split('.').slice(1, 3).join('.')}`),
  }));

  const [from, to] = [tiles[0]!, tiles.at(-1)!];
  const shares = Array.from({ length: steps }, (_, i) => i / (steps - 1));
  const between = shares.map((share) => {
    const end = embedding(to.row);
    return embedding(from.row).map((x, k) => (1 - share) * x + share * end[k]!);
  });
  const { points, explained } = projectCodes(table);
  const percent = (share: number): string => `${Math.round(100 * share)} % of the variance`;
  return [
    {
      name: 'basicKernels.svg',
      caption: `Basic kernels of some embeddings z, by the group of layers that they are tiles of. In each a row for an output channel and a column for an input channel, of which the first ${channels} are shown; blue is negative, red positive.`,
      content: imageGrid('generated basic kernels', rows, { cell: 130 }),
    },
    {
      name: 'walk.svg',
      caption: `The basic kernel along a straight line from the embedding of ${from.path} to the last one of ${to.path}.`,
      content: imageGrid(
        'a walk between two embeddings',
        [{ name: '', images: await kernels(between), labels: shares.map((share) => share.toFixed(2)) }],
        { cell: 130 },
      ),
    },
    {
      name: 'embeddings.svg',
      caption: `The ${count} embeddings z along the two directions in which they differ most.`,
      content: plot(
        `${count} embeddings`,
        groups.map((group, i) => ({
          name: group,
          points: tiles.filter((tile) => tile.group === group).map(({ row }) => points[row]!),
          colour: colourOf(i),
          mark: 'points' as const,
        })),
        { x: percent(explained[0]), y: percent(explained[1]) },
      ),
    },
  ];
}

/**
 * The first channels of the basic kernels of embeddings [n, size]: each stands for all of the table, and the first
 * kernel's first tile is read.
 */
const basicKernels = (model: HyperResNet, name: string) => (params: unknown, embeddings: Tensor) => {
  const [path, { shape }] = Object.entries(model.generated)[0]!;
  return vmap((z: Tensor) => {
    const own = tree.mapWithPath(
      (leaf: Tensor, at) => (at === name ? add(mul(leaf, 0), reshape(z, [1, -1])) : leaf),
      params,
    );
    const kernel = model.generate(own as never)[path]!;
    return slice(kernel, [
      [0, Math.min(shape[0]!, channels)],
      [0, Math.min(shape[1]!, channels)],
    ]);
  })(embeddings);
};

/** Kernels [outputs, inputs, height, width] as a picture, one pixel for each number and lines of one between kernels. */
function sheet(
  data: ArrayLike<number>,
  shape: readonly number[],
  colour: (value: number) => readonly [number, number, number],
): Pixels {
  const [outputs, inputs, height, width] = shape as [number, number, number, number];
  const [tall, wide] = [outputs * (height + 1) - 1, inputs * (width + 1) - 1];
  const plane = tall * wide;
  const pixels = new Float32Array(3 * plane).fill(1);
  for (let i = 0; i < outputs * inputs * height * width; i++) {
    const [column, row] = [i % width, Math.floor(i / width) % height];
    const kernel = Math.floor(i / (width * height));
    const [across, down] = [kernel % inputs, Math.floor(kernel / inputs)];
    const at = (down * (height + 1) + row) * wide + across * (width + 1) + column;
    colour(data[i]!).forEach((value, c) => {
      pixels[c * plane + at] = value / 255;
    });
  }
  return { shape: [3, tall, wide], data: pixels };
}

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMnist } from 'hyperloom/data';
import type { Engine } from 'hyperloom/engine';
import { ortEngine } from 'hyperloom/engine/ort';
import { train, trainWith } from 'hyperloom/train';
import type { Figures, Recipe, Session, Settings } from './recipe.ts';
import { mnistFolder } from './tasks/images.ts';

/** A session without a run folder: nothing is saved. */
export const plainSession = (seed: number, engine: Engine): Session => ({
  seed,
  engine,
  train: (model, options) => train(model, { ...options, seed, engine }),
  trainWith: (model, method, options) => trainWith(model, method, { ...options, seed, engine }),
});

/** Figures of every trial of a recipe in a short form, without a run folder. */
export async function figuresOf(
  recipe: Recipe,
  { steps, seed = 0, settings = {} }: { readonly steps: number; readonly seed?: number; readonly settings?: Settings },
): Promise<Readonly<Record<string, Figures>>> {
  const defaults = Object.fromEntries(Object.entries(recipe.options).map(([key, option]) => [key, option.default]));
  const experiment = await recipe.prepare({ ...defaults, ...settings }, { seed, steps });
  const engine = ortEngine({ threads: 1, spinning: false });
  const session = plainSession(seed, engine);
  const figures: Record<string, Figures> = {};
  for (const trial of experiment.trials) figures[trial.name] = await trial.measure(await trial.train(session), session);
  await engine.dispose();
  return figures;
}

/** A folder of some digits in MNIST's layout, under their own names or others: remove it after use. */
export async function digitFolder(named: (digit: number) => number = (digit) => digit): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'digits-'));
  for (const [split, file, count] of [
    ['train', 'train', 12_000],
    ['test', 't10k', 1_000],
  ] as const) {
    const { images, labels } = await loadMnist(mnistFolder(), { split, verify: false });
    await writeFile(join(folder, `${file}-labels-idx1-ubyte`), idx([count], labels.data.subarray(0, count).map(named)));
    const pixels = images.data.subarray(0, count * 784);
    await writeFile(join(folder, `${file}-images-idx3-ubyte`), idx([count, 28, 28], pixels));
  }
  return folder;
}

/** Bytes in the IDX format. */
function idx(shape: readonly number[], data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.writeUInt16BE(0x08 * 256 + shape.length, 2);
  for (const [axis, size] of shape.entries()) head.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([head, data]);
}

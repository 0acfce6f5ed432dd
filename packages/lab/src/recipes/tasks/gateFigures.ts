import { rows } from 'hyperloom/data';
import type { Engine } from 'hyperloom/engine';
import type { Costed, Weights } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { cast, greater, type NdArray, ndarray, type Tensor, tree, vmap } from 'hyperloom/tensor';
import { compact, openRun, type Run, type Trainable } from 'hyperloom/train';
import type { Figures } from '../recipe.ts';
import { budgetTest } from './budgets.ts';
import type { Reads } from './gatedNets.ts';
import type { LabelledImages } from './images.ts';

/** Budgets of the table, in percent of the multiply-adds. */
export const budgets = [25, 50, 75, 100] as const;

/** What a gated run is measured on. */
export interface GatedRun {
  readonly run: Run<Trainable>;
  readonly reads: Reads;
  /** Multiply-adds of the gating network, as a share of those of the whole gated one. */
  readonly gating: number;
}

/** One image of a set: float32 [channels, height, width]. */
export function imageAt({ images }: LabelledImages, i: number): NdArray {
  const [, ...shape] = images.shape;
  const size = shape.reduce((n, d) => n * d, 1);
  return ndarray(
    Float32Array.from(images.data.subarray(i * size, (i + 1) * size), (byte) => byte / 255),
    shape,
  );
}

/** The code of a budget in percent and an image. */
export const codeOf = (reads: Reads, budget: number, image: NdArray) => ({
  budget: ndarray([budget / 100]),
  ...(reads === 'image' && { image }),
});

const accuracy = ({ output }: Costed<Tensor>, { label }: { readonly label: Tensor }) =>
  nn.metrics.accuracy(output, label);

/**
 * For each budget the error and the share of multiply-adds that was used, gating included, over a test set; and the
 * milliseconds of compact networks for single images.
 */
export async function budgetFigures(gated: GatedRun, test: LabelledImages, engine: Engine): Promise<Figures> {
  const { run, reads, gating } = gated;
  const figures: Record<string, number> = {};
  for (const budget of budgets) {
    const metrics = { accuracy, cost: ({ cost }: Costed<Tensor>) => cost };
    const found = await run.evaluate(budgetTest(test, reads, budget / 100), metrics as never);
    figures[`error.${budget}`] = 1 - found.accuracy!;
    figures[`used.${budget}`] = found.cost! + gating;
  }
  return { ...figures, ...(await compactTimes(gated, test, engine)) };
}

/** Images of which the compact networks are timed. */
const timed = 12;

/** Milliseconds of the network that is left for a budget and an image, one image at a time: the mean over some images. */
async function compactTimes({ run, reads }: GatedRun, test: LabelledImages, engine: Engine): Promise<Figures> {
  const figures: Record<string, number> = {};
  for (const budget of budgets) {
    let total = 0;
    let left = 0;
    for (let i = 0; i < timed; i++) {
      const image = imageAt(test, i);
      const code = codeOf(reads, budget, image);
      const { module, params, multiplyAdds } = await compact(run, { code, input: { code, input: image } });
      total += await milliseconds(module, params, image, engine);
      left += multiplyAdds.after / multiplyAdds.before;
    }
    figures[`ms.${budget}`] = total / timed;
    figures[`compact.${budget}`] = left / timed;
  }
  return figures;
}

/** The median time of a network over one image, in milliseconds. */
export async function milliseconds(
  module: Trainable,
  params: unknown,
  image: NdArray,
  engine: Engine,
): Promise<number> {
  const run = openRun(module, params, engine);
  const times: number[] = [];
  for (let i = 0; i < 60; i++) {
    const start = performance.now();
    await run.apply(image);
    if (i >= 20) times.push(performance.now() - start);
  }
  await run.dispose();
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

/** How often each gate is open, in the order of the target's gates. */
export interface OpenRates {
  /** `block1 3` for a channel of a block, `block1` for a whole block. */
  readonly gates: readonly string[];
  /** A row for each class. */
  readonly byClass: readonly (readonly number[])[];
}

/** Images that the open rates are taken over. */
const counted = 2_000;

/** How often each gate is open for the images of each class, under one budget in percent. */
export async function openRates(
  { run, reads }: GatedRun,
  test: LabelledImages,
  classes: number,
  budget: number,
): Promise<OpenRates> {
  const { generate } = run.model as unknown as { generate(params: never, code: unknown): Weights };
  const opened = (params: never, codes: unknown) =>
    vmap((code: unknown) => tree.map((w: Tensor) => cast(greater(w, 0), 'float32'), generate(params, code)) as Weights)(
      codes,
    );
  const set = rows(test, 0, Math.min(counted, test.labels.data.length));
  const sums = Array.from({ length: classes }, (): number[] => []);
  const members = sums.map(() => 0);
  let gates: string[] = [];
  let at = 0;
  for (const { batch, count } of budgetTest(set, reads, budget / 100)) {
    const found = (await run.call(opened, (batch.input as { readonly code: unknown }).code)) as Readonly<
      Record<string, NdArray>
    >;
    const paths = Object.keys(found);
    gates = paths.flatMap((path) => {
      const [, channels] = found[path]!.shape;
      const block = path.split('.')[0]!;
      return channels === undefined ? [block] : Array.from({ length: channels }, (_, i) => `${block} ${i}`);
    });
    for (let row = 0; row < count; row++, at++) {
      const own = sums[set.labels.data[at]!]!;
      members[set.labels.data[at]!]! += 1;
      let gate = 0;
      for (const path of paths) {
        const { data, shape } = found[path]!;
        const size = shape[1] ?? 1;
        for (let i = 0; i < size; i++, gate++) own[gate] = (own[gate] ?? 0) + data[row * size + i]!;
      }
    }
  }
  return { gates, byClass: sums.map((own, i) => own.map((n) => n / Math.max(1, members[i]!))) };
}

/** The mean over gates of the largest difference between two classes' open rates: 0 for gates that see no class. */
export function differenceByClass({ byClass }: OpenRates): number {
  const seen = byClass.filter((own) => own.length > 0);
  const gates = seen[0]!.map((_, gate) => {
    const rates = seen.map((own) => own[gate]!);
    return Math.max(...rates) - Math.min(...rates);
  });
  return gates.reduce((n, x) => n + x, 0) / gates.length;
}

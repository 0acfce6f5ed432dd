import { runOnce } from 'hyperloom/engine';
import { grow } from 'hyperloom/hyper';
import { type NdArray, random, type Tensor, tree } from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import type { Session } from './recipe.ts';

/** Trained weights for a model of further codes, the last of its table: each begins as the old code of a given number. */
export async function withLaterCodes(
  run: Run<Trainable>,
  after: Trainable,
  from: readonly number[],
  { engine, seed }: Pick<Session, 'engine' | 'seed'>,
): Promise<unknown> {
  const params = grow(run.params, await runOnce(engine, after.init as (key: Tensor) => unknown, random.keyArray(seed)));
  const { table } = (params as { readonly code: { readonly table: NdArray } }).code;
  const [count = 0, size = 0] = table.shape;
  from.forEach((old, i) => {
    (table.data as Float32Array).copyWithin((count - from.length + i) * size, old * size, (old + 1) * size);
  });
  return params;
}

/** How many of the weights that were there before have another bit now. */
export function changed(before: unknown, after: unknown): number {
  const now = tree.flatten<NdArray>(after);
  let count = 0;
  for (const [path, { data }] of Object.entries(tree.flatten<NdArray>(before)))
    for (let i = 0; i < data.length; i++) if (!Object.is(data[i], now[path]!.data[i])) count += 1;
  return count;
}

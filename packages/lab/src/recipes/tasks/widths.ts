import { type Batches, type Random, randomAt } from 'hyperloom/data';
import { ArgumentError, type NdArray, ndarray, tree } from 'hyperloom/tensor';
import type { Example } from 'hyperloom/train';

/** Channels of each gated layer: one architecture. */
export type Widths = readonly number[];

/** The code of an architecture: the share of each layer's channels, as `heads.widths` reads it. */
export const codeOf = (own: Widths, most: Widths): NdArray => ndarray(own.map((count, i) => count / most[i]!));

/** Every layer at one share of its channels, at least one of each. */
export const uniform = (share: number, most: Widths): Widths =>
  most.map((count) => Math.max(1, Math.round(share * count)));

/** What architectures are drawn from: between two, layer by layer, and none of those that are held out. */
export interface WidthRange {
  readonly least: Widths;
  readonly most: Widths;
  readonly heldOut: readonly Widths[];
}

/** Any number of channels of each layer, each as likely as another. */
export function drawn(random: Random, { least, most, heldOut }: WidthRange): Widths {
  const taken = new Set(heldOut.map(String));
  for (;;) {
    const own = most.map((count, i) => least[i]! + random.below(count - least[i]! + 1));
    if (!taken.has(String(own))) return own;
  }
}

/**
 * Architectures to evaluate on, which {@link sandwiches} never draws once they are held out: no two alike.
 * @throws ArgumentError unless some are left to train on
 */
export function heldOutWidths(seed: number, count: number, range: Omit<WidthRange, 'heldOut'>): Widths[] {
  const between = range.most.reduce((n, most, i) => n * (most - range.least[i]! + 1), 1) - 2;
  if (count >= between)
    throw new ArgumentError(
      `--set unseen: expected fewer than the ${between.toLocaleString('en-US')} there are, got ${count}`,
    );
  const random = randomAt(seed, purposes.heldOut);
  const made: Widths[] = [];
  while (made.length < count) made.push(drawn(random, { ...range, heldOut: [...made, range.least, range.most] }));
  return made;
}

const purposes = { heldOut: 101, training: 102 };

/** Architectures of each training step. */
const perStep = 4;

/**
 * Batches of examples in four groups, each with a code of its own: the smallest architecture, the largest and two
 * random ones (the sandwich rule of Yu and Huang 2019, section 3.2). `size` of the batches is divided by four: an example
 * of the new ones is a group, `{ input: { code, input: [n, ...] }, target: [n] }`.
 */
export function sandwiches(data: Batches<Example>, range: WidthRange, seed: number): Batches<Example> {
  const { most, least } = range;
  const grouped = ({ input, target }: Example, codes: NdArray) =>
    ({ input: { code: codes, input: tree.map(inGroups, input) }, target: tree.map(inGroups, target) }) as Example;
  const codesAt = (step: number): NdArray => {
    const random = randomAt(seed, purposes.training, step);
    const all = [least, most, drawn(random, range), drawn(random, range)];
    return ndarray(Float32Array.from(all.flatMap((own) => [...codeOf(own, most).data])), [perStep, most.length]);
  };
  const { input, target } = data.spec as unknown as Example;
  const inGroup = ({ shape: [size, ...shape], ...rest }: NdArray) => ({
    ...rest,
    shape: [perStep, size! / perStep, ...shape],
  });
  return {
    size: perStep,
    perEpoch: data.perEpoch,
    spec: {
      input: { code: { dtype: 'float32', shape: [perStep, most.length] }, input: tree.map(inGroup, input) },
      target: tree.map(inGroup, target),
    } as never,
    at: (step) => grouped(data.at(step) as Example, codesAt(step)) as never,
  };
}

const inGroups = ({ dtype, shape: [size, ...shape], data }: NdArray): NdArray => ({
  dtype,
  shape: [perStep, size! / perStep, ...shape],
  data,
});

/** Spearman's rank correlation; equal numbers share the mean of their ranks. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)];
  const middle = (a.length - 1) / 2;
  const product = (p: readonly number[], q: readonly number[]) =>
    p.reduce((sum, rank, i) => sum + (rank - middle) * (q[i]! - middle), 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

const ranks = (values: readonly number[]): number[] =>
  values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const same = values.filter((other) => other === value).length;
    return below + (same - 1) / 2;
  });

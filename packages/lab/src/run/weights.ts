import { type Engine, runOnce } from 'hyperloom/engine';
import type { Hypernetwork, Inspection, LayerActivity, Sensitivity, WeightReport } from 'hyperloom/hyper';
import { inspect } from 'hyperloom/hyper';
import { ArgumentError, type Aval, random, tree } from 'hyperloom/tensor';
import { asArrays, initialParams, openRun, type Run, type Trainable } from 'hyperloom/train';
import type { Trial } from '../recipes/recipe.ts';

/** A hypernetwork of which the commands know no more than that it is one. */
export type AnyHypernetwork = Hypernetwork<unknown, never, unknown, unknown, unknown, unknown>;

/** The main model of a run as a hypernetwork. */
export function hypernetworkOf(model: Trainable): AnyHypernetwork {
  if (!('materialise' in model))
    throw new ArgumentError(
      `expected a hypernetwork that generates weights from a code, got ${model.name}, whose weights are stored`,
    );
  return model as unknown as AnyHypernetwork;
}

/**
 * The code that a caller gave, as numbers or by the name of one of the trial's example codes; the first of these where
 * none was given, and undefined where the model takes none.
 * @throws ArgumentError for a code that the model does not take, or none where it takes one and has no example
 */
export function codeFor({ codeSize, codes = [], title }: Trial, text: string | undefined): unknown {
  if (text === undefined) {
    if (codes[0] !== undefined) return codes[0].code;
    if (codeSize === undefined) return undefined;
  } else {
    const named = codes.find(({ name }) => name === text);
    if (named !== undefined) return named.code;
    const numbers = numbersIn(text);
    if (codeSize !== undefined && numbers?.length === codeSize) return numbers;
  }
  const ways = [
    ...(codeSize === undefined ? [] : [`${codeSize} numbers with commas between them`]),
    ...(codes.length === 0 ? [] : [shortList(codes.map(({ name }) => name))]),
  ];
  throw new ArgumentError(
    `--code: expected ${ways.length === 0 ? 'none' : ways.join(', or ')} for the ${title}, got ${text === undefined ? 'none' : `"${text}"`}`,
  );
}

/**
 * The two example codes whose names a caller gave with `--between`.
 * @throws ArgumentError for other than two known names
 */
export function codesOfTwo({ codes = [], title }: Trial, text: string): readonly [unknown, unknown] {
  const names = text.split(',').map((name) => name.trim());
  const ends = names.flatMap((name) => codes.find((known) => known.name === name) ?? []);
  if (names.length === 2 && ends.length === 2) return [ends[0]!.code, ends[1]!.code];
  const known = codes.length === 0 ? 'none' : `two of ${shortList(codes.map(({ name }) => name))}`;
  throw new ArgumentError(`--between: expected ${known} for the ${title}, got "${text}"`);
}

/** Numbers with commas between them; undefined for any other text. */
export function numbersIn(text: string): number[] | undefined {
  const parts = text.split(',');
  const numbers = parts.map(Number);
  return parts.every((part, i) => part.trim() !== '' && Number.isFinite(numbers[i])) ? numbers : undefined;
}

const shortList = (names: readonly string[]): string =>
  names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} ... (${names.length} names)`;

/** Types and shapes of what `asArrays` takes. */
export const typesOf = (value: unknown): unknown =>
  tree.map(({ dtype, shape }: Aval): Aval => ({ dtype, shape }), asArrays(value));

/** What of a trial generates weights. */
export interface Generating {
  readonly trial: Trial;
  readonly run: Run<Trainable>;
  /** The parameters that training began with. */
  first(seed: number): Promise<unknown>;
}

/** The trial and its run as they are, or those of the hypernetwork within its model, where the trial names one. */
export function generating(trial: Trial, run: Run<Trainable>, engine: Engine): Generating {
  const first = (seed: number): Promise<unknown> =>
    runOnce(engine, () => initialParams(run.model, random.key(seed)) as unknown);
  const { part, ...rest } = trial;
  if (part === undefined) return { trial, run, first };
  return {
    trial: { ...rest, model: part.model, exampleInput: part.exampleInput },
    run: openRun(part.model, part.of(run.params), engine, run.step),
    first: async (seed) => part.of(await first(seed)),
  };
}

/** Every weight of the target at the start of a run and now. */
export async function inspectRun(
  { run, first: firstParams }: Generating,
  seed: number,
  engine: Engine,
  code?: unknown,
): Promise<Inspection> {
  const model = hypernetworkOf(run.model);
  const source = code === undefined ? [] : [code];
  const start = openRun(run.model, await firstParams(seed), engine);
  const first = await start.call(model.materialise as never, ...source);
  await start.dispose();
  const now = await run.call(model.materialise as never, ...source);
  return inspect(model, first, now);
}

/** A number in four significant digits. */
const short = (value: number): string => (value === 0 ? '0' : value.toPrecision(4));

/** Heads of the columns of {@link weightRow}. */
export const weightColumns = [
  'weight',
  'shape',
  'source',
  'count',
  'ordinary variance',
  'at start',
  'now',
  'least',
  'most',
  'zeros',
] as const;

/** One weight of a target as a row of a table. */
export const weightRow = ({ path, shape, source, count, expected, atInit, now }: WeightReport): (string | number)[] => [
  path,
  shape.join('x'),
  source,
  count,
  expected === undefined ? '' : short(expected),
  short(atInit.variance),
  short(now.variance),
  short(now.min),
  short(now.max),
  percent(now.zeros),
];

/** Heads of the columns of {@link movementRow}. */
export const movementColumns = ['weight', 'variance over codes', 'elements that no code moves'] as const;

/** How a generated weight moves with the code, as a row of a table. */
export const movementRow = ({ path, share, still }: Sensitivity['weights'][number]): string[] => [
  path,
  percent(share),
  percent(still),
];

/** Heads of the columns of {@link activityRow}. */
export const activityColumns = ['layer', 'activation', 'units', 'dead or saturated', 'flat on average'] as const;

/** The units of a layer, as a row of a table. */
export const activityRow = ({ layer, activation, units, stuck, flat }: LayerActivity): (string | number)[] => [
  layer,
  activation,
  units,
  stuck,
  percent(flat),
];

/** A share, as text. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

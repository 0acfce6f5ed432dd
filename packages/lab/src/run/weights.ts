import { type Engine, runOnce } from 'hyperloom/engine';
import type { Hypernetwork, Inspection, WeightReport } from 'hyperloom/hyper';
import { inspect } from 'hyperloom/hyper';
import { ArgumentError, type Aval, ndarray, random, tree } from 'hyperloom/tensor';
import { initialParams, openRun, type Run, type Trainable } from 'hyperloom/train';
import type { Trial } from '../recipes/recipe.ts';

/** A hypernetwork of which the commands know no more than that it is one. */
export type AnyHypernetwork = Hypernetwork<unknown, never, unknown, unknown, unknown, unknown>;

/** The main model of a run as a hypernetwork. */
export function hypernetworkOf(model: Trainable): AnyHypernetwork {
  if (!('materialise' in model)) throw new ArgumentError(`expected a run of a hypernetwork, got ${model.name}`);
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
    const numbers = text.split(',').map(Number);
    if (codeSize !== undefined && numbers.length === codeSize && numbers.every(Number.isFinite)) return numbers;
  }
  const ways = [
    ...(codeSize === undefined ? [] : [`${codeSize} numbers with commas between them`]),
    ...(codes.length === 0 ? [] : [shortList(codes.map(({ name }) => name))]),
  ];
  throw new ArgumentError(
    `--code: expected ${ways.length === 0 ? 'none' : ways.join(', or ')} for the ${title}, got ${text === undefined ? 'none' : `"${text}"`}`,
  );
}

const shortList = (names: readonly string[]): string =>
  names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} ... (${names.length} names)`;

/** Types and shapes of an array, of numbers as `run.call` takes them, or of a tree of these. */
export function typesOf(value: unknown): unknown {
  if (
    typeof value === 'number' ||
    (Array.isArray(value) && typeof value.flat(Number.POSITIVE_INFINITY)[0] === 'number')
  )
    return typesOf(ndarray(value as number[]));
  return tree.map(({ dtype, shape }: Aval): Aval => ({ dtype, shape }), value);
}

/** Every weight of the target at the start of a run and now. */
export async function inspectRun(
  run: Run<Trainable>,
  seed: number,
  engine: Engine,
  code?: unknown,
): Promise<Inspection> {
  const model = hypernetworkOf(run.model);
  const source = code === undefined ? [] : [code];
  const start = openRun(run.model, await firstParams(run.model, seed, engine), engine);
  const first = await start.call(model.materialise as never, ...source);
  await start.dispose();
  const now = await run.call(model.materialise as never, ...source);
  return inspect(model, first, now);
}

/** The parameters that training began with. */
const firstParams = (model: Trainable, seed: number, engine: Engine): Promise<unknown> =>
  runOnce(engine, () => initialParams(model, random.key(seed)) as unknown);

/** A number in four significant digits. */
const short = (value: number): string => (value === 0 ? '0' : value.toPrecision(4));

/** Heads of the columns of {@link weightRow}. */
export const weightColumns = ['weight', 'shape', 'source', 'count', 'ordinary variance', 'at start', 'now'] as const;

/** One weight of a target as a row of a table. */
export const weightRow = ({ path, shape, source, count, expected, atInit, now }: WeightReport): (string | number)[] => [
  path,
  shape.join('x'),
  source,
  count,
  expected === undefined ? '' : short(expected),
  short(atInit.variance),
  short(now.variance),
];

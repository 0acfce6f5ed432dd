import { type Engine, runOnce } from 'hyperloom/engine';
import type { Hypernetwork, Inspection, WeightReport } from 'hyperloom/hyper';
import { inspect } from 'hyperloom/hyper';
import { ArgumentError, random } from 'hyperloom/tensor';
import { initialParams, type Run, type Trainable } from 'hyperloom/train';
import type { Trial } from '../recipes/recipe.ts';

/** A hypernetwork of which the commands know no more than that it is one. */
export type AnyHypernetwork = Hypernetwork<unknown, never, unknown, unknown, unknown, unknown>;

/** The main model of a run as a hypernetwork. */
export function hypernetworkOf(model: Trainable): AnyHypernetwork {
  if (!('materialise' in model)) throw new ArgumentError(`expected a run of a hypernetwork, got ${model.name}`);
  return model as unknown as AnyHypernetwork;
}

/**
 * A code that a caller gave, if the model takes one of its size.
 * @throws ArgumentError when it takes none, another size, or none was given
 */
export function codeFor(
  { codeSize, title }: Trial,
  code: readonly number[] | undefined,
): readonly number[] | undefined {
  if (code?.length === codeSize) return code;
  const wanted = codeSize === undefined ? 'none' : `${codeSize} numbers`;
  throw new ArgumentError(`--code: expected ${wanted} for the ${title}, got ${code?.length ?? 'none'}`);
}

/** Every weight of the target at the start of a run and now. */
export async function inspectRun(
  run: Run<Trainable>,
  seed: number,
  engine: Engine,
  code?: readonly number[],
): Promise<Inspection> {
  const model = hypernetworkOf(run.model);
  const source = code === undefined ? [] : [code];
  const first = await runOnce(
    engine,
    () => model.materialise(initialParams(run.model, random.key(seed)) as never, ...(source as never[])) as unknown,
  );
  const now = await run.call(model.materialise as never, ...source);
  return inspect(model, first, now);
}

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

import { rows as rowsOf } from 'hyperloom/data';
import {
  type Activity,
  type Neighbour,
  nearestCodes,
  type Projection,
  probeActivity,
  probeSensitivity,
  projectCodes,
  readActivity,
  readSensitivity,
  type Sensitivity,
} from 'hyperloom/hyper';
import type { WeightSpec } from 'hyperloom/nn';
import { type Aval, type NdArray, ndarray, sizeOf, trace, tree } from 'hyperloom/tensor';
import { asArrays, type Example, type Run, type Trainable } from 'hyperloom/train';
import type { Trial } from '../recipes/recipe.ts';
import { hypernetworkOf } from './weights.ts';

/** A table of learned codes. */
export interface CodeTable {
  /** Path of the table among the parameters, or `example codes`. */
  readonly path: string;
  readonly names: readonly string[];
  readonly neighbours: readonly { readonly name: string; readonly neighbours: readonly Neighbour[] }[];
  readonly projection: Projection;
}

/** What a trained hypernetwork shows beside its weights. */
export interface Diagnosis {
  /** Absent where the model reads no code, or only one code is known. */
  readonly sensitivity?: Sensitivity;
  /** Absent where no example is known. */
  readonly activity?: Activity;
  readonly codes: readonly CodeTable[];
  readonly warnings: readonly string[];
}

/** Examples that the probes look at, at most. */
const most = 64;

/** Whether the code of a hypernetwork matters, which units are stuck, and how its codes lie. */
export async function diagnose(trial: Trial, run: Run<Trainable>): Promise<Diagnosis> {
  const model = hypernetworkOf(run.model);
  const examples = examplesOf(trial);
  const count = examples?.codes === undefined ? 0 : rowsIn(examples.codes);
  const losses = examples?.targets === undefined ? undefined : trial.loss;
  const sensing = (params: unknown, coded: Required<Probing>) => probeSensitivity(model, params, coded, losses);
  const sensitivity = count > 1 ? readSensitivity((await run.call(sensing as never, examples)) as never) : undefined;
  const probe = (params: unknown, { codes, inputs }: Probing) => probeActivity(model, params, { codes, inputs });
  // A network without an activation that could be stuck gives a program nothing to compute.
  const active =
    examples !== undefined && tree.leaves(trace(probe as never, model.spec, typed(examples)).output).length > 0;
  const activity = active ? readActivity((await run.call(probe as never, examples)) as never) : undefined;
  const codes = codeTables(trial, run);
  return {
    ...(sensitivity && { sensitivity }),
    ...(activity && { activity }),
    codes,
    warnings: [...(sensitivity?.warnings ?? []), ...(activity?.warnings ?? [])],
  };
}

/** Rows of codes, inputs and targets. */
interface Probing {
  readonly codes?: unknown;
  readonly inputs: unknown;
  readonly targets?: unknown;
}

const rowsIn = (arrays: unknown): number => tree.leaves<NdArray>(arrays)[0]?.shape[0] ?? 0;

const typed = (arrays: unknown): unknown => tree.map(({ dtype, shape }: Aval): Aval => ({ dtype, shape }), arrays);

/** The first examples of the trial; its example codes with its example input where it has none. */
function examplesOf({ examples, codes, exampleInput }: Trial): Probing | undefined {
  for (const { batch, count } of examples ?? []) {
    const { input, target } = rowsOf(batch, 0, Math.min(count, most)) as Example<{ code?: unknown; input: unknown }>;
    return { ...(input.code !== undefined && { codes: input.code }), inputs: input.input, targets: target };
  }
  if (exampleInput === undefined) return undefined;
  const all = (codes ?? []).slice(0, most).map(({ code }) => asArrays(code));
  // Sets of points may be of different sizes: those like the first make a batch.
  const known = all.filter((code) => sameForm([all[0], code]));
  const input = asArrays(exampleInput);
  if (known.length === 0) return codes === undefined ? { inputs: stacked([input]) } : undefined;
  return { codes: stacked(known), inputs: stacked(known.map(() => input)) };
}

/** Whether all trees have arrays of the same shapes. */
const sameForm = (trees: readonly unknown[]): boolean => new Set(trees.map((t) => JSON.stringify(typed(t)))).size === 1;

/** Trees of arrays, one behind the other along a new first axis. */
function stacked(trees: readonly unknown[]): unknown {
  return tree.map(
    (first: NdArray, ...others: NdArray[]): NdArray => {
      const all = [first, ...others];
      const size = sizeOf(first.shape);
      const { dtype, shape, data } = ndarray(
        new Float64Array(all.length * size),
        [all.length, ...first.shape],
        'float64',
      );
      all.forEach(({ data: own }, i) => {
        data.set(own, i * size);
      });
      return first.dtype === 'float64' ? { dtype, shape, data } : ndarray(Array.from(data), shape, first.dtype);
    },
    trees[0],
    ...trees.slice(1),
  );
}

/** Tables of learned codes; where there are none, the example codes, if they are vectors. */
function codeTables(trial: Trial, run: Run<Trainable>): CodeTable[] {
  const model = hypernetworkOf(run.model);
  const specs = Object.entries(tree.flatten<WeightSpec>(model.spec.code));
  const values = tree.flatten<NdArray>((run.params as { readonly code: unknown }).code);
  const known = trial.codes?.map(({ name }) => name);
  const learned = specs
    .filter(([, { role, shape }]) => role === 'code' && shape.length === 2 && shape[0]! > 1)
    .map(([path]) => ({ path: `code.${path}`, array: values[path]! }));
  const given = (trial.codes ?? []).map(({ code }) => asArrays(code) as NdArray);
  const vectors =
    given.length > 1 && sameForm(given) && given.every((code) => tree.isLeaf(code) && code.shape.length === 1);
  const tables =
    learned.length > 0 ? learned : vectors ? [{ path: 'example codes', array: stacked(given) as NdArray }] : [];
  return tables.map(({ path, array }) => {
    const count = array.shape[0]!;
    const names = known?.length === count ? known : Array.from({ length: count }, (_, i) => String(i));
    return { path, names, neighbours: nearestCodes(array, { count: 3, names }), projection: projectCodes(array) };
  });
}

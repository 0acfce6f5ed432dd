import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOnnxFile } from 'hyperloom/engine/ort';
import { type Aval, FormatError, isFloat, type NdArray, type Shape, sizeOf, tree, zerosArray } from 'hyperloom/tensor';
import type { ExportForm, Run, Trainable } from 'hyperloom/train';
import type { AnyHypernetwork } from './weights.ts';

/** The greatest difference between a file and the library that is let pass, in units of the greatest number, at least 1. */
export const tolerance = 1e-5;

/** What came of running a file. */
export interface Checked {
  /** The greatest difference from the library. */
  readonly error: number;
  /** Shapes of inputs and outputs by name; `batch` stands for the axis of any size. */
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs: Readonly<Record<string, readonly (number | string)[]>>;
}

/** What a file was made of. */
export interface Exported {
  readonly run: Run<Trainable>;
  readonly form: ExportForm;
  /** The code that is baked in, if one is. */
  readonly code: unknown;
  /** Types and shapes of one example. */
  readonly types: unknown;
}

const batches = [1, 5] as const;

/**
 * Runs a file in a process of its own, for batches of two sizes in one session, and holds every row to the library.
 * @throws FormatError when they differ by more than {@link tolerance}
 */
export async function checkFile(bytes: Uint8Array, exported: Exported): Promise<Checked> {
  const { form, types } = exported;
  const { code, input } = partsOf(exported.run, types);
  const own = {
    ...(form !== 'baked' && code !== undefined && { code }),
    ...(form !== 'generator' && (form === 'baked' && isParts(input) ? input : { input })),
  };
  const names = tree.paths(own);
  const sizes = names.length === 0 ? [1] : batches;
  const rows = sizes.map((size) => Array.from({ length: size }, (_, row) => example(own, row)));
  const calls = rows.map((batch) =>
    Object.fromEntries(names.map((name, i) => [name, stacked(batch.map((one) => tree.leaves<NdArray>(one)[i]!))])),
  );
  const found = await runTemporary(bytes, calls);
  let error = 0;
  const outputs: Record<string, readonly (number | string)[]> = {};
  for (const [i, batch] of rows.entries()) {
    for (const [row, one] of batch.entries()) {
      for (const [name, expected] of Object.entries(await library(exported, one))) {
        const output = found[i]![name]!;
        const byRow = output.shape.length > expected.shape.length;
        const size = sizeOf(expected.shape);
        error = Math.max(
          error,
          difference(byRow ? output.data.subarray(row * size, (row + 1) * size) : output.data, expected),
        );
        outputs[name] = byRow ? ['batch', ...expected.shape] : expected.shape;
      }
    }
  }
  if (!(error < tolerance))
    throw new FormatError(`export: expected a file within ${tolerance} of the library, got ${error.toPrecision(3)}`);
  const shapes = tree.leaves<Aval>(own).map(({ shape }, i) => [names[i]!, ['batch', ...shape]] as const);
  return { error, inputs: Object.fromEntries(shapes), outputs };
}

const isParts = (input: unknown): input is Readonly<Record<string, unknown>> =>
  !tree.isLeaf(input) && 'input' in (input as object);

/** Types of the code and of the target's input; an ordinary network has no code. */
const partsOf = ({ model }: Run<Trainable>, types: unknown): { readonly code?: unknown; readonly input: unknown } =>
  'materialise' in model ? (types as { readonly code?: unknown; readonly input: unknown }) : { input: types };

/** What the library gives for one example, by the names of the file's outputs. */
async function library({ run, form, code, types }: Exported, one: unknown): Promise<Record<string, NdArray>> {
  const { code: own, ...rest } = one as { readonly code?: unknown; readonly input: unknown };
  if (form === 'generator') return tree.flatten((await run.materialise(own)).params);
  const { input } = partsOf(run, types);
  const given = form === 'baked' && isParts(input) ? one : rest.input;
  const generates = 'materialise' in run.model;
  if (form === 'baked' && generates) return tree.flatten({ output: await ofTarget(run, code, given) });
  return tree.flatten({
    output: await run.apply(generates ? { ...(own !== undefined && { code: own }), input: given } : given),
  });
}

/** What the target gives with the weights of a code: the model itself may give more, such as a cost. */
function ofTarget(run: Run<Trainable>, code: unknown, input: unknown): Promise<unknown> {
  const { target, materialise } = run.model as unknown as AnyHypernetwork;
  const apply = (params: never, x: never, ...source: readonly never[]) =>
    target.apply(materialise(params, source[0]), x, { training: false });
  return run.call(apply, input, ...(code === undefined ? [] : [code]));
}

/** Numbers for one example, other ones for each row; whole numbers are 0, which every table and mask takes. */
const example = (types: unknown, row: number): unknown =>
  tree.map(({ dtype, shape }: Aval) => {
    const array = zerosArray(dtype, shape);
    if (isFloat(dtype)) for (let i = 0; i < array.data.length; i++) array.data[i] = Math.sin(3 * i + 1 + 0.37 * row);
    return array;
  }, types);

function stacked(arrays: readonly NdArray[]): NdArray {
  const [{ dtype, shape }] = arrays as [NdArray];
  const all = zerosArray(dtype, [arrays.length, ...(shape as Shape)]);
  arrays.forEach(({ data }, i) => {
    all.data.set(data, i * data.length);
  });
  return all;
}

function difference(found: ArrayLike<number>, { data }: NdArray): number {
  let [scale, worst] = [1, found.length === data.length ? 0 : Number.POSITIVE_INFINITY];
  data.forEach((x, i) => {
    scale = Math.max(scale, Math.abs(x));
    worst = Math.max(worst, Math.abs(x - found[i]!));
  });
  return worst / scale;
}

async function runTemporary(bytes: Uint8Array, calls: Parameters<typeof runOnnxFile>[1]) {
  const folder = await mkdtemp(join(tmpdir(), 'hyperloom-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeFile(path, bytes);
    return await runOnnxFile(path, calls);
  } finally {
    await rm(folder, { recursive: true });
  }
}

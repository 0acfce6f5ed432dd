import { type Exportable, exportGenerator, exportNetwork } from '../io/index.ts';
import { ArgumentError, type Aval, isFloat, ndarray, tree } from '../tensor/index.ts';
import type { Trainable } from './model.ts';
import type { Run } from './run.ts';
import { fitsTypes, showTypes } from './types.ts';

/** What a file computes: input to output with the weights of one code; code to weights; code and input to output. */
export type ExportForm = 'baked' | 'generator' | 'dynamic';

const forms: readonly ExportForm[] = ['baked', 'generator', 'dynamic'];

/** Settings of {@link exportRun}. */
export interface ExportOptions {
  readonly form: ExportForm;
  /** For `baked`, where the model reads a code: numbers, or a tree of arrays as `generate` takes it. */
  readonly code?: unknown;
  /** Types and shapes of one example, as `model.apply` takes it. A model of {@link openCheckpoint} knows its own. */
  readonly input?: unknown;
}

/**
 * A trained model as an ONNX file for other runtimes: see {@link io.exportNetwork} and {@link io.exportGenerator} for
 * names and axes. A network that no other generates has the form `baked` alone.
 * @throws ArgumentError for another form, a code where none is read, none where one is, or one of another size
 * @example
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: 3, head: heads.dense() });
 * const params = await runOnce(referenceEngine(), (key: Tensor) => model.init(key), random.keyArray(0));
 * const run = openRun(model, params, referenceEngine());
 * const input = { code: { dtype: 'float32', shape: [3] }, input: { dtype: 'float32', shape: [2] } };
 * const bytes = await exportRun(run, { form: 'baked', code: [0.1, 0.2, 0.3], input });
 */
export async function exportRun(run: Run<Trainable>, { form, code, input }: ExportOptions): Promise<Uint8Array> {
  if (!forms.includes(form)) throw new ArgumentError(`export: expected a form (${forms.join(', ')}), got "${form}"`);
  const { model, params } = run;
  const types = input ?? (model as { readonly input?: unknown }).input;
  if (types === undefined) throw new ArgumentError(`export: expected the types of an input of ${model.name}, got none`);
  if (!isExportable(model)) {
    if (form !== 'baked') throw new ArgumentError(`export: expected a hypernetwork for ${form}, got ${model.name}`);
    if (code !== undefined) throw new ArgumentError(`export: expected no code for ${model.name}, which reads none`);
    return exportNetwork(model, params, types);
  }
  const { code: codeTypes, input: inner } = types as { readonly code?: unknown; readonly input: unknown };
  if (form !== 'baked' && code !== undefined)
    throw new ArgumentError(`export: expected no code for ${form}, which reads it when it runs`);
  if (form === 'generator') return exportGenerator(model, params, codeTypes);
  if (form === 'dynamic') return exportNetwork(model, params, types);
  const { module, params: weights } = await run.materialise(codeAs(codeTypes, code));
  return exportNetwork(module, weights, inner);
}

const isExportable = (model: Trainable): model is Trainable & Exportable => 'materialise' in model;

/**
 * A code as arrays of the given types: numbers, nested or not, where it is a single array.
 * @param types a tree of types and shapes; undefined where no code is read
 * @throws ArgumentError when it is there but not read, not there but read, or of another size
 * @example
 * const code = codeAs({ dtype: 'float32', shape: [2] }, [0.5, 1]); // an array of float32 [2]
 */
export function codeAs(types: unknown, code: unknown): unknown {
  if (types === undefined) {
    if (code === undefined) return undefined;
    throw new ArgumentError('code: expected none, for the model reads none');
  }
  const single = tree.flatten<Aval>(types)[''];
  if (single && !isFloat(single.dtype) && isNumbers(code) && !isWhole(code))
    throw new ArgumentError(`code: expected ${showTypes(types)}, got ${JSON.stringify(code)}`);
  const given = single && isNumbers(code) ? ndarray(code, undefined, single.dtype) : code;
  if (!fitsTypes(types, given)) {
    const got = isNumbers(given) ? `only ${JSON.stringify(given)}` : showTypes(given);
    throw new ArgumentError(`code: expected ${showTypes(types)}, got ${got}`);
  }
  return given;
}

const isNumbers = (code: unknown): code is number | readonly number[] =>
  typeof code === 'number' || (Array.isArray(code) && code.every(isNumbers));

const isWhole = (code: number | readonly number[]): boolean =>
  typeof code === 'number' ? Number.isInteger(code) : code.every(isWhole);

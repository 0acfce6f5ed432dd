import { toPortableOnnx } from '../onnx/index.ts';
import { type NdArray, type Program, trace, tree } from '../tensor/index.ts';
import { type Describable, typesOf } from './describe.ts';

/** What {@link exportGenerator} takes: every hypernetwork. */
export interface Exportable extends Describable {
  materialise(params: never, code?: never): unknown;
}

/**
 * A network with its weights as an ONNX file that other runtimes read: input to output, or code and input to output
 * for a hypernetwork. Every input and output has a first axis `batch` of any size, so that each example may have a code
 * of its own. Inputs are called `input`, or `code` and `input`; a tree has its paths behind these names (`code.x`). The
 * output is called `output`, weights are constants under their paths, and nodes are called after their layers. See
 * {@link toPortableOnnx} for what readers must know.
 * @param params a tree of arrays of the form of the model's spec
 * @param input types and shapes of one example, as `model.apply` takes it
 * @throws ArgumentError or ShapeError when the model does not take such an input or such weights
 * @example
 * const model = nn.linear({ in: 2, out: 1 });
 * const params = { weight: ndarray([[1], [2]]), bias: ndarray([3]) };
 * const bytes = io.exportNetwork(model, params, { dtype: 'float32', shape: [2] }); // input [batch, 2] to output [batch, 1]
 */
export function exportNetwork(model: Describable, params: unknown, input: unknown): Uint8Array {
  const inputs = isRecordOfCode(input) ? input : { input };
  const run = (weights: never, own: Readonly<Record<string, never>>) => ({
    output: model.apply(weights, (inputs === input ? own : own.input) as never, { training: false }),
  });
  return written(params, inputs, trace(run as never, typesOf(params), typesOf(inputs)).program);
}

/**
 * The part of a hypernetwork that maps a code to weights as an ONNX file: all weights of the target, each as an output
 * of its path in the target. Those that the code decides have a first axis `batch`; stored ones are as they are. A
 * hypernetwork that reads no code has no input.
 * @param params a tree of arrays of the form of the hypernetwork's spec
 * @param code types and shapes of the code of one example; undefined for a hypernetwork that reads none
 * @throws ArgumentError or ShapeError when the hypernetwork does not take such a code or such weights
 * @example
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: 3, head: heads.dense() });
 * const params = await runOnce(referenceEngine(), (key: Tensor) => model.init(key), random.keyArray(0));
 * const bytes = io.exportGenerator(model, params, { dtype: 'float32', shape: [3] }); // code to weight and bias
 */
export function exportGenerator(model: Exportable, params: unknown, code?: unknown): Uint8Array {
  const inputs = code === undefined ? {} : { code };
  const run = (weights: never, own: { readonly code?: never }) =>
    tree.flatten(code === undefined ? model.materialise(weights) : model.materialise(weights, own.code));
  return written(params, inputs, trace(run as never, typesOf(params), typesOf(inputs)).program);
}

/** Whether an input is that of a hypernetwork, whose parts have names already. */
const isRecordOfCode = (input: unknown): input is Readonly<Record<string, unknown>> =>
  !tree.isLeaf(input) && !Array.isArray(input) && 'input' in (input as object);

/** The file of a program of weights and inputs. A weight whose path is the name of an input or output is renamed. */
function written(params: unknown, inputs: unknown, program: Program): Uint8Array {
  const open = tree.paths(inputs);
  const taken = new Set([...open, ...program.outputs.map(({ name }) => name)]);
  const paths = tree.paths(params).map((path) => (taken.has(path) ? `weights/${path}` : path));
  const names = [...paths, ...open];
  const arrays = tree.leaves<NdArray>(params);
  return toPortableOnnx(
    { ...program, inputs: program.inputs.map((input, i) => ({ ...input, name: names[i]! })) },
    Object.fromEntries(paths.map((path, i) => [path, arrays[i]!])),
  );
}

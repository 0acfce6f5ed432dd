import { isFloat, type NdArray, type Op, ops, type Program, zerosArray } from '../../tensor/index.ts';
import { checkInputs, checkInto, outputTypes } from '../check.ts';
import type { Engine } from '../engine.ts';

/** Floats widened to float64, the precision in which operations are defined. */
const widen = (array: NdArray): NdArray =>
  isFloat(array.dtype) && array.data instanceof Float32Array
    ? { ...array, data: Float64Array.from(array.data) }
    : array;

/**
 * Runs a program in float64, one operation at a time, by the definition in each operation's record.
 * @returns the outputs; floats are float64 data whatever their declared type
 */
export function evaluate(program: Program, inputs: readonly NdArray[]): NdArray[] {
  const values: NdArray[] = inputs.map(widen);
  for (const node of program.nodes) {
    const op: Op = ops[node.op];
    const results = op.eval(
      node.inputs.map((id) => values[id]!),
      node.attrs,
    );
    node.outputs.forEach(({ id }, i) => {
      values[id] = widen(results[i]!);
    });
  }
  return program.outputs.map(({ id }) => values[id]!);
}

/**
 * The slow engine that defines what every operation means: plain loops in float64. It is the tests' oracle, the judge
 * of gradients, and the way to run float64 programs.
 * @example
 * const engine = referenceEngine();
 * const { program } = trace((x: Tensor) => exp(x), { dtype: 'float32', shape: [2] });
 * const run = await engine.compile(program);
 * const [y] = await run.run([ndarray([0, 1])]); // 1, 2.718
 */
export const referenceEngine = (): Engine => ({
  name: 'reference',
  compile: async (program) => {
    const types = outputTypes(program);
    return {
      run: async (inputs, into) => {
        checkInputs(program, inputs);
        if (into) checkInto(program, types, into);
        const outputs = into ?? types.map(({ dtype, shape }) => zerosArray(dtype, shape));
        evaluate(program, inputs).forEach((value, i) => {
          outputs[i]!.data.set(value.data);
        });
        return outputs;
      },
      dispose: async () => {},
    };
  },
  dispose: async () => {},
});

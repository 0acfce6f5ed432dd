import type { NdArray } from './array.ts';
import { isFloat } from './dtype.ts';
import { opNamed } from './ops/named.ts';
import type { Program } from './program.ts';

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
    const results = opNamed(node.op).eval(
      node.inputs.map((id) => values[id]!),
      node.attrs,
    );
    node.outputs.forEach(({ id }, i) => {
      values[id] = widen(results[i]!);
    });
  }
  return program.outputs.map(({ id }) => values[id]!);
}

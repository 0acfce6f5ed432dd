import type { Program } from '../tensor/index.ts';
import { lower } from './lower.ts';
import type { Target } from './lowering/lowering.ts';
import { optimize } from './passes/optimize.ts';
import { encodeModel } from './proto.ts';

/** What a model is written for. */
export interface OnnxOptions extends Partial<Pick<Target, 'block'>> {
  /** Names of the outputs, in order; those of the program when absent. */
  readonly names?: readonly string[];
}

/**
 * A program as the bytes of an ONNX file (operator set 21). Inputs and outputs keep their names; nodes are named after
 * the layer and operation that they come from. The same program gives the same bytes.
 * @param options `block` is for ONNX Runtime on a processor that has its blocked convolutions: leave it out of a file
 * that others are to read
 * @throws DTypeError for a program with float64 values
 * @example
 * const { program } = trace((x: Tensor) => exp(x), { dtype: 'float32', shape: [3] });
 * const bytes = toOnnx(program);
 */
export function toOnnx(program: Program, { block = 0, names }: OnnxOptions = {}): Uint8Array {
  const outputs = program.outputs.map((output, i) => ({ ...output, name: names?.[i] ?? output.name }));
  return encodeModel(lower(optimize({ ...program, outputs }), { block }));
}

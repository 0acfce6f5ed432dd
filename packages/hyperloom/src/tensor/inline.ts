import { ArgumentError, DTypeError, ShapeError } from './errors.ts';
import { opNamed } from './ops/named.ts';
import type { Program, ValueId } from './program.ts';
import { currentScope, inScope } from './scope.ts';
import { sameShape, showShape } from './shape.ts';
import { emit, type Tensor } from './tensor.ts';

/**
 * Applies a program to tensors by adding its operations to the graph, as the function that it was traced from would.
 * So a program that was read from a file can be differentiated, vectorised and traced into another.
 * @param inputs one tensor for each input of the program, of its type and shape
 * @returns one tensor for each output
 * @throws ArgumentError for another number of inputs, ShapeError or DTypeError for one of another shape or type
 * @example
 * const { program } = trace((x: Tensor) => mul(x, x), { dtype: 'float32', shape: [] });
 * const slope = grad((x: Tensor) => callProgram(program, [x])[0]!)(constant(3)); // 6
 */
export function callProgram(program: Program, inputs: readonly Tensor[]): Tensor[] {
  if (inputs.length !== program.inputs.length)
    throw new ArgumentError(`callProgram: expected ${program.inputs.length} inputs, got ${inputs.length}`);
  const values = replay(program, inputs);
  return program.outputs.map(({ id }) => values.get(id) as Tensor);
}

/** Adds a program's operations to the graph, and gives every value of it by its number. */
export function replay(program: Program, inputs: readonly Tensor[]): Map<ValueId, Tensor> {
  const values = new Map<ValueId, Tensor>();
  program.inputs.forEach(({ id, name, dtype, shape }, i) => {
    const input = inputs[i] as Tensor;
    if (input.dtype !== dtype)
      throw new DTypeError(`callProgram: expected ${dtype} for input ${name}, got ${input.dtype}`);
    if (!sameShape(input.shape, shape))
      throw new ShapeError(
        `callProgram: expected ${showShape(shape)} for input ${name}, got ${showShape(input.shape)}`,
      );
    values.set(id, input);
  });
  const outer = currentScope();
  for (const { op, inputs: read, attrs, outputs, scope } of program.nodes) {
    const place = [outer, scope].filter((part) => part !== '').join('.');
    const from = read.map((id) => values.get(id) as Tensor);
    const results = inScope(place, () => emit(opNamed(op), from, attrs));
    outputs.forEach(({ id }, i) => {
      values.set(id, results[i] as Tensor);
    });
  }
  return values;
}

import {
  type Aval,
  DTypeError,
  type NdArray,
  type Program,
  ShapeError,
  sameShape,
  showShape,
} from '../tensor/index.ts';

function checkOne(kind: string, name: string, { dtype, shape }: Aval, array: NdArray | undefined): void {
  if (array === undefined) throw new ShapeError(`run: expected an array for ${kind} ${name}, got none`);
  if (array.dtype !== dtype) throw new DTypeError(`run: expected ${dtype} for ${kind} ${name}, got ${array.dtype}`);
  if (!sameShape(array.shape, shape))
    throw new ShapeError(`run: expected ${showShape(shape)} for ${kind} ${name}, got ${showShape(array.shape)}`);
}

/** Raises unless the arrays fit the inputs of a program in number, type and shape. */
export function checkInputs({ inputs }: Program, arrays: readonly NdArray[]): void {
  if (arrays.length !== inputs.length)
    throw new ShapeError(`run: expected ${inputs.length} inputs, got ${arrays.length}`);
  inputs.forEach((input, i) => {
    checkOne('input', input.name, input, arrays[i]);
  });
}

/** Types and shapes of the outputs of a program. */
export function outputTypes(program: Program): Aval[] {
  const types = new Map<number, Aval>();
  for (const input of program.inputs) types.set(input.id, input);
  for (const node of program.nodes) for (const output of node.outputs) types.set(output.id, output);
  return program.outputs.map(({ id }) => ({ dtype: types.get(id)!.dtype, shape: types.get(id)!.shape }));
}

/** Raises unless preallocated arrays fit the outputs of a program, whose types are {@link outputTypes}. */
export function checkInto({ outputs }: Program, types: readonly Aval[], into: readonly NdArray[]): void {
  if (into.length !== types.length)
    throw new ShapeError(`run: expected ${types.length} output arrays, got ${into.length}`);
  types.forEach((type, i) => {
    checkOne('output', outputs[i]!.name, type, into[i]);
  });
}

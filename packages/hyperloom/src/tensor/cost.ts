import { byteSize } from './dtype.ts';
import { opNamed } from './ops/named.ts';
import type { Program, ProgramNode, ValueId } from './program.ts';
import { type Aval, sizeOf } from './shape.ts';
import type { Work } from './tensor.ts';

/** What a program takes; see {@link programCost}. */
export interface Cost extends Work {
  /** Operations. */
  readonly nodes: number;
  readonly bytes: {
    readonly inputs: number;
    readonly outputs: number;
    /** Constants that the program holds. */
    readonly constants: number;
    /** All values between inputs and outputs. An engine needs less where it reuses their memory. */
    readonly intermediates: number;
  };
}

/** Bytes of an array of a type and shape. */
const bytesOf = ({ dtype, shape }: Aval): number => byteSize(dtype) * sizeOf(shape);

const total = (avals: readonly Aval[]): number => avals.reduce((n, aval) => n + bytesOf(aval), 0);

/** By default an operation goes once over the largest of what it reads and writes. */
const largest = (inputs: readonly Aval[], outputs: readonly Aval[]): Work => ({
  multiplyAdds: 0,
  elements: Math.max(...[...inputs, ...outputs].map(({ shape }) => sizeOf(shape))),
});

/** What is known of each value of a program. */
function avalsOf({ inputs, nodes }: Program): (id: ValueId) => Aval {
  const avals = new Map<ValueId, Aval>(inputs.map((input) => [input.id, input]));
  for (const node of nodes) for (const output of node.outputs) avals.set(output.id, output);
  return (id) => avals.get(id)!;
}

/**
 * What each operation of a program takes, in order; see {@link programCost}.
 * @example
 * const { program } = trace(matmul, { dtype: 'float32', shape: [2, 3] }, { dtype: 'float32', shape: [3, 4] });
 * const [product] = nodeWork(program); // { multiplyAdds: 24, elements: 0 }
 */
export function nodeWork(program: Program): Work[] {
  const avalOf = avalsOf(program);
  const workOf = ({ op, inputs, outputs, attrs }: ProgramNode): Work =>
    (opNamed(op).work ?? largest)(inputs.map(avalOf), outputs, attrs);
  return program.nodes.map(workOf);
}

/**
 * What a program takes, counted without running it: the multiply-adds of its matrix products and convolutions exactly
 * (products with padding included), the elements that all other operations go over, and the bytes of its values.
 * Reshapes and broadcasts take nothing: they are other views of the same numbers.
 * @example
 * const { program } = trace(matmul, { dtype: 'float32', shape: [2, 3] }, { dtype: 'float32', shape: [3, 4] });
 * const { multiplyAdds, bytes } = programCost(program); // 24; inputs 72, outputs 32
 */
export function programCost(program: Program): Cost {
  const { inputs, nodes, outputs } = program;
  const avalOf = avalsOf(program);
  const given = new Set(outputs.map(({ id }) => id));
  const works = nodeWork(program);
  const isView = ({ multiplyAdds, elements }: Work) => multiplyAdds + elements === 0;
  const constants = nodes.filter(({ op }) => op === 'constant');
  const between = nodes.filter((node, i) => !isView(works[i]!) && node.op !== 'constant');
  return {
    multiplyAdds: works.reduce((n, work) => n + work.multiplyAdds, 0),
    elements: works.reduce((n, work) => n + work.elements, 0),
    nodes: nodes.length,
    bytes: {
      inputs: total(inputs),
      outputs: total(outputs.map(({ id }) => avalOf(id))),
      constants: total(constants.flatMap((node) => node.outputs)),
      intermediates: total(between.flatMap((node) => node.outputs).filter(({ id }) => !given.has(id))),
    },
  };
}

import { byteSize } from './dtype.ts';
import { opNamed } from './ops/named.ts';
import type { Program, ProgramNode } from './program.ts';
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

/**
 * What a program takes, counted without running it: the multiply-adds of its matrix products and convolutions exactly
 * (products with padding included), the elements that all other operations go over, and the bytes of its values.
 * Reshapes and broadcasts take nothing: they are other views of the same numbers.
 * @example
 * const { program } = trace(matmul, { dtype: 'float32', shape: [2, 3] }, { dtype: 'float32', shape: [3, 4] });
 * const { multiplyAdds, bytes } = programCost(program); // 24; inputs 72, outputs 32
 */
export function programCost({ inputs, nodes, outputs }: Program): Cost {
  const avals = new Map<number, Aval>(inputs.map((input) => [input.id, input]));
  for (const node of nodes) for (const output of node.outputs) avals.set(output.id, output);
  const avalOf = (id: number): Aval => avals.get(id)!;
  const given = new Set(outputs.map(({ id }) => id));
  const workOf = (node: ProgramNode): Work => {
    return (opNamed(node.op).work ?? largest)(node.inputs.map(avalOf), node.outputs, node.attrs);
  };
  const works = nodes.map(workOf);
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

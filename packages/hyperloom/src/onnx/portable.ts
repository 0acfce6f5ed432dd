import {
  ArgumentError,
  type Aval,
  callProgram,
  type NdArray,
  type Program,
  sameShape,
  showShape,
  type Tensor,
  trace,
  type ValueId,
  vmap,
} from '../tensor/index.ts';
import { lower } from './lower.ts';
import { openBatch } from './openBatch.ts';
import { optimize } from './passes/optimize.ts';
import { encodeModel, type Graph, type Initializer, nodesWithin } from './proto.ts';
import { type Parted, scanBatch } from './scanBatch.ts';

/** Operators and file format that readers of the last years know (ONNX 1.12, 2022). */
const version = { opset: 17, ir: 8 } as const;
const target = { block: 0, standard: true } as const;
const lastSet: ReadonlySet<string> = new Set(['BitwiseXor']);

/**
 * A program of one example as an ONNX file for others to read: operators of ONNX alone (set 17), weights as constants
 * under their own names, and a first axis `batch` of any size on every other input and on every output that depends on
 * one. Where a graph of a fixed batch holds for any other, that graph is written; otherwise (a convolution whose kernel
 * differs by example, say) the operator `Scan` applies the graph of one example along the batch.
 * @param weights arrays by the names of the inputs that they stand for
 * @throws ArgumentError when a name is no input's, an array does not fit, or the program needs a later operator set
 * @throws DTypeError for a program with float64 values
 * @example
 * const f = (p: { w: Tensor; x: Tensor }) => ({ y: mul(p.w, p.x) });
 * const { program } = trace(f, { w: { dtype: 'float32', shape: [3] }, x: { dtype: 'float32', shape: [3] } });
 * const bytes = toPortableOnnx(program, { w: ndarray([1, 2, 3]) }); // x [batch, 3] to y [batch, 3]
 */
export function toPortableOnnx(program: Program, weights: Readonly<Record<string, NdArray>> = {}): Uint8Array {
  checkWeights(program, weights);
  const graph = portableGraph(program, Object.keys(weights));
  const odd = nodesWithin(graph).find(({ type }) => lastSet.has(type));
  if (odd)
    throw new ArgumentError(
      `onnx: expected operations of operator set ${version.opset}, got ${odd.type} for ${odd.name}; toOnnx writes it`,
    );
  const read = new Set(nodesWithin(graph).flatMap(({ inputs }) => inputs));
  const constants = Object.entries(weights).flatMap(([name, { dtype, shape, data }]): Initializer[] =>
    read.has(name) ? [{ name, dtype, shape, data }] : [],
  );
  return encodeModel({ ...graph, initializers: [...constants, ...graph.initializers] }, version);
}

function checkWeights({ inputs, outputs }: Program, weights: Readonly<Record<string, NdArray>>): void {
  for (const [name, array] of Object.entries(weights)) {
    const input = inputs.find((one) => one.name === name);
    if (input === undefined) throw new ArgumentError(`onnx: expected weights that are inputs, got ${name}`);
    if (input.dtype !== array.dtype || !sameShape(input.shape, array.shape)) {
      const show = ({ dtype, shape }: Aval) => `${dtype} ${showShape(shape)}`;
      throw new ArgumentError(`onnx: expected ${name} as ${show(input)}, got ${show(array)}`);
    }
  }
  const names = [...inputs, ...outputs].map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ArgumentError(`onnx: expected each name once, got ${twice} twice`);
}

function portableGraph(program: Program, outside: readonly string[]): Graph {
  const parts = parted(program, outside);
  if (parts.open.length === 0) return lower(optimize(program), target, outside);
  const write = (one: Program) => lower(optimize(one), target, outside);
  return (
    openBatch((size) => write(batched(program, parts, size)), sizesFor(program), parts.open[0]!) ??
    scanBatch(program, parts, write)
  );
}

/** A program parted into what depends on an example and what does not. */
function parted(program: Program, outside: readonly string[]): Parted {
  const { inputs, nodes, outputs } = program;
  const isOpen = (name: string) => !outside.includes(name);
  const open = inputs.filter(({ name }) => isOpen(name));
  const depends = new Set<ValueId>(open.map(({ id }) => id));
  for (const node of nodes)
    if (node.inputs.some((id) => depends.has(id))) for (const { id } of node.outputs) depends.add(id);
  return {
    open: open.map(({ name }) => name),
    rows: outputs.filter(({ id }) => depends.has(id)).map(({ name }) => name),
    once: {
      inputs: inputs.filter(({ name }) => !isOpen(name)),
      nodes: nodes.filter((node) => node.outputs.every(({ id }) => !depends.has(id))),
      outputs: outputs.filter(({ id }) => !depends.has(id)),
    },
  };
}

/** The program over a batch of a fixed size, of the same names. */
function batched(program: Program, { open, rows, once }: Parted, size: number): Program {
  const run = (all: Readonly<Record<string, Tensor>>): Record<string, Tensor> => {
    const pick = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, all[name]!]));
    const one = (examples: Readonly<Record<string, Tensor>>): Record<string, Tensor> => {
      const results = callByName(program, { ...all, ...examples });
      return Object.fromEntries(rows.map((name) => [name, results[name]!]));
    };
    return { ...vmap(one)(pick(open)), ...callByName(once, all) };
  };
  const avals = program.inputs.map(({ name, dtype, shape }) => [
    name,
    { dtype, shape: open.includes(name) ? [size, ...shape] : shape },
  ]);
  const traced = trace(run as (...args: never[]) => Record<string, Tensor>, Object.fromEntries(avals));
  const ids = new Map(traced.program.outputs.map((output) => [output.name, output]));
  return { ...traced.program, outputs: program.outputs.map(({ name }) => ids.get(name)!) };
}

/** A program called on tensors by the names of its inputs, with its results by theirs. */
function callByName(program: Program, inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const results = callProgram(
    program,
    program.inputs.map(({ name }) => inputs[name]!),
  );
  return Object.fromEntries(program.outputs.map(({ name }, i) => [name, results[i]!]));
}

const isPrime = (n: number): boolean => {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
  return true;
};

/** Three sizes of a batch that divide no other size of the program, so that nothing is equal to one by chance. */
function sizesFor({ inputs, nodes }: Program): readonly [number, number, number] {
  const sizes = new Set([...inputs, ...nodes.flatMap(({ outputs }) => outputs)].flatMap(({ shape }) => shape));
  const found: number[] = [];
  for (let n = 11; found.length < 3; n++) if (isPrime(n) && [...sizes].every((size) => size % n !== 0)) found.push(n);
  return found as [number, number, number];
}

import { type Aval, DTypeError, ops, type Program, type ProgramNode, type ValueId } from '../tensor/index.ts';
import { Builder } from './builder.ts';
import { blockedElementwise } from './lowering/blocked.ts';
import type { Call, Lowering, Target } from './lowering/lowering.ts';
import { lowerings } from './lowering/table.ts';
import type { Graph } from './proto.ts';
import { Value } from './value.ts';

/** ONNX kernels are narrower than the definitions: float64 belongs to the reference engine. */
function checkTypes(values: readonly Aval[], where: string): void {
  if (values.some(({ dtype }) => dtype === 'float64'))
    throw new DTypeError(
      `onnx: expected float32, int32, uint32 or bool in ${where}, got float64; the reference engine runs it`,
    );
}

const placeOf = ({ op, scope }: ProgramNode): string => (scope === '' ? op : `${op} of ${scope}`);

/**
 * Writes a program as an ONNX graph, operation by operation.
 * @param outside names of inputs that are values outside of the graph: constants of a file, or of a graph around it
 */
export function lower(program: Program, target: Target, outside: readonly string[] = []): Graph {
  const given = new Set(outside);
  const around = new Map(
    program.inputs.flatMap((input): [ValueId, Value][] =>
      given.has(input.name) ? [[input.id, new Value(input, input.name)]] : [],
    ),
  );
  return lowerInto(new Builder(outside), program, target, around);
}

/**
 * Writes a program as a graph with the help of a builder.
 * @param around inputs that are values outside of the graph
 */
function lowerInto(b: Builder, program: Program, target: Target, around: ReadonlyMap<ValueId, Value>): Graph {
  checkTypes(program.inputs, 'the inputs');
  const values = new Map<ValueId, Value>(around);
  const inputs = program.inputs
    .filter(({ id }) => !around.has(id))
    .map((input) => ({ ...input, name: b.unique(input.name) }));
  const ends = program.outputs.map(({ name }) => b.unique(name));
  for (const input of inputs) values.set(input.id, new Value(input, input.name));
  const reads = new Map<ValueId, number>();
  for (const id of [...program.nodes.flatMap((node) => node.inputs), ...program.outputs.map((output) => output.id)])
    reads.set(id, (reads.get(id) ?? 0) + 1);
  for (const node of program.nodes) {
    checkTypes(node.outputs, placeOf(node));
    const prefix = node.scope === '' ? node.op : `${node.scope}/${node.op}`;
    b.prefix = prefix;
    const read = node.inputs.map((id) => values.get(id) as Value);
    const write = lowerings[node.op] as Lowering;
    const body: Call['body'] = (inner, given) => lowerInto(b.within(prefix), inner, target, given);
    const call: Call = { b, inputs: read, outputs: node.outputs, attrs: node.attrs, target, body };
    const own = () => write(call);
    const written = ops[node.op].elementwise ? (blockedElementwise(call, write) ?? own()) : own();
    const results = Array.isArray(written) ? (written as readonly (string | Value)[]) : [written as string | Value];
    node.outputs.forEach((output, i) => {
      const result = results[i] as string | Value;
      const value = typeof result === 'string' ? new Value(output, result) : result;
      values.set(output.id, reads.get(output.id)! > 1 ? value.unbiased() : value);
    });
  }
  b.prefix = '';
  // Everything is written before anything is renamed, for what is written late reads values by their first names.
  const firsts = program.outputs.map(({ id }) => (values.get(id) as Value).name());
  /** What values that became outputs are called now. */
  const renamed = new Map<string, string>();
  const outputs = program.outputs.map(({ id }, i) => {
    const value = values.get(id) as Value;
    const first = firsts[i] as string;
    const name = renamed.get(first) ?? first;
    const end = ends[i] as string;
    if (name === first && b.rename(name, end)) renamed.set(first, end);
    else b.alias(name, end);
    return { name: end, dtype: value.dtype, shape: value.shape };
  });
  return b.graph(inputs, outputs);
}

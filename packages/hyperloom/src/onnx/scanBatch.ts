import type { Program } from '../tensor/index.ts';
import { batchAxis } from './openBatch.ts';
import type { Graph, GraphValue, OnnxNode } from './proto.ts';

/** What names of values inside the body begin with; values of a body must have other names than those around it. */
const inside = 'example';

/** A program parted into what depends on an example and what does not. */
export interface Parted {
  /** Names of the inputs that have one value for each example; the others are values outside of the graph. */
  readonly open: readonly string[];
  /** Names of the outputs that depend on these. */
  readonly rows: readonly string[];
  /** What gives the other outputs. */
  readonly once: Program;
}

/**
 * The graph that applies the graph of one example along the batch, by the operator Scan. It holds for any program.
 * @param write the graph of a program whose inputs without an example are values outside of it
 */
export function scanBatch(program: Program, { open, rows, once }: Parted, write: (part: Program) => Graph): Graph {
  const around = write(once);
  const within = <T extends { readonly name: string }>(value: T): T => ({ ...value, name: `${inside}/${value.name}` });
  const one = write({
    inputs: program.inputs.map((input) => (open.includes(input.name) ? within(input) : input)),
    nodes: program.nodes.map((node) => ({
      ...node,
      scope: node.scope === '' ? inside : `${inside}/${node.scope}`,
    })),
    outputs: program.outputs.filter(({ name }) => rows.includes(name)).map(within),
  });
  // Constants of the body and of the graph around it may be called alike.
  const body: Graph = renamed(one, new Map(one.initializers.map(({ name }) => [name, `${inside}/${name}`])));
  const opened = (value: GraphValue): GraphValue => ({
    ...value,
    name: value.name.slice(inside.length + 1),
    shape: [1, ...value.shape],
    openAxis: batchAxis,
  });
  const outputs = new Map([...around.outputs, ...one.outputs.map(opened)].map((value) => [value.name, value]));
  return {
    nodes: [
      ...around.nodes,
      {
        name: batchAxis,
        type: 'Scan',
        domain: '',
        inputs: [...open],
        outputs: one.outputs.map(({ name }) => name.slice(inside.length + 1)),
        attrs: { body: { graph: body }, num_scan_inputs: open.length },
      },
    ],
    initializers: around.initializers,
    inputs: one.inputs.map(opened),
    outputs: program.outputs.map(({ name }) => outputs.get(name)!),
  };
}

/** A graph with other names for some of its values, in the graphs inside it too. */
function renamed(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const name = (old: string): string => names.get(old) ?? old;
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(name), attrs: renamedWithin(node, names) })),
    initializers: graph.initializers.map((constant) => ({ ...constant, name: name(constant.name) })),
  };
}

/** Attributes with other names in their graphs for values from around them; values of their own keep theirs. */
const renamedWithin = ({ attrs }: OnnxNode, names: ReadonlyMap<string, string>): OnnxNode['attrs'] =>
  Object.fromEntries(
    Object.entries(attrs).map(([key, attr]) => {
      if (typeof attr !== 'object' || !('graph' in attr)) return [key, attr];
      const own = new Set(attr.graph.initializers.map((constant) => constant.name));
      const others = new Map([...names].filter(([old]) => !own.has(old)));
      return [key, { graph: renamed(attr.graph, others) }];
    }),
  );

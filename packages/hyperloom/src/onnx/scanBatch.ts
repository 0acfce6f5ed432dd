import type { Program } from '../tensor/index.ts';
import { batchAxis } from './openBatch.ts';
import { type Graph, type GraphValue, graphsOf } from './proto.ts';

/** What names of values inside the body begin with: no value may have the name of one around it. */
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
  const body = prefixed(write({ ...program, outputs: program.outputs.filter(({ name }) => rows.includes(name)) }));
  const opened = (value: GraphValue): GraphValue => ({
    ...value,
    name: value.name.slice(inside.length + 1),
    shape: [1, ...value.shape],
    openAxis: batchAxis,
  });
  const outputs = new Map([...around.outputs, ...body.outputs.map(opened)].map((value) => [value.name, value]));
  return {
    nodes: [
      ...around.nodes,
      {
        name: batchAxis,
        type: 'Scan',
        domain: '',
        inputs: [...open],
        outputs: body.outputs.map(({ name }) => name.slice(inside.length + 1)),
        attrs: { body: { graph: body }, num_scan_inputs: open.length },
      },
    ],
    initializers: around.initializers,
    inputs: body.inputs.map(opened),
    outputs: program.outputs.map(({ name }) => outputs.get(name)!),
  };
}

/** A graph whose values, and those of the graphs inside it, begin with the name of the body. Values around it keep theirs. */
function prefixed(graph: Graph): Graph {
  const names = new Map(ownNames(graph).map((name) => [name, `${inside}/${name}`]));
  const of = (name: string): string => names.get(name) ?? name;
  const value = <T extends { readonly name: string }>(own: T): T => ({ ...own, name: of(own.name) });
  const renamed = ({ nodes, initializers, inputs, outputs }: Graph): Graph => ({
    nodes: nodes.map((node) => ({
      ...node,
      name: `${inside}/${node.name}`,
      inputs: node.inputs.map(of),
      outputs: node.outputs.map(of),
      attrs: Object.fromEntries(
        Object.entries(node.attrs).map(([key, attr]) => [
          key,
          typeof attr === 'object' && 'graph' in attr ? { graph: renamed(attr.graph) } : attr,
        ]),
      ),
    })),
    initializers: initializers.map(value),
    inputs: inputs.map(value),
    outputs: outputs.map(value),
  });
  return renamed(graph);
}

/** The names that a graph, and those inside it, give to values; an absent output has none. */
const ownNames = ({ nodes, initializers, inputs }: Graph): string[] => [
  ...[...initializers, ...inputs].map(({ name }) => name),
  ...nodes.flatMap((node) => [...node.outputs.filter((name) => name !== ''), ...graphsOf(node).flatMap(ownNames)]),
];

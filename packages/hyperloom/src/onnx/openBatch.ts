import { sameShape } from '../tensor/index.ts';
import { Builder } from './builder.ts';
import { type Graph, type GraphValue, graphsOf, type Initializer, type NodeAttr, type OnnxNode } from './proto.ts';

/** A whole number that is `base + slope * size` for every size of the batch. */
interface Linear {
  readonly base: number;
  readonly slope: number;
}

type Three<T> = readonly [T, T, T];

/** The name of the axis that is open. */
export const batchAxis = 'batch';

/**
 * The graph that holds for a batch of any size, from the graphs of three sizes: they must have the same nodes, and
 * numbers in their shapes that are linear in the size. Undefined where they do not, as where a convolution has a group
 * for each example.
 * @param write the graph for a batch of a given size
 * @param sizes no two alike; the third checks what the first two say
 * @param first an input that has the batch, of which the size is asked at run time
 */
export function openBatch(write: (size: number) => Graph, sizes: Three<number>, first: string): Graph | undefined {
  const graphs = sizes.map(write) as unknown as Three<Graph>;
  const b = new Builder(valueNames(graphs[0]));
  const size = new BatchSize(b, first);
  const opened = open(graphs, { sizes, size, levels: [] });
  if (opened === undefined) return undefined;
  const own = b.graph([], []);
  return {
    ...opened,
    nodes: [...own.nodes, ...opened.nodes],
    initializers: [...opened.initializers, ...own.initializers],
  };
}

/** The constants of a graph in its three sizes, and those that stay as they are. */
interface Level {
  readonly constants: Three<ReadonlyMap<string, Initializer>>;
  readonly kept: Map<string, Initializer>;
}

/** What graphs are opened with: the sizes, what writes numbers that follow them, and constants from the inside out. */
interface Opening {
  readonly sizes: Three<number>;
  readonly size: BatchSize;
  readonly levels: readonly Level[];
}

/** One graph of three that differ in the size of the batch alone. Numbers that follow the size are written outside of it. */
function open(graphs: Three<Graph>, around: Opening): Graph | undefined {
  const [one] = graphs;
  const { sizes, size } = around;
  const constants = graphs.map(({ initializers }) => new Map(initializers.map((c) => [c.name, c])));
  const level: Level = { constants: constants as unknown as Level['constants'], kept: new Map() };
  const inner: Opening = { ...around, levels: [level, ...around.levels] };
  const nodes: OnnxNode[] = [];
  if (graphs.some((graph) => graph.nodes.length !== one.nodes.length)) return undefined;
  for (const [i, node] of one.nodes.entries()) {
    const three = graphs.map((graph) => graph.nodes[i]!) as unknown as Three<OnnxNode>;
    if (!three.every((other) => sameNode(node, other))) return undefined;
    const inputs: string[] = [];
    for (const [at, name] of node.inputs.entries()) {
      const read = constantsOf(three.map((other) => other.inputs[at]!) as unknown as Three<string>, inner);
      if (read === undefined) {
        if (!three.every((other) => other.inputs[at] === name)) return undefined;
        inputs.push(name);
        continue;
      }
      const { found, kept } = read;
      const numbers = alike(found) ? linear(found, sizes) : undefined;
      if (numbers === undefined) return undefined;
      if (numbers.every(({ slope }) => slope === 0)) {
        kept.set(name, found[0]);
        inputs.push(name);
      } else if (found[0].dtype !== 'int64' || found[0].shape.length !== 1) return undefined;
      else inputs.push(node.type === 'Reshape' ? size.inReshape(numbers) : size.list(numbers));
    }
    const attrs = openAttrs(three, inner);
    if (attrs === undefined) return undefined;
    nodes.push({ ...node, inputs, attrs });
  }
  const [inputs, outputs] = (['inputs', 'outputs'] as const).map((side) =>
    one[side].map((value, i) =>
      openAxis(graphs.map((graph) => graph[side][i]!) as unknown as Three<GraphValue>, sizes, value),
    ),
  ) as [(GraphValue | undefined)[], (GraphValue | undefined)[]];
  if ([...inputs, ...outputs].some((value) => value === undefined)) return undefined;
  return {
    nodes,
    initializers: [...level.kept.values()],
    inputs: inputs as GraphValue[],
    outputs: outputs as GraphValue[],
  };
}

/** The constants of three names, of a graph or one around it, and where that keeps its own; undefined for other values. */
function constantsOf(
  names: Three<string>,
  { levels }: Opening,
): { found: Three<Initializer>; kept: Level['kept'] } | undefined {
  for (const { constants, kept } of levels) {
    const found = names.map((name, g) => constants[g]!.get(name)) as unknown as Three<Initializer | undefined>;
    if (isThree(found)) return { found, kept };
  }
  return undefined;
}

/** The attributes of three nodes, of which the graphs may differ in the size of the batch. */
function openAttrs(nodes: Three<OnnxNode>, around: Opening): OnnxNode['attrs'] | undefined {
  const attrs: Record<string, NodeAttr> = {};
  for (const [key, attr] of Object.entries(nodes[0].attrs)) {
    if (!isGraph(attr)) {
      attrs[key] = attr;
      continue;
    }
    const bodies = nodes.map((node) => node.attrs[key]!);
    if (!bodies.every(isGraph)) return undefined;
    const graph = open(bodies.map((body) => body.graph) as unknown as Three<Graph>, around);
    if (graph === undefined) return undefined;
    attrs[key] = { graph };
  }
  return attrs;
}

const isGraph = (attr: NodeAttr): attr is { readonly graph: Graph } => typeof attr === 'object' && 'graph' in attr;

/** Every name that a graph, or one inside it, gives to a value or reads. */
const valueNames = (graph: Graph): string[] => [
  ...[...graph.initializers, ...graph.inputs, ...graph.outputs].map(({ name }) => name),
  ...graph.nodes.flatMap((node) => [...node.inputs, ...node.outputs, ...graphsOf(node).flatMap(valueNames)]),
];

const isThree = <T>(found: Three<T | undefined>): found is Three<T> => found.every((c) => c !== undefined);

const sameNode = (a: OnnxNode, b: OnnxNode): boolean =>
  a.type === b.type &&
  a.domain === b.domain &&
  a.inputs.length === b.inputs.length &&
  a.outputs.length === b.outputs.length &&
  a.outputs.every((name, i) => name === b.outputs[i]) &&
  JSON.stringify(plainAttrs(a)) === JSON.stringify(plainAttrs(b));

const plainAttrs = ({ attrs }: OnnxNode) => Object.entries(attrs).filter(([, attr]) => !isGraph(attr));

const alike = ([a, b, c]: Three<Initializer>): boolean =>
  [b, c].every((other) => a.dtype === other.dtype && sameShape(a.shape, other.shape));

/** The elements of a constant as numbers linear in the size; undefined when one is not. */
function linear([a, b, c]: Three<Initializer>, [m, n, o]: Three<number>): Linear[] | undefined {
  const found: Linear[] = [];
  for (let i = 0; i < a.data.length; i++) {
    const [x, y, z] = [a, b, c].map(({ data }) => Number(data[i])) as [number, number, number];
    const slope = Object.is(x, y) ? 0 : (y - x) / (n - m);
    const base = slope === 0 ? x : x - slope * m;
    if (slope === 0 ? !Object.is(x, z) : z !== base + slope * o || !Number.isInteger(slope)) return undefined;
    found.push({ base, slope });
  }
  return found;
}

/** A value with its first axis open where that follows the size; undefined where sizes follow it in another way. */
function openAxis(three: Three<GraphValue>, sizes: Three<number>, value: GraphValue): GraphValue | undefined {
  if (three.every(({ shape }) => sameShape(shape, value.shape))) return value;
  const follows = three.every(
    ({ shape }, i) => shape[0] === sizes[i] && sameShape(shape.slice(1), value.shape.slice(1)),
  );
  return follows ? { ...value, openAxis: batchAxis } : undefined;
}

/** Writes numbers that follow the size of the batch, which is asked of an input when the graph runs. */
class BatchSize {
  readonly #b: Builder;
  readonly #first: string;
  readonly #written = new Map<string, string>();
  constructor(b: Builder, first: string) {
    this.#b = b;
    this.#first = first;
    b.prefix = batchAxis;
  }

  /** A list of numbers. */
  list(numbers: readonly Linear[]): string {
    return this.#once(JSON.stringify(numbers), () => {
      const parts: string[] = [];
      for (let i = 0; i < numbers.length; i++) {
        const fixed: number[] = [];
        for (; numbers[i]?.slope === 0; i++) fixed.push(numbers[i]!.base);
        if (fixed.length > 0) parts.push(this.#b.ints(fixed));
        const next = numbers[i];
        if (next !== undefined) parts.push(this.#number(next));
      }
      return parts.length === 1 ? parts[0]! : this.#b.node('Concat', parts, { axis: 0 });
    });
  }

  /** A list of sizes for a reshape, which finds one open size by itself. */
  inReshape(numbers: readonly Linear[]): string {
    const open = numbers.filter(({ slope }) => slope !== 0);
    const simple =
      open.length === 1 && open[0]!.base === 0 && numbers.every(({ base, slope }) => base > 0 || slope > 0);
    return simple ? this.#b.ints(numbers.map(({ base, slope }) => (slope === 0 ? base : -1))) : this.list(numbers);
  }

  #number({ base, slope }: Linear): string {
    const size = this.#once('size', () => this.#b.node('Shape', [this.#first], { start: 0, end: 1 }));
    const many = slope === 1 ? size : this.#b.node('Mul', [size, this.#b.ints([slope])]);
    return base === 0 ? many : this.#b.node('Add', [many, this.#b.ints([base])]);
  }

  #once(key: string, write: () => string): string {
    const found = this.#written.get(key) ?? write();
    this.#written.set(key, found);
    return found;
  }
}

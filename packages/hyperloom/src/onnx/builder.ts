import { allocate, type DType, type NdArray, type Shape, sameShape, sizeOf } from '../tensor/index.ts';
import {
  dataType,
  type Graph,
  type GraphValue,
  graphsOf,
  type Initializer,
  type NodeAttr,
  nodesWithin,
  type OnnxNode,
} from './proto.ts';

/** Options of a node beyond its attributes. */
interface NodeOptions {
  readonly domain?: string;
  readonly outputs?: number;
}

/** Collects the nodes and constants of an ONNX graph, and names them. Equal constants are shared. */
export class Builder {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, Initializer>();
  readonly #used: Set<string>;
  /** What the names of new nodes begin with: the scope and operation that they come from. */
  prefix = '';

  /** @param taken names that values outside of the graph have; a set is shared, and takes the names of this graph too */
  constructor(taken: Iterable<string> = []) {
    this.#used = taken instanceof Set ? taken : new Set(taken);
  }

  /** A builder for a graph inside this one, with no name in common. */
  within(prefix: string): Builder {
    const inner = new Builder(this.#used);
    inner.prefix = prefix;
    return inner;
  }

  /** Adds a node with several outputs and gives their names. An absent optional input is ''. */
  nodes(
    type: string,
    inputs: readonly string[],
    attrs: Readonly<Record<string, NodeAttr>> = {},
    { domain = '', outputs = 1 }: NodeOptions = {},
  ): string[] {
    const name = this.unique(`${this.prefix}${this.prefix === '' ? '' : '/'}${type}`);
    const names = Array.from({ length: outputs }, (_, i) => (outputs === 1 ? name : `${name}.${i}`));
    this.#nodes.push({ name, type, domain, inputs, outputs: names, attrs });
    return names;
  }

  /** Adds a node with one output and gives its name. */
  node(
    type: string,
    inputs: readonly string[],
    attrs: Readonly<Record<string, NodeAttr>> = {},
    options: NodeOptions = {},
  ): string {
    return this.nodes(type, inputs, attrs, options)[0] as string;
  }

  /** A name that no value has yet. */
  unique(wish: string): string {
    let name = wish;
    for (let i = 1; this.#used.has(name); i++) name = `${wish}_${i}`;
    this.#used.add(name);
    return name;
  }

  /** A constant. */
  array({ dtype, shape, data }: NdArray): string {
    return this.#constant(dtype, shape, data);
  }

  /** A constant with no axes. */
  scalar(dtype: DType, value: number): string {
    const data = allocate(dtype, 1);
    data[0] = value;
    return this.#constant(dtype, [], data);
  }

  /** An int64 constant, as shapes and axes are given. */
  ints(values: readonly number[]): string {
    return this.#constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Casts to another element type. */
  cast(x: string, to: DType | 'int64'): string {
    return this.node('Cast', [x], { to: dataType(to) });
  }

  /** Nodes that are written once, when their result is first asked for, and named after what is written now. */
  later(write: () => string): () => string {
    const { prefix } = this;
    let name: string | undefined;
    return () => {
      if (name !== undefined) return name;
      const before = this.prefix;
      this.prefix = prefix;
      name = write();
      this.prefix = before;
      return name;
    };
  }

  /** Views the elements under another shape. */
  reshape(x: string, from: Shape | undefined, to: Shape): string {
    return from !== undefined && sameShape(from, to) ? x : this.node('Reshape', [x, this.ints(to)]);
  }

  /**
   * Views elements of shape `from` as `view`, reorders those axes, and views the result as `to`. Axes that stay together
   * move as one and axes of size 1 do not move: transposes of five and more axes are slow.
   */
  rearrange(x: string, from: Shape, view: Shape, perm: readonly number[], to: Shape): string {
    const runs: number[][] = [];
    for (const axis of perm.filter((p) => view[p] !== 1)) {
      const last = runs.at(-1);
      // Follows its predecessor when only axes of size 1 lie between them.
      const next = last && view.findIndex((d, i) => i > (last.at(-1) as number) && d !== 1);
      if (last && next === axis) last.push(axis);
      else runs.push([axis]);
    }
    if (runs.length < 2) return this.reshape(x, from, to);
    const sizes = runs.map((run) => sizeOf(run.map((axis) => view[axis] as number)));
    const order = runs.map((_, i) => i).sort((a, b) => runs[a]![0]! - runs[b]![0]!);
    const merged = order.map((i) => sizes[i] as number);
    let name = this.reshape(x, from, merged);
    let shape = merged;
    for (const perm of quickMoves(
      runs.map((_, i) => order.indexOf(i)),
      merged,
    )) {
      name = this.#move(name, shape, perm);
      shape = perm.map((p) => shape[p] as number);
    }
    return this.reshape(name, sizes, to);
  }

  /** Reorders axes, those that stay side by side as one. */
  #move(x: string, shape: Shape, perm: readonly number[]): string {
    const starts = perm.flatMap((p, i) => (i > 0 && p === perm[i - 1]! + 1 ? [] : [i]));
    const groups = starts.map((start, i) => perm.slice(start, starts[i + 1]));
    const order = groups.map((_, i) => i).sort((a, b) => groups[a]![0]! - groups[b]![0]!);
    const sizes = groups.map((group) => sizeOf(group.map((axis) => shape[axis] as number)));
    const merged = order.map((i) => sizes[i] as number);
    const turned = this.node('Transpose', [this.reshape(x, shape, merged)], {
      perm: groups.map((_, i) => order.indexOf(i)),
    });
    return this.reshape(
      turned,
      sizes,
      perm.map((p) => shape[p] as number),
    );
  }

  /** Reorders axes. */
  transpose(x: string, shape: Shape, perm: readonly number[]): string {
    const to = perm.map((p) => shape[p] as number);
    return this.rearrange(x, shape, shape, perm, to);
  }

  /** Repeats elements to a shape. Axes that are treated alike are repeated as one. */
  expand(x: string, from: Shape, to: Shape): string {
    if (sameShape(from, to)) return x;
    const own = [...new Array<number>(to.length - from.length).fill(1), ...from];
    const source: number[] = [];
    const target: number[] = [];
    let last: boolean | undefined;
    own.forEach((d, i) => {
      const size = to[i] as number;
      if (size === 1) return;
      const repeats = d === 1;
      if (repeats !== last) {
        source.push(d);
        target.push(size);
      } else {
        source[source.length - 1]! *= d;
        target[target.length - 1]! *= size;
      }
      last = repeats;
    });
    const expanded = this.node('Expand', [this.reshape(x, from, source), this.ints(target)]);
    return this.reshape(expanded, target, to);
  }

  /** The finished graph. */
  graph(inputs: readonly GraphValue[], outputs: readonly GraphValue[]): Graph {
    return { nodes: this.#nodes, initializers: [...this.#initializers.values()], inputs, outputs };
  }

  /**
   * Calls a value by another name; only for values that nodes write and no graph inside reads. False when it is none.
   */
  rename(from: string, to: string): boolean {
    const at = this.#nodes.findIndex(({ outputs }) => outputs.includes(from));
    const isReadInside = this.#nodes.some((node) =>
      graphsOf(node).some((graph) => nodesWithin(graph).some(({ inputs }) => inputs.includes(from))),
    );
    if (at < 0 || isReadInside) return false;
    const swap = (names: readonly string[]) => names.map((name) => (name === from ? to : name));
    this.#nodes.forEach((node, i) => {
      if (i >= at && (node.inputs.includes(from) || i === at))
        this.#nodes[i] = { ...node, inputs: swap(node.inputs), outputs: swap(node.outputs) };
    });
    return true;
  }

  /** Gives a value a second name. */
  alias(from: string, to: string): void {
    this.#nodes.push({ name: to, type: 'Identity', domain: '', inputs: [from], outputs: [to], attrs: {} });
  }

  #constant(dtype: Initializer['dtype'], shape: Shape, data: Initializer['data']): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    // Large constants are rarely equal; keying them would cost more than sharing saves.
    const content = bytes.length <= 4096 ? bytes.join(',') : this.unique('');
    const key = `${dtype}[${shape.join(',')}]${content}`;
    const found = this.#initializers.get(key);
    if (found !== undefined) return found.name;
    const short = data.length === 1 ? String(data[0]) : data.length <= 4 ? data.join('_') : `${shape.join('x')}`;
    const name = this.unique(`${dtype}_${short}`);
    this.#initializers.set(key, { name, dtype, shape, data });
    return name;
  }
}

/** More examples than this are many to ONNX Runtime, whose threads wait for each other after each one's transpose. */
const manyLoops = 16;

/**
 * A permutation as steps that ONNX Runtime takes quickly. It moves rows of the last axis as they are, and one matrix
 * fast; several axes that go elsewhere it reorders element by element, and matrices of many examples one by one.
 */
function quickMoves(perm: readonly number[], shape: Shape): readonly (readonly number[])[] {
  const last = perm.length - 1;
  if (perm.at(-1) === last) return [perm];
  if (perm[0] === 0 && shape[0]! >= manyLoops) {
    // With the examples last, what is reordered are rows of them.
    const rows = perm.slice(1).map((axis) => axis - 1);
    const axes = [...perm.keys()];
    return [
      [...axes.slice(1), 0],
      [...rows, last],
      [last, ...axes.slice(0, -1)],
    ];
  }
  return singleMoves(perm) ?? [perm];
}

/**
 * A permutation as two moves of one axis each, where it is no such move itself and takes the last axis away: ONNX
 * Runtime moves one axis many elements at a time, and reorders several one by one, six times as slowly.
 */
function singleMoves(perm: readonly number[]): [number[], number[]] | undefined {
  const rank = perm.length;
  if (perm.at(-1) === rank - 1 || isMove(perm)) return undefined;
  const axes = [...perm.keys()];
  for (const from of [...axes].reverse()) {
    for (const to of axes) {
      const first = axes.filter((axis) => axis !== from);
      first.splice(to, 0, from);
      const second = perm.map((axis) => first.indexOf(axis));
      if (isMove(second)) return [first, second];
    }
  }
  return undefined;
}

/** Whether a permutation takes one axis out and puts it in elsewhere. */
function isMove(perm: readonly number[]): boolean {
  return perm.some((axis) => {
    const others = perm.filter((other) => other !== axis);
    return others.every((other, i) => i === 0 || other > others[i - 1]!);
  });
}

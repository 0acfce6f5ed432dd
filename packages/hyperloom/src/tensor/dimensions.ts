import type { AxisRule, Factor, FactoredAxis } from './ops/factors.ts';
import { broadcastAxes } from './ops/factors.ts';
import { opNamed } from './ops/named.ts';
import type { Program, ProgramNode, ValueId } from './program.ts';
import type { Aval } from './shape.ts';

/** A dimension: all axes, or factors of axes, that count over the same things. Numbers of one program. */
export type Dimension = number;

/** A label of one operation: the dimensions that it stands for, and where it is met. */
export interface Label {
  readonly dimensions: readonly Dimension[];
  /** Positions of the inputs that have it. */
  readonly inputs: readonly number[];
  /** Positions of the outputs that have it; none for what the operation sums over. */
  readonly outputs: readonly number[];
}

/** Which axes of a program's values count over the same things; see {@link dimensionsOf}. */
export interface Dimensions {
  readonly program: Program;
  /** The dimensions of each axis of a value, as a row-major product; those of size 1 are left out. */
  axes(id: ValueId): readonly (readonly Dimension[])[];
  size(dimension: Dimension): number;
  /** Whether all its elements stay: those of inputs and outputs, and where an operation needs all. */
  fixed(dimension: Dimension): boolean;
  /** The labels of an operation; undefined where it has no rule, so that all its dimensions are fixed. */
  labels(node: ProgramNode): readonly Label[] | undefined;
  /** Whether zeros in all inputs make zeros of an operation's outputs. */
  keepsZeros(node: ProgramNode): boolean;
  aval(id: ValueId): Aval;
}

/** Classes of dimensions. A class may turn out to be the product of smaller ones. */
class Classes {
  private readonly parents: number[] = [];
  private readonly parts: (readonly [number, number] | undefined)[] = [];
  private readonly all: boolean[] = [];
  readonly sizes: number[] = [];

  add(size: number): number {
    this.parents.push(this.sizes.length);
    this.parts.push(undefined);
    this.all.push(false);
    return this.sizes.push(size) - 1;
  }
  root(a: number): number {
    let at = a;
    while (this.parents[at] !== at) at = this.parents[at]!;
    this.parents[a] = at;
    return at;
  }
  /** The smallest dimensions of a list. */
  leaves(list: readonly number[]): number[] {
    return list.flatMap((a) => {
      const root = this.root(a);
      const parts = this.parts[root];
      return parts === undefined ? [root] : this.leaves(parts);
    });
  }
  fix(list: readonly number[]): void {
    for (const a of this.leaves(list)) this.all[a] = true;
  }
  isFixed(a: number): boolean {
    return this.all[this.root(a)]!;
  }
  private split(a: number, size: number): void {
    const parts = [this.add(size), this.add(this.sizes[a]! / size)] as const;
    if (this.all[a]) this.fix(parts);
    this.parts[a] = parts;
  }
  /** Takes two products of dimensions for the same. Where sizes do not divide, both stay whole. */
  unite(left: readonly number[], right: readonly number[]): void {
    for (;;) {
      const [xs, ys] = [this.leaves(left), this.leaves(right)];
      const at = xs.findIndex((x, i) => x !== ys[i]);
      if (at < 0) return;
      const [a, b] = [xs[at] as number, ys[at] ?? 0];
      const [m, n] = [this.sizes[a] as number, this.sizes[b] as number];
      if (m === n) {
        this.parents[b] = a;
        this.all[a] ||= this.all[b] as boolean;
      } else if (m % n === 0) this.split(a, n);
      else if (n % m === 0) this.split(b, m);
      else {
        this.fix([...xs, ...ys]);
        return;
      }
    }
  }
}

/** The rule of an operation for its axes; undefined where all elements depend on each other. */
function ruleOf({ op, attrs }: ProgramNode, inputs: readonly Aval[], outputs: readonly Aval[]): AxisRule | undefined {
  const { axes, elementwise } = opNamed(op);
  return axes?.(inputs, outputs, attrs) ?? (elementwise && broadcastAxes(inputs, outputs));
}

/**
 * Sorts the axes of all values of a program into dimensions: the channels that a convolution gives, its bias adds to, a
 * norm scales, a pool leaves alone and the next convolution reads are one dimension. An element of a dimension that is
 * not fixed may be left out of all its axes, if all sums over it add 0 there. Operations say which of their axes belong
 * together ({@link Op.axes}).
 * @param free names of inputs whose elements may go, weights that is; the dimensions of other inputs are fixed
 * @example
 * const { program } = trace(matmul, { dtype: 'float32', shape: [1, 3] }, { dtype: 'float32', shape: [3, 4] });
 * const { axes } = dimensionsOf(program, new Set()); // axes(0)[1] and axes(1)[0] are the same
 */
export function dimensionsOf(program: Program, free: ReadonlySet<string>): Dimensions {
  const classes = new Classes();
  const avals = new Map<ValueId, Aval>();
  const own = new Map<ValueId, number[][]>();
  const declare = (aval: Aval & { readonly id: ValueId }): void => {
    avals.set(aval.id, aval);
    own.set(
      aval.id,
      aval.shape.map((size) => (size === 1 ? [] : [classes.add(size)])),
    );
  };
  const fixAll = (id: ValueId): void => classes.fix(own.get(id)!.flat());
  const labels = new Map<
    ProgramNode,
    { readonly ids: number[]; readonly inputs: number[]; readonly outputs: number[] }[]
  >();
  const zeros = new Set<ProgramNode>();

  for (const input of program.inputs) {
    declare(input);
    if (!free.has(input.name)) fixAll(input.id);
  }
  for (const node of program.nodes) {
    for (const output of node.outputs) declare(output);
    const rule = ruleOf(
      node,
      node.inputs.map((id) => avals.get(id)!),
      node.outputs,
    );
    if (rule === undefined) {
      for (const id of [...node.inputs, ...node.outputs.map((output) => output.id)]) fixAll(id);
      continue;
    }
    if (rule.keepsZeros !== false) zeros.add(node);
    const found = new Map<string, { ids: number[]; inputs: number[]; outputs: number[] }>();
    const meet = ({ label, size }: Factor, side: 'inputs' | 'outputs', position: number): number => {
      const known = found.get(label) ?? { ids: [classes.add(size)], inputs: [], outputs: [] };
      found.set(label, known);
      if (!known[side].includes(position)) known[side].push(position);
      return known.ids[0]!;
    };
    const apply = (list: readonly (readonly FactoredAxis[])[], ids: readonly ValueId[], side: 'inputs' | 'outputs') => {
      list.forEach((axes, position) => {
        axes.forEach((axis, i) => {
          const held = own.get(ids[position]!)![i]!;
          if (axis === undefined) classes.fix(held);
          else
            classes.unite(
              held,
              axis.map((factor) => meet(factor, side, position)),
            );
        });
      });
    };
    apply(rule.inputs, node.inputs, 'inputs');
    apply(
      rule.outputs,
      node.outputs.map(({ id }) => id),
      'outputs',
    );
    labels.set(node, [...found.values()]);
  }
  for (const { id } of program.outputs) fixAll(id);

  return {
    program,
    axes: (id) => own.get(id)!.map((axis) => classes.leaves(axis)),
    size: (dimension) => classes.sizes[dimension]!,
    fixed: (dimension) => classes.isFixed(dimension),
    labels: (node) =>
      labels.get(node)?.map(({ ids, inputs, outputs }) => ({ dimensions: classes.leaves(ids), inputs, outputs })),
    keepsZeros: (node) => zeros.has(node),
    aval: (id) => avals.get(id)!,
  };
}

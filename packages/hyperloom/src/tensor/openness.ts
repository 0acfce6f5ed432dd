import { type NdArray, ndarray } from './array.ts';
import type { Dimension, Dimensions, Label } from './dimensions.ts';
import { opNamed } from './ops/named.ts';
import type { ProgramNode, ValueId } from './program.ts';

/**
 * How open things are, for each element of a dimension or as a whole: known exactly, as which elements are 0, or
 * expected, as products of gates. `true` is always open.
 */
export interface Gauge<V> {
  /** Open where both are. */
  and(a: V, b: V): V;
  /** Open where one is. */
  or(a: V, b: V): V;
}

/** How open a value is: as a whole, and along its dimensions; one that is missing is always open. */
export interface Open<V> {
  readonly whole: V | true;
  readonly along: ReadonlyMap<Dimension, V>;
}

/** What {@link opennessOf} finds. */
export interface Openness<V> {
  /** How open a value is where it is not 0. */
  of(id: ValueId): Open<V>;
  /** How much of a value reaches an output. */
  reaches(id: ValueId): V | true;
  /** Which elements of a dimension any sum over it needs; undefined for one that nothing sums over. */
  needed(dimension: Dimension): V | true | undefined;
}

/**
 * Follows zeros through a program: forwards, from what is closed to all that is 0 for it, and backwards, from the outputs
 * to all that reaches them. A product is open where all its factors are, a sum where one of its terms is.
 * @param closed how open an input or another value is, where that is known beforehand
 */
export function opennessOf<V>(
  dims: Dimensions,
  gauge: Gauge<V>,
  closed: (id: ValueId) => Open<V> | undefined,
): Openness<V> {
  const { program } = dims;
  const and = (a: V | true, b: V | true): V | true => (a === true ? b : b === true ? a : gauge.and(a, b));
  const or = (a: V | true, b: V | true): V | true => (a === true || b === true ? true : gauge.or(a, b));
  const all = (list: readonly (V | true)[]): V | true => list.reduce(and, true);
  const any = (list: readonly (V | true)[]): V | true => list.reduce(or);

  const found = new Map<ValueId, Open<V>>();
  const numbers = new Map<ValueId, number>();
  const open: Open<V> = { whole: true, along: new Map() };
  const of = (id: ValueId): Open<V> => found.get(id) ?? open;
  const along = (id: ValueId, dimension: Dimension): V | true => and(of(id).along.get(dimension) ?? true, of(id).whole);

  /** How open a result is, if its inputs are as open as given. */
  const result = (node: ProgramNode, inputs: readonly (V | true)[]): V | true => {
    const { absorbs } = opNamed(node.op);
    if (absorbs) return all(absorbs.map((at) => inputs[at]!));
    const vary = inputs.filter((_, at) => !numbers.has(node.inputs[at]!));
    return vary.length > 0 && !vary.includes(true) && zeroOfZeros(node) ? any(vary) : true;
  };
  const zeroOfZeros = (node: ProgramNode): boolean => {
    const { elementwise, eval: f } = opNamed(node.op);
    if (!elementwise) return dims.keepsZeros(node);
    const scalar = (id: ValueId): NdArray => ndarray(numbers.get(id) ?? 0, undefined, dims.aval(id).dtype);
    return f(node.inputs.map(scalar), node.attrs)[0]!.data[0] === 0;
  };

  for (const { id } of program.inputs) {
    const known = closed(id);
    if (known) found.set(id, known);
  }
  for (const node of program.nodes) {
    const constant = node.attrs.value as NdArray | undefined;
    if (node.op === 'constant' && constant!.data.every((x) => x === constant!.data[0]))
      numbers.set(node.outputs[0]!.id, constant!.data[0] ?? 0);
    const labels = dims.labels(node);
    node.outputs.forEach(({ id }, position) => {
      const known = closed(id);
      if (known) found.set(id, known);
      if (known || labels === undefined || node.inputs.length === 0) return;
      const whole = result(
        node,
        node.inputs.map((input) => of(input).whole),
      );
      const own = new Map<Dimension, V>();
      for (const dimension of new Set(dims.axes(id).flat())) {
        if (dims.fixed(dimension)) continue;
        // A dimension that is met twice is closed where both of its axes are.
        const met = labels.filter((l) => l.outputs.includes(position) && l.dimensions.includes(dimension));
        const each = met.map(({ inputs }) =>
          result(
            node,
            node.inputs.map((input, at) => (inputs.includes(at) ? along(input, dimension) : of(input).whole)),
          ),
        );
        const value = each.length === 0 ? true : any(each);
        if (value !== true) own.set(dimension, value);
      }
      found.set(id, { whole, along: own });
    });
  }

  const reached = new Map<ValueId, V | true>();
  const reach = (id: ValueId, value: V | true): void => {
    const before = reached.get(id);
    reached.set(id, before === undefined ? value : or(before, value));
  };
  const needs = new Map<Dimension, V | true>();
  for (const { id } of program.outputs) reach(id, true);
  for (const node of program.nodes.toReversed()) {
    const later = node.outputs.flatMap(({ id }) => (reached.has(id) ? [reached.get(id)!] : []));
    if (later.length === 0) continue;
    const here = any(later);
    const { absorbs = [] } = opNamed(node.op);
    node.inputs.forEach((id, at) => {
      const others = absorbs.filter((other) => other !== at).map((other) => of(node.inputs[other]!).whole);
      reach(id, and(here, all(others)));
    });
    const summed: readonly Label[] = dims.labels(node)?.filter(({ outputs }) => outputs.length === 0) ?? [];
    for (const { dimensions, inputs } of summed) {
      for (const dimension of dimensions) {
        const value = and(here, all(inputs.map((at) => along(node.inputs[at]!, dimension))));
        const before = needs.get(dimension);
        needs.set(dimension, before === undefined ? value : or(before, value));
      }
    }
  }
  return {
    of,
    reaches: (id) => reached.get(id) ?? true,
    needed: (dimension) => (dims.fixed(dimension) ? true : needs.get(dimension)),
  };
}

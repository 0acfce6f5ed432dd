import type { NdArray } from './array.ts';
import { nodeWork } from './cost.ts';
import { type Dimension, type Dimensions, dimensionsOf } from './dimensions.ts';
import { allocate } from './dtype.ts';
import { type Open, opennessOf } from './openness.ts';
import { broadcastTo } from './ops/broadcast.ts';
import { opNamed } from './ops/named.ts';
import type { Program, ProgramNode, ValueId } from './program.ts';
import { inScope } from './scope.ts';
import { sameShape, sizeOf } from './shape.ts';
import { type Attrs, emit, placeholder, scalarLike, type Tensor } from './tensor.ts';
import { ancestors, toProgram } from './trace.ts';

/** A program that computes the same with less, and the arrays that it takes. */
export interface Shrunk {
  readonly program: Program;
  /** Arrays by name of the input; those that are no longer read are left out, as they are of the program's inputs. */
  readonly arrays: Readonly<Record<string, NdArray>>;
  /** What went, by name of an array: how many of its elements. */
  readonly removed: Readonly<Record<string, number>>;
}

/** Settings of {@link shrink}. */
export interface ShrinkOptions {
  /** Names of arrays that may become part of the program: a gate of ones then leaves it. Default none. */
  readonly settled?: (name: string) => boolean;
}

/**
 * A program without what its known inputs make 0: elements of dimensions that add nothing to any sum, such as channels
 * behind a gate of 0, and whole operations whose result is 0. All else is computed as before, so that outputs are the
 * same up to rounding. Axes of unknown inputs and of outputs keep all elements, and each dimension keeps at least one.
 * @param arrays the known inputs by name, weights that is
 * @example
 * const f = ({ w, gate, v }: { w: Tensor; gate: Tensor; v: Tensor }, x: Tensor) => matmul(mul(matmul(x, w), gate), v);
 * const gate = ndarray([1, 0, 1]);
 * const arrays = { w: ndarray([[1, 2, 3], [4, 5, 6]]), gate, v: ndarray([[1], [2], [3]]) };
 * const { program } = trace(f, arrays, { dtype: 'float32', shape: [1, 2] });
 * const small = shrink(program, arrays, { settled: (name) => name === 'gate' }); // arrays: w [2, 2], v [2, 1]
 */
export function shrink(
  program: Program,
  arrays: Readonly<Record<string, NdArray>>,
  { settled = () => false }: ShrinkOptions = {},
): Shrunk {
  let now: Omit<Shrunk, 'removed'> = { program, arrays };
  // What has gone shows what else may: kernels of channels that are left may be 0.
  for (let before = Number.POSITIVE_INFINITY; weight(now.program) < before; ) {
    before = weight(now.program);
    now = shrinkOnce(now.program, now.arrays, settled);
  }
  const removed: Record<string, number> = {};
  for (const [name, { shape }] of Object.entries(arrays)) {
    const gone = sizeOf(shape) - (now.arrays[name] ? sizeOf(now.arrays[name].shape) : 0);
    if (gone > 0) removed[name] = gone;
  }
  return { ...now, removed };
}

/** A number that falls with everything that leaves a program. */
const weight = ({ inputs, nodes }: Program): number =>
  inputs.length +
  nodes.length +
  [...inputs, ...nodes.flatMap((n) => n.outputs)].reduce((n, v) => n + sizeOf(v.shape), 0);

type Mask = Uint8Array | false;

/** Masks of open elements; false is a value that is 0. */
const masks = {
  and: (a: Mask, b: Mask): Mask => (a === false || b === false ? false : a.map((x, i) => x & b[i]!)),
  or: (a: Mask, b: Mask): Mask => (a === false ? b : b === false ? a : a.map((x, i) => x | b[i]!)),
};

function shrinkOnce(
  program: Program,
  arrays: Readonly<Record<string, NdArray>>,
  settled: (name: string) => boolean,
): Omit<Shrunk, 'removed'> {
  const dims = dimensionsOf(program, new Set(Object.keys(arrays)));
  const known = knownValues(program, arrays);
  const free = settledValues(program, settled);
  const { of, needed } = opennessOf<Mask>(dims, masks, (id) => {
    const array = known.get(id);
    return array && openElements(array, dims, id);
  });
  const kept = keptElements(dims, needed);

  const values = new Map<ValueId, Tensor>();
  const sizes = (id: ValueId) => dims.axes(id).map((axis) => axis.map((d) => kept.get(d)?.length ?? dims.size(d)));
  const avalOf = (id: ValueId) => {
    const { dtype, shape } = dims.aval(id);
    const axes = sizes(id);
    return { dtype, shape: shape.map((size, i) => (size === 1 ? 1 : sizeOf(axes[i]!))) };
  };
  for (const { id } of program.inputs) values.set(id, placeholder(avalOf(id)));

  /** The input that a result is equal to, where another is its neutral number. */
  const sameAs = (node: ProgramNode): ValueId | undefined => {
    const { neutral } = opNamed(node.op);
    const at = neutral?.findIndex((number, i) => {
      const [own, other] = [node.inputs[i]!, node.inputs[1 - i]!];
      const isNumber = free.has(own)
        ? known.get(own)?.data.every((x) => x === number)
        : number === 0 && !known.has(own) && of(own).whole === false;
      return isNumber && sameShape(dims.aval(other).shape, node.outputs[0]!.shape);
    });
    return at === undefined || at < 0 ? undefined : node.inputs[1 - at];
  };
  for (const node of program.nodes) {
    const same = sameAs(node);
    const [first] = node.outputs;
    if (same !== undefined) {
      values.set(first!.id, values.get(same)!);
      continue;
    }
    const outputs = node.outputs.map(({ id }) => avalOf(id));
    const results = inScope(node.scope, () => {
      if (!known.has(first!.id) && node.outputs.every(({ id }) => of(id).whole === false))
        return outputs.map((aval) => broadcastTo(scalarLike(0, aval), aval.shape));
      const inputs = node.inputs.map((id) => values.get(id)!);
      const { resize } = opNamed(node.op);
      return emit(opNamed(node.op), inputs, (resize?.(node.attrs, inputs, outputs) ?? node.attrs) as Attrs);
    });
    node.outputs.forEach(({ id }, i) => {
      values.set(id, results[i]!);
    });
  }

  const outputs = program.outputs.map(({ id }) => values.get(id)!);
  const read = new Set(ancestors(outputs));
  const inputs = program.inputs.filter(({ id, name }) => !(name in arrays) || read.has(values.get(id)!.node));
  const own = inputs.filter(({ name }) => name in arrays);
  return {
    program: toProgram(
      inputs.map(({ id }) => values.get(id)!),
      outputs,
      inputs.map(({ name }) => name),
      program.outputs.map(({ name }) => name),
    ),
    arrays: Object.fromEntries(
      own.map(({ id, name }) => [name, take(arrays[name]!, parts(dims, id), kept, avalOf(id).shape)]),
    ),
  };
}

/** Values that depend on known inputs alone; what would take products is left to the program. */
function knownValues(program: Program, arrays: Readonly<Record<string, NdArray>>): Map<ValueId, NdArray> {
  const { inputs, nodes } = program;
  const known = new Map<ValueId, NdArray>();
  const works = nodeWork(program);
  for (const { id, name } of inputs) if (arrays[name]) known.set(id, arrays[name]);
  nodes.forEach(({ op, inputs: read, attrs, outputs }, at) => {
    const given = read.map((id) => known.get(id));
    const { eval: f, axes, elementwise } = opNamed(op);
    const simple = op === 'constant' || axes !== undefined || elementwise === true;
    if (!simple || works[at]!.multiplyAdds > 0 || given.includes(undefined)) return;
    const results = f(given as NdArray[], attrs);
    outputs.forEach(({ id }, i) => {
      known.set(id, results[i]!);
    });
  });
  return known;
}

/** Values that depend on settled inputs and constants alone. */
function settledValues({ inputs, nodes }: Program, settled: (name: string) => boolean): Set<ValueId> {
  const found = new Set(inputs.filter(({ name }) => settled(name)).map(({ id }) => id));
  for (const { inputs: read, outputs } of nodes)
    if (read.every((id) => found.has(id))) for (const { id } of outputs) found.add(id);
  return found;
}

/** The factors of a value in row-major order: those of axes that are fixed may stand for several. */
const parts = (dims: Dimensions, id: ValueId): { readonly dimension: Dimension; readonly size: number }[] =>
  dims.axes(id).flatMap((axis) => axis.map((dimension) => ({ dimension, size: dims.size(dimension) })));

/** Which elements of each dimension hold something that is not 0. */
function openElements({ data }: NdArray, dims: Dimensions, id: ValueId): Open<Mask> {
  const order = parts(dims, id);
  const along = new Map<Dimension, Uint8Array>();
  for (const { dimension, size } of order) if (!dims.fixed(dimension)) along.set(dimension, new Uint8Array(size));
  const marks = order.map(({ dimension }) => along.get(dimension));
  let some = false;
  for (let at = 0; at < data.length; at++) {
    if (data[at] === 0) continue;
    some = true;
    for (let rest = at, i = order.length - 1; i >= 0; i--) {
      const { size } = order[i]!;
      const mark = marks[i];
      if (mark) mark[rest % size] = 1;
      rest = Math.floor(rest / size);
    }
  }
  return { whole: !!some, along };
}

/** The elements that stay of each dimension that loses some. */
function keptElements(dims: Dimensions, needed: (d: Dimension) => Mask | true | undefined): Map<Dimension, number[]> {
  const kept = new Map<Dimension, number[]>();
  const all = dims.program.inputs
    .map(({ id }) => id)
    .concat(dims.program.nodes.flatMap((n) => n.outputs.map(({ id }) => id)));
  for (const dimension of new Set(all.flatMap((id) => dims.axes(id).flat()))) {
    const mask = needed(dimension);
    if (mask === true || mask === undefined) continue;
    const stay = mask === false ? [] : [...mask.keys()].filter((i) => mask[i]);
    if (stay.length < dims.size(dimension)) kept.set(dimension, stay.length === 0 ? [0] : stay);
  }
  return kept;
}

/** An array with the elements that stay. */
function take(
  { dtype, data }: NdArray,
  order: readonly { readonly dimension: Dimension; readonly size: number }[],
  kept: ReadonlyMap<Dimension, readonly number[]>,
  shape: readonly number[],
): NdArray {
  if (!order.some(({ dimension }) => kept.has(dimension))) return { dtype, shape, data };
  let from = [0];
  for (const { dimension, size } of order) {
    const stay = kept.get(dimension) ?? [...new Array(size).keys()];
    from = from.flatMap((at) => stay.map((i) => at * size + i));
  }
  const out = allocate(dtype, from.length);
  from.forEach((at, i) => {
    out[i] = data[at]!;
  });
  return { dtype, shape, data: out };
}

import { type NdArray, zerosArray } from '../array.ts';
import { programCost } from '../cost.ts';
import { isFloat } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { evaluate } from '../evaluate.ts';
import { pullback } from '../grad.ts';
import { replay } from '../inline.ts';
import { cutLoop, type LoopGraph, TensorMap } from '../loop.ts';
import type { Program, ValueId } from '../program.ts';
import { type Aval, sameShape, showShape } from '../shape.ts';
import { type BatchCall, emit, type Op, placeholder, scalarLike, type Tensor, type VjpCall } from '../tensor.ts';
import { ancestors } from '../trace.ts';
import { type Batched, batchNodes } from '../vmap.ts';
import { add } from './arithmetic.ts';
import { broadcastTo } from './broadcast.ts';
import { identity } from './cast.ts';
import { sumOfAll } from './sumOfAll.ts';
import { moveAxis } from './transpose.ts';

/** Options of the scan operation. */
export type ScanAttrs = {
  /** One step: fixed values, carries and the values of the step in; carries and outputs of the step out. */
  readonly body: Program;
  /** How many of the body's inputs are the same in all steps, and how many go around. */
  readonly fixed: number;
  readonly carries: number;
  readonly length: number;
  /** From the last step to the first. */
  readonly reverse: boolean;
  /** Whether the gradient computes a step again from its carry, and stores nothing else of it. */
  readonly recompute: boolean;
};

/** How a loop is run, beside its graph. */
export type LoopOptions = Pick<ScanAttrs, 'reverse' | 'recompute'>;

interface Parts<T> {
  readonly fixed: readonly T[];
  readonly inits: readonly T[];
  readonly all: readonly T[];
}

const partsOf = <T>(list: readonly T[], { fixed, carries }: ScanAttrs): Parts<T> => ({
  fixed: list.slice(0, fixed),
  inits: list.slice(fixed, fixed + carries),
  all: list.slice(fixed + carries),
});

/** Writes a loop as a scan; gives the last carries, and the outputs over all steps. */
export function loop(graph: Omit<LoopGraph, 'whole'>, options: LoopOptions): { last: Tensor[]; outputs: Tensor[] } {
  const { inputs, body, finish } = cutLoop({ ...graph, whole: options.recompute });
  const { fixed, inits, all } = inputs;
  const attrs = { body, fixed: fixed.length, carries: inits.length, length: graph.length, ...options };
  const made = body.outputs.length === 0 ? [] : emit(scanOp, [...fixed, ...inits, ...all], attrs);
  return { last: made.slice(0, inits.length), outputs: finish(made.slice(inits.length)) };
}

/** Types and shapes of what the body gives. */
function outputsOf({ inputs, nodes, outputs }: Program): Aval[] {
  const avals = new Map<ValueId, Aval>(inputs.map((input) => [input.id, input]));
  for (const node of nodes) for (const output of node.outputs) avals.set(output.id, output);
  return outputs.map(({ id }) => avals.get(id) as Aval);
}

/** The scan operation: a program applied step by step, which carries values from each step to the next. */
export const scanOp: Op<ScanAttrs> = {
  name: 'scan',
  infer: (inputs, attrs) => {
    const { body, fixed, carries, length } = attrs;
    const before = fixed + carries;
    const fits =
      inputs.length === body.inputs.length &&
      inputs.every(({ dtype, shape }, i) => {
        const { dtype: type, shape: own } = body.inputs[i]!;
        return dtype === type && sameShape(shape, i < before ? own : [length, ...own]);
      });
    const text = (avals: readonly Aval[]) => avals.map(({ dtype, shape }) => `${dtype}${showShape(shape)}`).join(', ');
    if (!fits)
      throw new ShapeError(
        `scan: expected inputs for ${length} steps of a body of ${text(body.inputs)}, got ${text(inputs)}`,
      );
    return outputsOf(body).map(({ dtype, shape }, i) => ({ dtype, shape: i < carries ? shape : [length, ...shape] }));
  },
  vjp,
  batch,
  eval: (inputs, attrs) => {
    const { body, carries, length, reverse } = attrs;
    const { fixed, inits, all } = partsOf(inputs, attrs);
    const outputs = outputsOf(body)
      .slice(carries)
      .map(({ dtype, shape }) => zerosArray(isFloat(dtype) ? 'float64' : dtype, [length, ...shape]));
    let carry = inits;
    for (let i = 0; i < length; i++) {
      const step = reverse ? length - 1 - i : i;
      const results = evaluate(body, [...fixed, ...carry, ...all.map((x) => stepOf(x, step))]);
      carry = results.slice(0, carries);
      outputs.forEach((output, k) => {
        stepOf(output, step).data.set(results[carries + k]!.data);
      });
    }
    const types = outputsOf(body).slice(carries);
    return [...carry, ...outputs.map((output, k) => ({ ...output, dtype: types[k]!.dtype }))];
  },
  work: (_inputs, _outputs, { body, length }) => {
    const { multiplyAdds, elements } = programCost(body);
    return { multiplyAdds: length * multiplyAdds, elements: length * elements };
  },
};

/** One step of an array that holds all, on the same memory. */
function stepOf({ dtype, shape: [count, ...shape], data }: NdArray, step: number): NdArray {
  const size = data.length / count!;
  return { dtype, shape, data: data.subarray(step * size, (step + 1) * size) as NdArray['data'] };
}

/** Which carries differ by example: those that start so, and those that what differs flows into. */
function batchedCarries({ body, fixed, carries }: ScanAttrs, batched: readonly boolean[]): boolean[] {
  const flags = batched.slice(fixed, fixed + carries);
  for (;;) {
    const differ = new Set<ValueId>();
    body.inputs.forEach(({ id }, i) => {
      if (i >= fixed && i < fixed + carries ? flags[i - fixed] : batched[i]) differ.add(id);
    });
    for (const node of body.nodes)
      if (node.inputs.some((id) => differ.has(id))) for (const { id } of node.outputs) differ.add(id);
    const next = flags.map((flag, i) => flag || differ.has(body.outputs[i]!.id));
    if (next.every((flag, i) => flag === flags[i])) return flags;
    next.forEach((flag, i) => {
      flags[i] = flag;
    });
  }
}

/** The same steps over a batch of every value that differs by example; time stays in front. */
function batch({ inputs, batched, size, attrs, name }: BatchCall<ScanAttrs>): readonly Tensor[] {
  const { body, fixed, carries, length, reverse, recompute } = attrs;
  const { inits, all } = partsOf(inputs, attrs);
  const flags = batchedCarries(attrs, batched);
  const every = (t: Tensor): Tensor => broadcastTo(t, [size, ...t.shape]);
  const starts = inits.map((init, i) => (flags[i] && !batched[fixed + i] ? every(init) : init));
  const steps = all.map((x, i) => (batched[fixed + carries + i] ? moveAxis(x, 1, 0) : x));
  const froms = starts.map((t) => placeholder(t));
  const ones = steps.map(({ dtype, shape: [, ...shape] }) => placeholder({ dtype, shape }));
  const own = [...inputs.slice(0, fixed), ...froms, ...ones];
  const graph: Batched = new Map();
  const examples = body.inputs.map((aval, i) => {
    const differs = i >= fixed && i < fixed + carries ? flags[i - fixed] : batched[i];
    if (!differs) return own[i]!;
    const example = placeholder(aval);
    graph.set(example.node, [own[i]!]);
    return example;
  });
  const values = replay(body, examples);
  const results = body.outputs.map(({ id }) => values.get(id)!);
  const first = Math.min(...[...froms, ...ones, ...examples].map((t) => t.node.id));
  batchNodes(ancestors(results, first), graph, size, name);
  const over = (t: Tensor): Tensor | undefined => graph.get(t.node)?.[t.index];
  const { last, outputs } = loop(
    {
      length,
      carries: froms.map((from, i) => ({
        from,
        init: starts[i]!,
        next: flags[i] ? (over(results[i]!) ?? every(results[i]!)) : results[i]!,
      })),
      given: ones.map((one, i) => ({ one, all: steps[i]! })),
      outputs: results.slice(carries).map((t) => over(t) ?? t),
    },
    { reverse, recompute },
  );
  return [
    ...last.map((t, i) => (flags[i] ? t : every(t))),
    ...outputs.map((t, i) => (over(results[carries + i]!) ? moveAxis(t, 1, 0) : every(t))),
  ];
}

/**
 * The gradient: the steps back, from the last to the first. What they need of the steps forward, the forward loop gives
 * as further outputs; the loop that does is the one of the first pass with more outputs, and engines run them as one.
 */
function vjp({ inputs, outputs, cotangents, attrs, wanted }: VjpCall<ScanAttrs>): readonly (Tensor | undefined)[] {
  const { body, fixed, carries, length, reverse, recompute } = attrs;
  const { all } = partsOf(inputs, attrs);
  // Fixed values under names of their own: the walk back ends at them, and not at the oldest of what they came from.
  const own = body.inputs.map((aval, i) => (i < fixed ? identity(inputs[i]!) : placeholder(aval)));
  const { inits: froms, all: ones } = partsOf(own, attrs);
  const values = replay(body, own);
  const results = body.outputs.map(({ id }) => values.get(id)!);

  // Cotangents of one step: of the carries that it ends with, and of those of its outputs that have any.
  const moving = froms.flatMap((from, i) => (isFloat(from.dtype) ? [i] : []));
  const asked = results.flatMap((t, i) => (i >= carries && cotangents[i] && isFloat(t.dtype) ? [i] : []));
  const back = moving.map((i) => placeholder(results[i]!));
  const given = asked.map((i) => placeholder(results[i]!));
  const wrt = own.flatMap((_, i) => (wanted[i] || moving.includes(i - fixed) ? [i] : []));
  const found = pullback(
    [...moving, ...asked].map((i) => results[i]!),
    [...back, ...given],
    wrt.map((i) => own[i]!),
  );
  const slopes = new Map(wrt.flatMap((i, k): [number, Tensor][] => (found[k] ? [[i, found[k]]] : [])));
  const stored = recompute ? froms : residuals([...slopes.values()], values, froms);
  const stacks = storedStacks({ inputs, outputs, attrs }, stored, values);

  const zeros = (t: Tensor): Tensor => broadcastTo(scalarLike(0, t), t.shape);
  const ofFixed = [...slopes.keys()].filter((i) => i < fixed);
  const ofSteps = [...slopes.keys()].filter((i) => i >= fixed + carries);
  // Sums over all steps are taken after the loop where their terms are stored, and in it where nothing is to be.
  const sums = recompute ? ofFixed.map((i) => ({ slope: slopes.get(i)!, sum: placeholder(own[i]!) })) : [];
  const terms = recompute ? [] : ofFixed;
  const loops = loop(
    {
      length,
      carries: [
        ...moving.map((i, k) => ({
          from: back[k]!,
          init: cotangents[i] ?? zeros(froms[i]!),
          next: slopes.get(fixed + i) ?? zeros(froms[i]!),
        })),
        ...sums.map(({ slope, sum }) => ({ from: sum, init: zeros(sum), next: add(sum, slope) })),
      ],
      given: [
        ...given.map((one, k) => ({ one, all: cotangents[asked[k]!]! })),
        ...stored.map((one, k) => ({ one, all: stacks[k]! })),
        ...ones.map((one, k) => ({ one, all: all[k]! })),
      ],
      outputs: [...terms, ...ofSteps].map((i) => slopes.get(i)!),
    },
    { reverse: !reverse, recompute },
  );

  const gradients = new Map<number, Tensor>([
    ...moving.map((i, k): [number, Tensor] => [fixed + i, loops.last[k]!]),
    ...ofFixed.map((i, k): [number, Tensor] => [
      i,
      recompute ? loops.last[moving.length + k]! : sumOfAll(loops.outputs[k]!),
    ]),
    ...ofSteps.map((i, k): [number, Tensor] => [i, loops.outputs[terms.length + k]!]),
  ]);
  return inputs.map((_, i) => gradients.get(i));
}

/** The values of a step forward, computed from its carry, that the step back reads. */
function residuals(
  slopes: readonly Tensor[],
  values: ReadonlyMap<ValueId, Tensor>,
  froms: readonly Tensor[],
): Tensor[] {
  const forward = new Set([...values.values()].map((t) => t.node));
  const first = Math.min(...froms.map((t) => t.node.id));
  const carried = new Set(froms.map((t) => t.node));
  for (const node of [...forward].sort((a, b) => a.id - b.id))
    if (node.inputs.some((t) => carried.has(t.node))) carried.add(node);
  const found = new TensorMap<Tensor>();
  const seen = new Set<Tensor['node']>();
  const pending = [...slopes];
  for (let t = pending.pop(); t !== undefined; t = pending.pop()) {
    if (forward.has(t.node)) {
      if (carried.has(t.node)) found.set(t, t);
      continue;
    }
    if (t.node.id < first || seen.has(t.node)) continue;
    seen.add(t.node);
    pending.push(...t.node.inputs);
  }
  return found.values();
}

/** Values of all steps of a loop: outputs that it has, or those of the same loop with more outputs. */
function storedStacks(
  { inputs, outputs, attrs }: Pick<VjpCall<ScanAttrs>, 'inputs' | 'outputs' | 'attrs'>,
  stored: readonly Tensor[],
  values: ReadonlyMap<ValueId, Tensor>,
): Tensor[] {
  const { body, carries } = attrs;
  const ids = new TensorMap<ValueId>();
  for (const [id, t] of values) ids.set(t, id);
  const wanted = stored.map((t) => ids.get(t)!);
  const have = new Map(body.outputs.slice(carries).map(({ id }, i) => [id, outputs[carries + i]!]));
  const more = [...new Set(wanted)].filter((id) => !have.has(id));
  if (more.length > 0) {
    const extended = { ...body, outputs: [...body.outputs, ...more.map((id) => ({ id, name: `value${id}` }))] };
    const made = emit(scanOp, inputs, { ...attrs, body: extended });
    more.forEach((id, i) => {
      have.set(id, made[body.outputs.length + i]!);
    });
  }
  return wanted.map((id) => have.get(id)!);
}

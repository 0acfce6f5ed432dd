import { broadcastTo } from './ops/broadcast.ts';
import type { Program } from './program.ts';
import { regrouped } from './regroup.ts';
import { inScope } from './scope.ts';
import { type Aval, sizeOf } from './shape.ts';
import { emit, type Node, placeholder, Tensor } from './tensor.ts';
import { toProgram } from './trace.ts';
import { type Batched, batchNodes } from './vmap.ts';

/** One step of a loop as a graph, and what it starts from. */
export interface LoopGraph {
  readonly length: number;
  /** Values that go around: at the start of a step, before the first step, and at the end of a step. */
  readonly carries: readonly { readonly from: Tensor; readonly init: Tensor; readonly next: Tensor }[];
  /** Values of a step that are known for all steps: one, and all of them on a leading axis. */
  readonly given: readonly { readonly one: Tensor; readonly all: Tensor }[];
  /** What is wanted of every step. */
  readonly outputs: readonly Tensor[];
  /** Keeps in the loop what could stand outside: it is computed again where it is needed, and not stored for all steps. */
  readonly whole: boolean;
}

/** A loop cut into what is done before it, in it, and after it. */
export interface Cut {
  /** What the body reads: values that are the same in all steps, first carries, values of all steps. */
  readonly inputs: {
    readonly fixed: readonly Tensor[];
    readonly inits: readonly Tensor[];
    readonly all: readonly Tensor[];
  };
  /** From fixed values, carries and the values of one step to carries and values of that step. */
  readonly body: Program;
  /** The wanted outputs over all steps, from those of the body. */
  finish(stacks: readonly Tensor[]): Tensor[];
}

/** When a value is known: before the loop, before it for every step, or only in it. */
type Known = 'before' | 'steps' | 'inside';

/** Constants of at most this many elements are written into the body, where passes can work with them. */
const smallConstant = 64;

/** Elements of a step from which on it is quicker to work them out in the step than for all steps at once. */
const largeStep = 8192;

/** What is written again wherever it is read: it holds nothing that its input does not. */
const isRepeated = ({ op, attrs }: Node): boolean =>
  op.name === 'broadcastTo' || (op.name === 'constant' && sizeOf((attrs.value as Aval).shape) <= smallConstant);

/**
 * Cuts a loop. Inside stays what the next carry is computed from by way of the present one. What depends on no carry is
 * computed before, for all steps at once, and what no carry depends on after: a product of each step with one matrix
 * becomes one product.
 */
export function cutLoop(graph: LoopGraph): Cut {
  const { length, carries, given, outputs, whole } = graph.whole ? graph : withFactorsTogether(graph);
  const batched: Batched = new Map();
  for (const { one, all } of given) setAll(batched, one, all);
  const { nodes, known, kinds, kindOf, needed } = sorted({ length, carries, given, outputs, whole });
  if (!whole)
    batchNodes(
      nodes.filter((node) => kinds.get(node) === 'steps'),
      batched,
      length,
      undefined,
    );

  // The body, with arguments in place of what comes from outside.
  const fixed: Tensor[] = [];
  const all: Tensor[] = [];
  const inner = new TensorMap<Tensor>();
  const argument = (t: Tensor): Tensor => {
    const made = placeholder(t);
    inner.set(t, made);
    return made;
  };
  const froms = carries.map(({ from }) => argument(from));
  const [fixedInside, allInside]: [Tensor[], Tensor[]] = [[], []];
  const copy = (node: Node): readonly Tensor[] => {
    const inputs = node.inputs.map(inside);
    const made = inScope(node.scope, () => emit(node.op, inputs, node.attrs));
    made.forEach((t, i) => {
      inner.set(new Tensor(node, i), t);
    });
    return made;
  };
  const inside = (t: Tensor): Tensor => {
    const found = inner.get(t);
    if (found !== undefined) return found;
    if (!known.has(t) && (needed.has(t.node) || isRepeated(t.node))) return copy(t.node)[t.index] as Tensor;
    const steps = kindOf(t) === 'steps';
    (steps ? all : fixed).push(steps ? (batched.get(t.node)?.[t.index] as Tensor) : t);
    const made = argument(t);
    (steps ? allInside : fixedInside).push(made);
    return made;
  };
  for (const node of nodes) if (needed.has(node)) copy(node);

  const after = nodes.filter((node) => kinds.get(node) === 'inside' && !needed.has(node));
  const isInside = (t: Tensor): boolean => needed.has(t.node) || known.get(t) === 'inside';
  const frontier = new TensorMap<Tensor>();
  for (const t of [...after.flatMap(({ inputs }) => inputs), ...outputs]) if (isInside(t)) frontier.set(t, t);
  const stacked = frontier.values();
  const results = [...carries.map(({ next }) => next), ...stacked].map(inside);
  const names = (name: string, list: readonly unknown[]) => list.map((_, i) => `${name}${i}`);
  return {
    inputs: { fixed, inits: carries.map(({ init }) => init), all },
    body: toProgram(
      [...fixedInside, ...froms, ...allInside],
      results,
      [...names('fixed', fixed), ...names('carry', froms), ...names('step', all)],
      [...names('next', froms), ...names('out', stacked)],
    ),
    finish: (stacks) => {
      stacked.forEach((t, i) => {
        setAll(batched, t, stacks[i] as Tensor);
      });
      batchNodes(after, batched, length, undefined);
      return outputs.map((t) => batched.get(t.node)?.[t.index] ?? broadcastTo(t, [length, ...t.shape]));
    },
  };
}

/** The nodes of a loop in order, when each is known, and which of them run in every step. */
function sorted({ carries, given, outputs, whole }: LoopGraph) {
  const known = new TensorMap<Known>();
  for (const { one } of given) known.set(one, 'steps');
  for (const { from } of carries) known.set(from, 'inside');
  const roots = [...given.map(({ one }) => one), ...carries.map(({ from }) => from)];
  const first = Math.min(...roots.map((t) => t.node.id));
  const nexts = carries.map(({ next }) => next);
  const nodes = nodesOf([...nexts, ...outputs], first, known);
  const kinds = new Map<Node, Known>();
  const kindOf = (t: Tensor): Known => known.get(t) ?? kinds.get(t.node) ?? 'before';
  for (const node of nodes) {
    const of = node.inputs.map(kindOf);
    kinds.set(node, of.includes('inside') ? 'inside' : of.includes('steps') ? 'steps' : 'before');
  }
  const isOwn = (node: Node): boolean => kinds.get(node) === 'inside' || (whole && kinds.get(node) === 'steps');
  const needed = new Set(nodesOf([...nexts, ...(whole ? outputs : [])], first, known).filter(isOwn));
  const readOutside = new Set(outputs.map(({ node }) => node));
  for (const node of nodes.toReversed()) {
    if (kinds.get(node) === 'steps' && isLarge(node) && !readOutside.has(node)) {
      kinds.set(node, 'inside');
      needed.add(node);
    } else if (!needed.has(node)) for (const t of node.inputs) readOutside.add(t.node);
  }
  return { nodes, known, kinds, kindOf, needed };
}

/** Elementwise work on so much that the values of all steps would go through memory, where those of one need not. */
const isLarge = ({ op, outputs }: Node): boolean =>
  op.elementwise === true && outputs.some(({ shape }) => sizeOf(shape) >= largeStep);

/** The same loop with fewer products in each step. */
function withFactorsTogether(graph: LoopGraph): LoopGraph {
  const { nodes, kindOf, needed } = sorted(graph);
  const nexts = graph.carries.map(({ next }) => next);
  const now = regrouped({ nodes, isInside: (t) => kindOf(t) === 'inside', needed, nexts });
  return {
    ...graph,
    carries: graph.carries.map((carry) => ({ ...carry, next: now(carry.next) })),
    outputs: graph.outputs.map(now),
  };
}

/** Every node that the given tensors are computed from, down to what is known and what was made before `first`. */
function nodesOf(tensors: readonly Tensor[], first: number, known: TensorMap<Known>): Node[] {
  const seen = new Set<Node>();
  const pending = [...tensors];
  for (let t = pending.pop(); t !== undefined; t = pending.pop()) {
    if (known.has(t) || t.node.id < first || seen.has(t.node)) continue;
    seen.add(t.node);
    pending.push(...t.node.inputs);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Notes one output of a node over all steps. */
function setAll(batched: Batched, { node, index }: Tensor, all: Tensor): void {
  const outputs = batched.get(node) ?? node.outputs.map(() => undefined);
  batched.set(node, outputs.with(index, all));
}

/** Values by tensor. Two tensors are the same when they are the same output of the same node. */
export class TensorMap<T> {
  readonly #values = new Map<Node, Map<number, T>>();
  get({ node, index }: Tensor): T | undefined {
    return this.#values.get(node)?.get(index);
  }
  has(t: Tensor): boolean {
    return this.get(t) !== undefined;
  }
  set({ node, index }: Tensor, value: T): void {
    const outputs = this.#values.get(node) ?? new Map<number, T>();
    this.#values.set(node, outputs.set(index, value));
  }
  values(): T[] {
    return [...this.#values.values()].flatMap((outputs) => [...outputs.values()]);
  }
}

import { ArgumentError } from './errors.ts';
import { normalAxis } from './ops/axes.ts';
import { broadcastTo } from './ops/broadcast.ts';
import { moveAxis } from './ops/transpose.ts';
import { inScope } from './scope.ts';
import { showShape } from './shape.ts';
import { type Node, placeholder, Tensor } from './tensor.ts';
import { ancestors } from './trace.ts';
import * as tree from './tree.ts';

/**
 * The axis that is mapped over: one for a whole argument, null for none, or a tree of these. A place that the tree does
 * not name is not mapped.
 */
export type Axes = number | null | { readonly [key: string]: Axes } | readonly Axes[];

/** Which axes {@link vmap} maps over: for each argument (0 when absent), and where all outputs carry the batch (0). */
export interface VmapOptions {
  readonly in?: readonly Axes[];
  readonly out?: number;
  /** A name for the batch, by which {@link batchMean} finds it. */
  readonly name?: string;
}

/**
 * Lifts a function of one example to a function of a batch. What does not depend on a mapped argument is computed
 * once. Nests, differentiates, and can be applied to gradients. Leaves that are no tensors are handed on as they are.
 * @throws ArgumentError when the mapped axes differ in size, or none is mapped
 * @example
 * const dot = (a: Tensor, b: Tensor) => sum(mul(a, b));
 * const rows = vmap(dot, { in: [0, null] })(constant(ndarray([[1, 2], [3, 4]])), constant([1, 1])); // [2]
 */
export function vmap<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  { in: axes = [], out = 0, name }: VmapOptions = {},
): (...args: A) => R {
  return (...args) => {
    let size: number | undefined;
    const examples = new Map<Node, Tensor>();
    const enter = (t: unknown, axis: number | null, path: string): unknown => {
      if (axis === null || !(t instanceof Tensor)) return t;
      if (!(axis >= -t.rank && axis < t.rank))
        throw new ArgumentError(`vmap: expected axis ${axis} in ${path}, got shape ${showShape(t.shape)}`);
      const front = moveAxis(t, axis, 0);
      const [found] = front.shape;
      if (size !== undefined && found !== size)
        throw new ArgumentError(`vmap: expected ${size} along the mapped axis of ${path}, got ${found}`);
      size = found;
      const example = placeholder({ dtype: t.dtype, shape: front.shape.slice(1) });
      examples.set(example.node, front);
      return example;
    };
    const own = args.map((arg, i) =>
      spread(arg, axes[i] === undefined ? 0 : axes[i], `argument ${i}`, enter),
    ) as unknown as A;
    const result = f(...own);
    if (size === undefined)
      throw new ArgumentError('vmap: expected at least one argument with a mapped axis, got none');
    const batchOf = batchGraph(
      tree.leaves<unknown>(result).filter((t) => t instanceof Tensor),
      examples,
      size,
      name,
    );
    return tree.map((t: unknown) => {
      if (!(t instanceof Tensor)) throw new ArgumentError(`vmap: expected tensors as results, got ${typeof t}`);
      const batched = batchOf(t) ?? broadcastTo(t, [size as number, ...t.shape]);
      return out === 0 ? batched : moveAxis(batched, 0, normalAxis(batched, out, 'vmap'));
    }, result) as R;
  };
}

/** Walks a tree beside its axes, which may stop at any depth and then hold for all below. */
function spread(
  arg: unknown,
  axes: Axes,
  path: string,
  enter: (t: unknown, axis: number | null, path: string) => unknown,
): unknown {
  if (axes === null || typeof axes === 'number')
    return tree.mapWithPath((t: unknown, at) => enter(t, axes, at === '' ? path : `${path} (${at})`), arg);
  if (tree.isLeaf(arg))
    throw new ArgumentError(`vmap: expected one axis or null for the tensor at ${path}, got a tree`);
  const child = (key: string, value: unknown) =>
    spread(value, (axes as Record<string, Axes>)[key] ?? null, `${path}.${key}`, enter);
  if (Array.isArray(arg)) return arg.map((value, i) => child(String(i), value));
  return Object.fromEntries(Object.entries(arg as object).map(([key, value]) => [key, child(key, value)]));
}

/** Rebuilds everything that depends on an example over the whole batch; gives the batched form of a tensor, if it has one. */
function batchGraph(
  outputs: readonly Tensor[],
  examples: ReadonlyMap<Node, Tensor>,
  size: number,
  name: string | undefined,
): (t: Tensor) => Tensor | undefined {
  const batched: Batched = new Map([...examples].map(([node, front]) => [node, [front]]));
  batchNodes(ancestors(outputs, Math.min(...[...examples.keys()].map((n) => n.id))), batched, size, name);
  return (t) => batched.get(t.node)?.[t.index];
}

/** The outputs of nodes over a whole batch, where they have such a form. */
export type Batched = Map<Node, readonly (Tensor | undefined)[]>;

/** Rebuilds those of `nodes` that depend on what is batched, and adds their outputs to it. */
export function batchNodes(nodes: readonly Node[], batched: Batched, size: number, name: string | undefined): void {
  for (const node of nodes) {
    if (batched.has(node)) continue;
    const mapped = node.inputs.map((t) => batched.get(t.node)?.[t.index]);
    if (mapped.every((t) => t === undefined)) continue;
    const inputs = node.inputs.map((t, i) => mapped[i] ?? t);
    batched.set(
      node,
      inScope(node.scope, () =>
        node.op.batch({ inputs, batched: mapped.map((t) => t !== undefined), size, attrs: node.attrs, name }),
      ),
    );
  }
}

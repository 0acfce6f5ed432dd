import { mul } from './ops/arithmetic.ts';
import { inScope } from './scope.ts';
import { broadcastShapes, type Shape, sizeOf } from './shape.ts';
import { emit, type Node, type Tensor } from './tensor.ts';

/*
 * A value that a loop works out is often multiplied by one known factor after another: (v a) b. As v (a b), all but one
 * of the products are of known values, and stand before the loop.
 */

/** What {@link regrouped} works on. */
export interface Chains {
  /** Every node, in an order in which they can run. */
  readonly nodes: readonly Node[];
  /** Whether a value is worked out inside the loop. */
  isInside(t: Tensor): boolean;
  /** Nodes that run in every step. */
  readonly needed: ReadonlySet<Node>;
  /** What each step must end with. */
  readonly nexts: readonly Tensor[];
}

/** Rebuilds the graph with known factors together; gives what a tensor has become. */
export function regrouped({ nodes, isInside, needed, nexts }: Chains): (t: Tensor) => Tensor {
  const uses = new Map<Node, number>();
  const use = ({ node }: Tensor): void => {
    uses.set(node, (uses.get(node) ?? 0) + 1);
  };
  for (const node of nodes) if (needed.has(node)) node.inputs.forEach(use);
  nexts.forEach(use);

  const now = new Map<Node, readonly Tensor[]>();
  const nowOf = (t: Tensor): Tensor => now.get(t.node)?.[t.index] ?? t;
  /** Products of a value by known factors alone. */
  const products = new Map<Node, { readonly value: Tensor; readonly known: Tensor }>();
  const rebuild = (node: Node): readonly Tensor[] | undefined => {
    const [a, b] = node.inputs;
    if (node.op.name === 'mul' && isInside(a!) !== isInside(b!)) {
      const [own, factor] = isInside(a!) ? [a!, b!] : [b!, a!];
      const inner = uses.get(own.node) === 1 ? products.get(own.node) : undefined;
      const joint = inner && jointly(inner.known, factor);
      products.set(node, { value: joint ? inner.value : nowOf(own), known: joint ?? factor });
      if (joint) return [mul(inner.value, joint)];
    }
    const inputs = node.inputs.map(nowOf);
    if (inputs.every((t, i) => t === node.inputs[i])) return undefined;
    return emit(node.op, inputs, node.attrs);
  };
  for (const node of nodes) {
    if (!node.inputs.some(isInside)) continue;
    const made = inScope(node.scope, () => rebuild(node));
    if (made) now.set(node, made);
  }
  return nowOf;
}

/** The product of two known factors, unless they are more together than each by itself. */
function jointly(a: Tensor, b: Tensor): Tensor | undefined {
  const shape = broadcastShapes(a.shape, b.shape) as Shape;
  return sizeOf(shape) > Math.max(sizeOf(a.shape), sizeOf(b.shape)) ? undefined : mul(a, b);
}

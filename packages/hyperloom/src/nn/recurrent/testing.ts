import { concat, reshape, type Shape, sizeOf, split, type Tensor, tree } from '../../tensor/index.ts';
import { type AnyModule, type Context, defineModule, type Params } from '../module.ts';
import type { Cell } from './cell.ts';

/** Numbers in a tree of types. */
const count = (types: unknown): number =>
  tree.leaves<{ readonly shape: Shape }>(types).reduce((n, t) => n + sizeOf(t.shape), 0);

/** A cell as a layer from one vector, [x; state], to one vector, [y; next state]: what suites of layers can run. */
export function overVector<S, State>(
  cell: Cell<S, State>,
): { readonly layer: AnyModule; readonly input: Shape; readonly output: Shape } {
  const types = tree.leaves<{ readonly shape: Shape }>(cell.state);
  const sizes = types.map(({ shape }) => sizeOf(shape));
  const layer = defineModule<S>({
    name: cell.name,
    spec: cell.spec,
    init: cell.init,
    apply: (params: Params<S>, vector: Tensor, context?: Context) => {
      const [x, ...parts] = split(vector, [cell.in, ...sizes]);
      const leaves = parts.map((part, i) => reshape(part, types[i]!.shape));
      const { y, state } = cell.apply(params, { x: x!, state: tree.unflatten(cell.state, leaves) as State }, context);
      return concat([y, ...tree.leaves<Tensor>(state).map((leaf) => reshape(leaf, [-1]))]);
    },
  });
  const total = count(cell.state);
  return { layer: layer as unknown as AnyModule, input: [cell.in + total], output: [cell.out + total] };
}

import { ArgumentError, add, iota, mean, random, type Tensor, tree, vmap } from '../tensor/index.ts';
import { type Context, defineModule, type Module } from './module.ts';

/**
 * A module over a leading axis of its input: a group of points that share one set of weights. Under a hypernetwork
 * the weights of a group are generated once, whatever the number of its points.
 * [n, ...] to [n, ...], or trees of such.
 * @throws ArgumentError when applied to an input without a leading axis
 * @example
 * const points = nn.each(nn.mlp({ in: 2, hidden: [8], out: 1 }));
 * const y = points.apply(points.init(random.key(0)), constant(zerosArray('float32', [5, 2]))); // [5, 1]
 */
export function each<S, I = Tensor, O = Tensor>(module: Module<S, I, O>): Module<S, I, O> {
  return defineModule<S, I, O>({
    name: `each(${module.name})`,
    spec: module.spec,
    init: module.init,
    apply: (params, inputs, context) => {
      const count = tree.leaves<Tensor>(inputs)[0]?.shape[0];
      if (count === undefined)
        throw new ArgumentError(`each(${module.name}): expected an input with a leading axis, got a scalar`);
      const one = (input: I, index: Tensor) => {
        const reports = listening(context, index);
        const output = module.apply(params, input, reports.context);
        return { output, updates: reports.updates, observed: reports.observed };
      };
      const { output, updates, observed } = vmap(one, { name: 'batch' })(inputs, iota(count));
      for (const [path, delta] of Object.entries(updates)) context?.update?.(path, mean(delta, { axis: 0 }));
      for (const [path, seen] of Object.entries(observed)) context?.observe?.(path, seen);
      return output;
    },
  });
}

/** A context for one of several points: its own key, and reports that leave the `vmap` as results. */
function listening(context: Context | undefined, index: Tensor) {
  const updates: Record<string, Tensor> = {};
  const observed: Record<string, unknown> = {};
  const own: Context | undefined = context && {
    ...context,
    ...(context.training && context.key && { key: random.foldIn(context.key, index) }),
    ...(context.update && {
      update: (path: string, delta: Tensor) => {
        updates[path] = path in updates ? add(updates[path] as Tensor, delta) : delta;
      },
    }),
    ...(context.observe && {
      observe: (path: string, seen: unknown) => {
        observed[path] = seen;
      },
    }),
  };
  return { context: own, updates, observed };
}

import { ArgumentError } from '../tensor/index.ts';
import { type AnyModule, applyChild, defineModule, type Module, type SpecOf } from './module.ts';

/** Layers in the order that data passes through them: by name, or by position. */
export type Layers = { readonly [name: string]: AnyModule } | readonly AnyModule[];

/** The specs of layers under the names of the layers. */
export type SpecsOf<L> = { readonly [K in keyof L]: SpecOf<L[K]> };

/**
 * Layers one after another. Their names (or positions) are the first part of their weights' paths and of errors
 * raised in them.
 * @param layers an object of named layers, or an array
 * @throws ArgumentError for no layers, or a name that is a number or holds a dot
 * @example
 * const net = nn.sequential({
 *   conv1: nn.conv2d({ in: 1, out: 8, kernel: 3, padding: 'same', init: nn.init.kaimingNormal() }),
 *   relu: nn.relu,
 *   pool: nn.maxPool({ window: 2 }),
 *   flatten: nn.flatten,
 *   fc: nn.linear({ in: 8 * 14 * 14, out: 10 }),
 * });
 * const params = net.init(random.key(0)); // params.conv1.weight, params.fc.bias, ...
 * const logits = net.apply(params, constant(zerosArray('float32', [1, 28, 28]))); // [10]
 */
export function sequential<const L extends Layers>(layers: L): Module<SpecsOf<L>> {
  const entries = Object.entries<AnyModule>(layers as { readonly [name: string]: AnyModule });
  if (entries.length === 0) throw new ArgumentError('sequential: expected at least one layer, got none');
  if (!Array.isArray(layers)) {
    // Objects put numeric keys first, whatever the order in the source.
    const odd = entries.find(([name]) => /^\d+$|\.|^$/.test(name));
    if (odd)
      throw new ArgumentError(`sequential: expected names that are not numbers and hold no dots, got "${odd[0]}"`);
  }
  const specs: unknown = Array.isArray(layers)
    ? entries.map(([, { spec }]) => spec)
    : Object.fromEntries(entries.map(([name, { spec }]) => [name, spec]));
  return defineModule<SpecsOf<L>>({
    name: 'sequential',
    spec: specs as SpecsOf<L>,
    // The types of the layers are forgotten in the loop; that the weights fit was checked against the spec.
    apply: (params: unknown, x, context) => {
      const own = params as { readonly [name: string]: unknown };
      return entries.reduce((h, [name, layer]) => applyChild(name, layer, own[name] as never, h, context), x);
    },
  });
}

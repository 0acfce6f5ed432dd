import { random, reshape, split, type Tensor } from '../../tensor/index.ts';

/** Independent uniform scalars, as many as there are names. */
export function uniforms<N extends string>(
  key: Tensor,
  names: readonly N[],
  range: { readonly low: number; readonly high: number },
): Record<N, Tensor> {
  const drawn = split(
    random.uniform(key, [names.length], range),
    names.map(() => 1),
  );
  return Object.fromEntries(names.map((name, i) => [name, reshape(drawn[i] as Tensor, [])])) as Record<N, Tensor>;
}

import type { Params } from '../../nn/index.ts';
import { ArgumentError, mul } from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';
import { codesOf, type PartSources, type PartSpecs, type Parts, specsOf } from './parts.ts';

/**
 * The elementwise product of codes of equal size: one code gates the other. The source holds what each part reads,
 * under its name; parts that read nothing need no entry. Second moments multiply, as those of independent codes do.
 * @throws ArgumentError for no parts, parts of different sizes, or a name that is a number or holds a dot; when
 * applied, for a source that no part reads
 * @example
 * const code = codes.product({ user: codes.embeddings({ count: 10, size: 8 }), item: codes.embeddings({ count: 5, size: 8 }) });
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code, head: heads.dense() });
 * const source = { user: constant(3, 'int32'), item: constant(0, 'int32') };
 * const y = model.apply(model.init(random.key(0)), { code: source, input: constant([1, 2]) });
 */
export function product<const P extends Parts>(parts: P): Conditioner<PartSources<P>, PartSpecs<P>> {
  const spec = specsOf('codes.product', parts);
  const sizes = Object.values(parts).map(({ size }) => size);
  if (new Set(sizes).size > 1) {
    const got = Object.entries(parts).map(([name, { size }]) => `${name} ${size}`);
    throw new ArgumentError(`codes.product: expected parts of one size, got ${got.join(', ')}`);
  }
  return {
    name: `product(${Object.keys(parts).join(', ')})`,
    size: sizes[0] as number,
    secondMoment: Object.values(parts).reduce((total, part) => total * part.secondMoment, 1),
    spec,
    apply: (params: Params<PartSpecs<P>>, sources, context) =>
      codesOf('codes.product', parts, params, sources, context).reduce((a, b) => mul(a, b)),
  };
}

import type { Params } from '../../nn/index.ts';
import * as t from '../../tensor/index.ts';
import type { Conditioner } from '../conditioner.ts';
import { codesOf, type PartSources, type PartSpecs, type Parts, specsOf } from './parts.ts';

/**
 * Several codes behind one another as one: several named inputs together, a user's embedding with the time of day. The
 * source holds what each part reads, under its name; parts that read nothing need no entry.
 * @throws ArgumentError for no parts, no element in any, or a name that is a number or holds a dot; when applied, for
 * a source that no part reads
 * @example
 * const code = codes.concat({ user: codes.embeddings({ count: 10, size: 8 }), time: codes.mip({ size: 1 }) });
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code, head: heads.dense() });
 * const source = { user: constant(3, 'int32'), time: constant([0.25]) };
 * const y = model.apply(model.init(random.key(0)), { code: source, input: constant([1, 2]) });
 */
export function concat<const P extends Parts>(parts: P): Conditioner<PartSources<P>, PartSpecs<P>> {
  const spec = specsOf('codes.concat', parts);
  const all = Object.values(parts);
  const size = all.reduce((total, part) => total + part.size, 0);
  if (size === 0) throw new t.ArgumentError('codes.concat: expected a part of at least 1 element, got none');
  return {
    name: `concat(${Object.keys(parts).join(', ')})`,
    size,
    secondMoment: all.reduce((total, part) => total + (part.size / size) * part.secondMoment, 0),
    spec,
    apply: (params: Params<PartSpecs<P>>, sources, context) =>
      t.concat(codesOf('codes.concat', parts, params, sources, context).filter((code) => code.shape[0] !== 0)),
  };
}

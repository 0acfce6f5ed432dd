import { type Shape, sizeOf } from '../../tensor/index.ts';
import type { Lowering, Lowerings } from './lowering.ts';

/**
 * Adds rows by index, over base [outer, n, inner] and updates [outer, i, inner]. ScatterND would take rows whole, but
 * its threads lose sums where indices are equal; ScatterElements does not, and is quick along a single axis. So each
 * element gets its offset into the flat base.
 */
const scatterAdd: Lowering<{ axis: number }> = ({
  b,
  inputs: [base, indices, updates],
  attrs: { axis },
  outputs: [y],
}) => {
  const outer = sizeOf(base!.shape.slice(0, axis));
  const rows = base!.shape[axis] as number;
  const inner = sizeOf(base!.shape.slice(axis + 1));
  const count = sizeOf(indices!.shape);
  const total = [sizeOf(base!.shape)];
  const number = (value: number) => b.scalar('int32', value);
  const multiples = (length: number, step: number, shape: Shape) =>
    b.array({ dtype: 'int32', shape, data: Int32Array.from({ length }, (_, i) => i * step) });
  let at = b.reshape(indices!.name(), indices!.shape, [count, 1]);
  if (inner > 1) at = b.node('Add', [b.node('Mul', [at, number(inner)]), multiples(inner, 1, [inner])]);
  if (outer > 1) at = b.node('Add', [at, multiples(outer, rows * inner, [outer, 1, 1])]);
  const flat = [outer * count * inner];
  const sums = b.node(
    'ScatterElements',
    [
      b.reshape(base!.name(), base!.shape, total),
      b.reshape(at, [count, 1], flat),
      b.reshape(updates!.name(), updates!.shape, flat),
    ],
    { axis: 0, reduction: 'add' },
  );
  return b.reshape(sums, total, y!.shape);
};

/** Reading and adding rows by index. */
export const gather = {
  gather: ({ b, inputs: [x, indices], attrs }) => b.node('Gather', [x!.name(), indices!.name()], { axis: attrs.axis }),
  scatterAdd,
} satisfies Partial<Lowerings>;

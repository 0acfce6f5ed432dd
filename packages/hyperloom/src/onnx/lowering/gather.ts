import { type Shape, sizeOf } from '../../tensor/index.ts';
import type { Lowering, Lowerings } from './lowering.ts';

/**
 * Adds rows by index. ONNX scatters along the first axis, so another one is brought to the front for it: base
 * [outer, n, inner] and updates [outer, i, inner].
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
  const front = ({ name, shape }: { name: string; shape: Shape }, n: number) =>
    b.rearrange(name, shape, [outer, n, inner], [1, 0, 2], [n, outer * inner]);
  const at = b.reshape(b.cast(indices!.name(), 'int64'), indices!.shape, [count, 1]);
  const sums = b.node(
    'ScatterND',
    [
      front({ name: base!.name(), shape: base!.shape }, rows),
      at,
      front({ name: updates!.name(), shape: updates!.shape }, count),
    ],
    { reduction: 'add' },
  );
  return b.rearrange(sums, [rows, outer * inner], [rows, outer, inner], [1, 0, 2], y!.shape);
};

/** Reading and adding rows by index. */
export const gather = {
  gather: ({ b, inputs: [x, indices], attrs }) => b.node('Gather', [x!.name(), indices!.name()], { axis: attrs.axis }),
  scatterAdd,
} satisfies Partial<Lowerings>;

import type { Builder } from '../builder.ts';
import { Value } from '../value.ts';
import { detoured, type Lowering, type Lowerings, wide } from './lowering.ts';

/** int32 numbers in the order of uint32 ones, and back: there are no kernels that compare uint32. */
const signed = (b: Builder, x: string): string =>
  b.cast(b.node('BitwiseXor', [x, b.scalar('uint32', 2 ** 31)]), 'int32');
const unsigned = (b: Builder, x: string): string =>
  b.node('BitwiseXor', [b.cast(x, 'uint32'), b.scalar('uint32', 2 ** 31)]);

/** A value whose elements compare as those of x do, in a type that has kernels. */
const comparable = (b: Builder, x: Value): string => (x.dtype === 'uint32' ? signed(b, x.name()) : x.name());

type ReduceAttrs = { axes: readonly number[]; keepDims: boolean };

const reduction =
  (type: 'ReduceSum' | 'ReduceMax' | 'ReduceMin'): Lowering<ReduceAttrs> =>
  ({ b, inputs: [x], outputs: [y], attrs: { axes }, target: { standard = false } }) => {
    // Axes of size 1 are dropped by a view.
    const moving = axes.filter((axis) => x!.shape[axis] !== 1);
    if (moving.length === 0) return new Value(y!, () => b.reshape(x!.name(), x!.shape, y!.shape));
    const left = x!.shape.filter((_, axis) => !moving.includes(axis));
    // Extrema take their axes as an input from operator set 18 on.
    const asInput = type === 'ReduceSum' || !standard;
    const write = (name: string) =>
      asInput
        ? b.node(type, [name, b.ints(moving)], { keepdims: 0 })
        : b.node(type, [name], { axes: moving, keepdims: 0 });
    if (type === 'ReduceSum')
      return b.reshape(
        detoured(b, x!.dtype, wide, [x!.name()], ([name]) => write(name!)),
        left,
        y!.shape,
      );
    const best = write(comparable(b, x!));
    return b.reshape(x!.dtype === 'uint32' ? unsigned(b, best) : best, left, y!.shape);
  };

/** One node in place of nine. Its scale stays at 1: what follows may need the result without it. */
const standardize: Lowering<{ epsilon: number }> = ({ b, inputs: [x], attrs: { epsilon } }) => {
  const size = x!.shape.at(-1)!;
  const ones = b.array({ dtype: x!.dtype, shape: [size], data: new Float32Array(size).fill(1) });
  const attrs = { axis: -1, epsilon: { float: epsilon } };
  const [y, , rstd] = b.nodes('LayerNormalization', [x!.name(), ones], attrs, { outputs: 3 });
  return [y!, rstd!];
};

/** Reductions, and what runs along one axis. */
export const reduce = {
  reduceSum: reduction('ReduceSum'),
  reduceMax: reduction('ReduceMax'),
  reduceMin: reduction('ReduceMin'),
  standardize,
  argmax: ({ b, inputs: [x], attrs: { axis } }) =>
    b.cast(b.node('ArgMax', [comparable(b, x!)], { axis, keepdims: 0, select_last_index: 0 }), 'int32'),
  argsort: ({ b, inputs: [x] }) => {
    const size = b.ints([x!.shape.at(-1) as number]);
    const attrs = { axis: -1, largest: 0, sorted: 1 };
    return b.cast(b.nodes('TopK', [comparable(b, x!), size], attrs, { outputs: 2 })[1] as string, 'int32');
  },
  cumsum: ({ b, inputs: [x], attrs }) => {
    const { axis, reverse, exclusive } = attrs;
    return detoured(b, x!.dtype, wide, [x!.name()], ([name]) =>
      b.node('CumSum', [name!, b.scalar('int32', axis)], { reverse: Number(reverse), exclusive: Number(exclusive) }),
    );
  },
} satisfies Partial<Lowerings>;

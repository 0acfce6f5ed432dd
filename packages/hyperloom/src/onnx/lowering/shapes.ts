import { type Aval, type DType, type Shape, sameShape } from '../../tensor/index.ts';
import { Value } from '../value.ts';
import type { Lowering, Lowerings } from './lowering.ts';

/** More than this many numbers are counted at run time rather than stored. */
const longestStoredIota = 4096;

const iota: Lowering<{ size: number; dtype: DType }> = ({ b, attrs: { size, dtype }, outputs }) => {
  if (size <= longestStoredIota) {
    const data = Array.from({ length: size }, (_, i) => i);
    const store = {
      float32: Float32Array,
      float64: Float64Array,
      int32: Int32Array,
      uint32: Uint32Array,
      bool: Uint8Array,
    };
    return b.array({ dtype, shape: outputs[0]!.shape, data: store[dtype].from(data) });
  }
  const count = b.node('Range', [b.scalar('int32', 0), b.scalar('int32', size), b.scalar('int32', 1)]);
  return dtype === 'int32' ? count : b.cast(count, dtype);
};

/** Whether a permutation only swaps the last two axes. */
const swapsMatrix = (perm: readonly number[]): boolean => {
  const rank = perm.length;
  return rank >= 2 && perm.every((p, i) => p === (i < rank - 2 ? i : 2 * rank - 3 - i));
};

const transpose: Lowering<{ perm: readonly number[] }> = ({ b, inputs: [x], outputs: [y], attrs: { perm } }) => {
  const plain = () => b.transpose(x!.name(), x!.shape, perm);
  return new Value(y!, plain, swapsMatrix(perm) ? { matrixOf: x! } : {});
};

/** A value that is the elements of another in the same order. */
const reshape: Lowering<{ shape: Shape }> = ({ b, inputs: [x], outputs: [y] }) =>
  sameShape(x!.shape, y!.shape)
    ? x!
    : new Value(y!, () => b.reshape(x!.name(), x!.shape, y!.shape), { blocked: x!.blocked, biased: x!.biased });

const all = (x: Aval): number[] => x.shape.map((_, axis) => axis);

/** A start so far before the first element that a negative step ends there. */
const beforeFirst = -(2 ** 31);

/** Operations that move elements about. */
export const shapes = {
  // Arguments are on hand before any operation is written.
  input: ({ inputs: [x] }) => x!,
  constant: ({ b, attrs }) => b.array(attrs.value),
  iota,
  reshape,
  transpose,
  broadcastTo: ({ b, inputs: [x], outputs: [y] }) => new Value(y!, () => b.expand(x!.name(), x!.shape, y!.shape)),
  concat: ({ b, inputs, attrs }) =>
    b.node(
      'Concat',
      inputs.map((x) => x.name()),
      { axis: attrs.axis },
    ),
  split: ({ b, inputs: [x], attrs, outputs }) => {
    const { axis, sizes } = attrs;
    return b.nodes('Split', [x!.name(), b.ints(sizes)], { axis }, { outputs: outputs.length });
  },
  slice: ({ b, inputs: [x], attrs, outputs: [y] }) => {
    const { starts, ends, steps } = attrs;
    const cut = all(x!).filter((axis) => starts[axis] !== 0 || ends[axis] !== x!.shape[axis] || steps[axis] !== 1);
    if (sameShape(x!.shape, y!.shape)) return x!;
    const of = (list: readonly number[]) => b.ints(cut.map((axis) => list[axis] as number));
    return b.node('Slice', [x!.name(), of(starts), of(ends), b.ints(cut), of(steps)]);
  },
  pad: ({ b, inputs: [x], attrs }) => {
    const { low, high, value } = attrs;
    // A scalar has nothing to pad, which ONNX Runtime refuses to do.
    return low.length === 0 ? x! : b.node('Pad', [x!.name(), b.ints([...low, ...high]), b.scalar(x!.dtype, value)]);
  },
  flip: ({ b, inputs: [x], attrs }) => {
    const axes = attrs.axes.filter((axis) => (x!.shape[axis] as number) > 1);
    if (axes.length === 0) return x!;
    const each = (value: number) => b.ints(axes.map(() => value));
    return b.node('Slice', [x!.name(), each(-1), each(beforeFirst), b.ints(axes), each(-1)]);
  },
} satisfies Partial<Lowerings>;

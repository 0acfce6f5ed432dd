import { ArgumentError } from '../errors.ts';
import { type Aval, stridesOf } from '../shape.ts';
import { emit1, type Op, type Tensor } from '../tensor.ts';
import { normalAxis } from './axes.ts';
import { reshape } from './broadcast.ts';
import { labelled } from './factors.ts';
import { eachIndex, result } from './loops.ts';

/** The transpose operation: output axis i is input axis perm[i]. */
export const transposeOp: Op<{ perm: readonly number[] }> = {
  name: 'transpose',
  infer: ([x], { perm }) => {
    checkPermutation(x!, perm);
    return [{ dtype: x!.dtype, shape: perm.map((p) => x!.shape[p]!) }];
  },
  vjp: ({ cotangents: [dy], attrs }) => [
    transpose(
      dy!,
      attrs.perm.map((_, i) => attrs.perm.indexOf(i)),
    ),
  ],
  batch: ({ inputs, attrs }) => [transpose(inputs[0]!, [0, ...attrs.perm.map((p) => p + 1)])],
  eval: ([x], { perm }) => {
    const out = result(
      x!.dtype,
      perm.map((p) => x!.shape[p]!),
    );
    const strides = stridesOf(x!.shape);
    eachIndex(out.shape, [perm.map((p) => strides[p]!)], ([offset], position) => {
      out.data[position] = x!.data[offset!]!;
    });
    return [out];
  },
  axes: ([x], [y], { perm }) => ({
    inputs: [
      labelled(
        x!,
        x!.shape.map((_, i) => `${i}`),
      ),
    ],
    outputs: [
      labelled(
        y!,
        perm.map((p) => `${p}`),
      ),
    ],
  }),
};

function checkPermutation({ shape }: Aval, perm: readonly number[]): void {
  if (perm.length !== shape.length || [...perm].sort((a, b) => a - b).some((p, i) => p !== i))
    throw new ArgumentError(`transpose: expected a permutation of ${shape.length} axes, got [${perm.join(', ')}]`);
}

/**
 * Reorders axes: output axis i is input axis `perm[i]`. Without `perm` the axes are reversed.
 * @throws ArgumentError unless `perm` names every axis once
 * @example
 * const t = transpose(constant(ndarray([[1, 2, 3], [4, 5, 6]]))); // [3, 2]
 */
export function transpose(x: Tensor, perm: readonly number[] = x.shape.map((_, i) => x.rank - 1 - i)): Tensor {
  checkPermutation(x, perm);
  const moving = perm.filter((p) => x.shape[p] !== 1);
  const inOrder = moving.every((p, i) => i === 0 || p > moving[i - 1]!);
  // Moving axes of size 1 about moves no numbers.
  if (inOrder)
    return reshape(
      x,
      perm.map((p) => x.shape[p]!),
    );
  if (x.node.op === (transposeOp as Op)) {
    const inner = x.node.attrs.perm as readonly number[];
    return transpose(
      x.node.inputs[0]!,
      perm.map((p) => inner[p]!),
    );
  }
  return emit1(transposeOp, [x], { perm });
}

/**
 * Moves one axis to another place; the others keep their order.
 * @example
 * const lastFirst = moveAxis(constant(ndarray([[1, 2, 3], [4, 5, 6]])), -1, 0); // [3, 2]
 */
export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  const source = normalAxis(x, from, 'moveAxis');
  const target = normalAxis(x, to, 'moveAxis');
  const perm = x.shape.map((_, i) => i).filter((i) => i !== source);
  perm.splice(target, 0, source);
  return transpose(x, perm);
}

/** Swaps the last two axes: the transpose of every matrix in a stack. */
export const transposeMatrix = (x: Tensor): Tensor =>
  transpose(x, [...x.shape.keys()].slice(0, -2).concat(x.rank - 1, x.rank - 2));

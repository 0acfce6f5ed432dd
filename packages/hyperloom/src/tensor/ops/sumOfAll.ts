import { emit1, type Op, type Tensor } from '../tensor.ts';
import { add } from './arithmetic.ts';
import { reduceSumOp, reshape } from './broadcast.ts';
import { matmul } from './matmul.ts';
import { transpose, transposeMatrix } from './transpose.ts';

/*
 * The sum over the first axis of a stack, such as the gradients of a weight from all steps. Where each is a product,
 * their sum is one product: sum_t A_t B_t = [A_1 A_2 ...] [B_1; B_2; ...], and no term is ever written.
 */

/** The sum of a stack [steps, ...] over its steps. */
export function sumOfAll(stack: Tensor): Tensor {
  const { op, inputs, attrs } = stack.node;
  const [steps, ...shape] = stack.shape as [number, ...number[]];
  const [x, y] = inputs;
  if (op.name === 'reshape' && x!.rank > 0 && x!.shape[0] === steps) return reshape(sumOfAll(x!), shape);
  if (op.name === 'transpose') {
    const [lead, ...perm] = attrs.perm as number[];
    if (lead === 0)
      return transpose(
        sumOfAll(x!),
        perm.map((p) => p - 1),
      );
  }
  if (op.name === 'add' && [x, y].every((t) => t!.rank === stack.rank && t!.shape[0] === steps)) {
    const [a, b] = [sumOfAll(x!), sumOfAll(y!)];
    if (a.rank === shape.length && b.rank === shape.length) return add(a, b);
  }
  if (op.name === 'reduceSum') {
    const { axes, keepDims } = attrs as { axes: readonly number[]; keepDims: boolean };
    if (!axes.includes(0)) return reshape(emit1(reduceSumOp as Op, [x!], { axes: [0, ...axes], keepDims }), shape);
  }
  if (op.name === 'matmul' && stack.rank === 3 && x!.rank === 3 && y!.rank === 3 && x!.shape[0] === y!.shape[0])
    return matmul(besideEachOther(x!), reshape(y!, [steps * y!.shape[1]!, y!.shape[2]!]));
  return emit1(reduceSumOp as Op, [stack], { axes: [0], keepDims: false });
}

/** Matrices [steps, m, k] side by side: [m, steps k]. */
function besideEachOther(x: Tensor): Tensor {
  const [steps, m, k] = x.shape as [number, number, number];
  const turned = transposeMatrix(x);
  // A stack that is a transpose itself has its matrices below each other already.
  return transposeMatrix(reshape(turned, [steps * k, m]));
}

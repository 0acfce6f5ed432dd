import { emit1, type Op, type Tensor } from '../tensor.ts';
import { broadcastTo } from './broadcast.ts';
import { checkType } from './checks.ts';
import { alongOthers } from './factors.ts';
import { mean } from './reduce.ts';

/** The batchMean operation: the mean over the examples of the `vmap` of a name; the value itself outside of one. */
export const batchMeanOp: Op<{ name: string }> = {
  name: 'batchMean',
  infer: ([x]) => {
    checkType('batchMean', x!, 'float');
    return [x!];
  },
  vjp: ({ cotangents: [dy], attrs: { name } }) => [batchMean(dy!, name)],
  batch: ({ inputs: [x], size, attrs, name }) => {
    if (name !== attrs.name) return [emit1(batchMeanOp, [x!], attrs)];
    return [broadcastTo(mean(x!, { axis: 0, keepDims: true }), [size, ...x!.shape.slice(1)])];
  },
  eval: ([x]) => [x!],
  axes: (inputs, outputs) => alongOthers(inputs, outputs, () => false),
};

/**
 * The mean over the examples of a batch, seen from one example: what batch normalisation needs of the others. It
 * takes effect in the `vmap` that has its name, the innermost if there are several; `train` calls its batch `batch`.
 * @throws DTypeError unless the elements are floats
 * @example
 * const centred = vmap((x: Tensor) => sub(x, batchMean(x)), { name: 'batch' });
 * const y = centred(constant([1, 2, 6])); // [-2, -1, 3]
 */
export const batchMean = (x: Tensor, name = 'batch'): Tensor => emit1(batchMeanOp, [x], { name });

import { ShapeError } from '../errors.ts';
import { broadcastShapes, showShape, sizeOf } from '../shape.ts';
import { emit1, type Op, type Tensor } from '../tensor.ts';
import { reshape, sumTo } from './broadcast.ts';
import { checkType, jointType } from './checks.ts';
import { distributed } from './distribute.ts';
import { alignBatch } from './elementwise.ts';
import { fromTheBack, labelled } from './factors.ts';
import { broadcastStrides, eachIndex, result } from './loops.ts';
import { moveAxis, transpose, transposeMatrix } from './transpose.ts';

/** The matmul operation: [..., m, k] by [..., k, n], leading axes broadcast. */
export const matmulOp: Op<Record<string, never>> = {
  name: 'matmul',
  infer: ([a, b]) => {
    const dtype = jointType('matmul', [a!, b!]);
    checkType('matmul', a!, 'float');
    const stack = broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    if (a!.shape.length < 2 || b!.shape.length < 2 || stack === undefined || a!.shape.at(-1) !== b!.shape.at(-2)) {
      throw new ShapeError(
        `matmul: expected [..., m, k] and [..., k, n], got ${showShape(a!.shape)} and ${showShape(b!.shape)}`,
      );
    }
    return [{ dtype, shape: [...stack, a!.shape.at(-2)!, b!.shape.at(-1)!] }];
  },
  vjp: ({ inputs: [a, b], cotangents: [dy], wanted }) => [
    wanted[0] ? gradientOfLeft(a!, b!, dy!) : undefined,
    wanted[1] ? sumTo(matmul(transposeMatrix(a!), dy!), b!.shape) : undefined,
  ],
  batch: (call) => {
    const [a, b] = alignBatch(call) as [Tensor, Tensor];
    const shared = call.batched[1] === false && b.rank > 2;
    return [(shared ? asRows(a, b) : withoutMatrices(a, b)) ?? matmul(a, b)];
  },
  eval: ([a, b]) => {
    const { dtype, shape } = matmulOp.infer([a!, b!], {})[0]!;
    const out = result(dtype, shape);
    const [m, n] = [shape.at(-2)!, shape.at(-1)!];
    const k = a!.shape.at(-1)!;
    const stack = shape.slice(0, -2);
    const strides = [a!, b!].map((x) =>
      broadcastStrides(x.shape.slice(0, -2), stack).map((s) => s * x.shape.at(-1)! * x.shape.at(-2)!),
    );
    eachIndex(stack, strides, ([atA, atB], matrix) => {
      for (let i = 0; i < m; i++) {
        for (let p = 0; p < k; p++) {
          const left = a!.data[atA! + i * k + p]!;
          for (let j = 0; j < n; j++) out.data[(matrix * m + i) * n + j]! += left * b!.data[atB! + p * n + j]!;
        }
      }
    });
    return [out];
  },
  absorbs: [0, 1],
  axes: ([a, b], [y]) => ({
    inputs: [labelled(a!, [...fromTheBack(a!, 2), 'm', 'k']), labelled(b!, [...fromTheBack(b!, 2), 'k', 'n'])],
    outputs: [labelled(y!, [...fromTheBack(y!, 2), 'm', 'n'])],
  }),
  work: ([a], [y]) => ({ multiplyAdds: sizeOf(y!.shape) * a!.shape.at(-1)!, elements: 0 }),
};

/** Below this many rows a product goes over the right matrix for too little. */
const fewRows = 16;

/**
 * Few rows for each example by a stack of matrices that all examples share, as rows of all examples by each matrix: one
 * product for each matrix in place of one for each matrix and example.
 */
function asRows(a: Tensor, b: Tensor): Tensor | undefined {
  const [examples, rows] = [a.shape[0]!, a.shape.at(-2)!];
  if (rows >= fewRows) return undefined;
  const place = a.rank - 3;
  const tall = moveAxis(a, 0, place);
  const flat = reshape(tall, [...tall.shape.slice(0, place), examples * rows, tall.shape.at(-1)!]);
  const y = matmul(flat, b);
  const stack = y.shape.slice(0, -2);
  return moveAxis(reshape(y, [...stack, examples, rows, y.shape.at(-1)!]), stack.length, 0);
}

/** The product by {@link distributed}, where the left is rows and the right a matrix for each example or one for all. */
function withoutMatrices(a: Tensor, b: Tensor): Tensor | undefined {
  if (a.rank > 3 || b.rank > 3) return undefined;
  if (b.rank === 3) return distributed(a.rank === 3 ? a : reshape(a, [1, ...a.shape]), b, matmul);
  const tall = distributed(reshape(a, [1, -1, a.shape.at(-1)!]), b, matmul);
  return tall && reshape(tall, [...a.shape.slice(0, -1), b.shape[1]!]);
}

function gradientOfLeft(a: Tensor, b: Tensor, dy: Tensor): Tensor {
  if (a.rank === 2 && b.rank === 3) {
    // One matrix met a stack: contract the stack and the columns in one product.
    const flat = (x: Tensor) => reshape(transpose(x, [1, 0, 2]), [x.shape[1]!, x.shape[0]! * x.shape[2]!]);
    return matmul(flat(dy), transposeMatrix(flat(b)));
  }
  return sumTo(matmul(dy, transposeMatrix(b)), a.shape);
}

/**
 * Matrix product of [..., m, k] and [..., k, n]; leading axes broadcast.
 * @throws ShapeError when the inner sizes differ, DTypeError unless both are floats of one type
 * @example
 * const y = matmul(constant(ndarray([[1, 2]])), constant(ndarray([[3], [4]]))); // [[11]]
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  // A stack of matrices by one matrix is one tall matrix by it.
  if (b.rank === 2 && a.rank > 2 && a.shape.at(-1) === b.shape[0]) {
    const rows = reshape(a, [sizeOf(a.shape.slice(0, -1)), a.shape.at(-1)!]);
    return reshape(emit1(matmulOp, [rows, b], {}), [...a.shape.slice(0, -1), b.shape.at(-1)!]);
  }
  return emit1(matmulOp, [a, b], {});
}

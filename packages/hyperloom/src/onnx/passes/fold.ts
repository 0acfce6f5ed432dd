import {
  allocate,
  isFloat,
  type NdArray,
  type Op,
  type OpName,
  ops,
  type Program,
  sizeOf,
} from '../../tensor/index.ts';
import { rewrite } from './rewrite.ts';

/** Results of at most this many elements are computed ahead even when they are larger than what they come from. */
const smallResult = 64;

/** What a run computes faster than a file stores, or what is nothing but repetition. */
const never: ReadonlySet<OpName> = new Set(['constant', 'iota', 'broadcastTo', 'threefry']);

/** The program with operations on constants replaced by their results, where that makes it no larger. */
export const foldConstants = (program: Program): Program =>
  rewrite(program, (node, to) => {
    if (never.has(node.op) || node.inputs.length === 0) return undefined;
    const arrays: NdArray[] = [];
    for (const id of node.inputs) {
      const source = to.source(id);
      if (source?.op !== 'constant') return undefined;
      arrays.push(source.attrs.value as NdArray);
    }
    const before = arrays.reduce((n, { data }) => n + data.length, 0);
    const after = node.outputs.reduce((n, { shape }) => n + sizeOf(shape), 0);
    if (after > Math.max(before, smallResult)) return undefined;
    const results = (ops[node.op] as Op).eval(arrays.map(widen), node.attrs);
    return node.outputs.flatMap(({ dtype, shape }, i) => {
      const data = allocate(dtype, sizeOf(shape));
      data.set(results[i]!.data);
      return to.emit('constant', [], { value: { dtype, shape, data } });
    });
  });

/** Definitions take floats in float64. */
const widen = (array: NdArray): NdArray =>
  isFloat(array.dtype) ? { ...array, data: Float64Array.from(array.data) } : array;

export * from './activations.ts';
export { type NdArray, type Nested, ndarray, zerosArray } from './array.ts';
export { type Cost, nodeWork, programCost } from './cost.ts';
export { type Dimension, type Dimensions, dimensionsOf, type Label } from './dimensions.ts';
export { allocate, byteSize, type DType, isFloat, type TypedArray } from './dtype.ts';
export * from './einsum.ts';
export * from './errors.ts';
export { evaluate } from './evaluate.ts';
export { glob } from './glob.ts';
export { grad, pullback, valueAndGrad } from './grad.ts';
export { callProgram } from './inline.ts';
export { type Gauge, type Open, type Openness, opennessOf } from './openness.ts';
export { add, div, mul, neg, square, sub } from './ops/arithmetic.ts';
export { batchMean } from './ops/batchMean.ts';
export { broadcastTo, reshape } from './ops/broadcast.ts';
export { cast, identity, shiftRight, stopGradient } from './ops/cast.ts';
export {
  abs,
  and,
  clip,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  minimum,
  not,
  notEqual,
  or,
  relu,
  sign,
  where,
} from './ops/compare.ts';
export { conv, convInputGrad, convKernelGrad } from './ops/conv.ts';
export type { AxisRule, Factor, FactoredAxis } from './ops/factors.ts';
export { gather, iota, oneHot, scatterAdd } from './ops/gather.ts';
export type { ConvAttrs, ConvOptions } from './ops/geometry.ts';
export { type OpName, ops } from './ops/index.ts';
export { concat, split, stack } from './ops/join.ts';
export { cos, erf, exp, expm1, floor, log, log1p, pow, rsqrt, sigmoid, sin, sqrt, tanh } from './ops/math.ts';
export { matmul } from './ops/matmul.ts';
export { avgPool, maxPool, type PoolAttrs, type PoolOptions } from './ops/pool.ts';
export { argmax, argsort, centre, cumsum, max, mean, min, type ReduceOptions, sum, variance } from './ops/reduce.ts';
export type { ScanAttrs } from './ops/scan.ts';
export { flip, pad, type Range, slice } from './ops/slice.ts';
export { threefryParity, threefryRotations, threefryRounds } from './ops/threefry.ts';
export { moveAxis, transpose, transposeMatrix } from './ops/transpose.ts';
export { showProgram } from './print.ts';
export type { Program, ProgramNode, ValueId } from './program.ts';
export * as random from './random.ts';
export { type ScanOptions, scan } from './scan.ts';
export { currentScope, named } from './scope.ts';
export {
  decodeProgram,
  encodeProgram,
  type Find,
  type Json,
  type Keep,
  parseProgram,
  serializeProgram,
} from './serialize.ts';
export { type Aval, broadcastShapes, type Shape, sameShape, showShape, sizeOf, stridesOf } from './shape.ts';
export { type ShrinkOptions, type Shrunk, shrink } from './shrink.ts';
export {
  type Attr,
  type Attrs,
  type BatchCall,
  constant,
  type Node,
  type Op,
  placeholder,
  Tensor,
  type TensorLike,
  type VjpCall,
  type Work,
} from './tensor.ts';
export { ancestors, type Traced, trace } from './trace.ts';
export type { Mapped, Tree } from './tree.ts';
export * as tree from './tree.ts';
export { type Axes, type VmapOptions, vmap } from './vmap.ts';

import { constantOp, inputOp, type Op } from '../tensor.ts';
import { addOp, divOp, mulOp, negOp, subOp } from './arithmetic.ts';
import { batchMeanOp } from './batchMean.ts';
import { broadcastToOp, reduceSumOp, reshapeOp } from './broadcast.ts';
import { castOp, identityOp, shiftRightOp, stopGradientOp } from './cast.ts';
import * as compare from './compare.ts';
import { convInputGradOp, convKernelGradOp, convOp } from './conv.ts';
import { gatherOp, iotaOp, scatterAddOp } from './gather.ts';
import { concatOp, splitOp } from './join.ts';
import * as math from './math.ts';
import { matmulOp } from './matmul.ts';
import { nameOps } from './named.ts';
import { avgPoolGradOp, avgPoolOp, maxPoolGradOp, maxPoolOp, maxPoolPickOp } from './pool.ts';
import { argmaxOp, argsortOp, cumsumOp, reduceMaxOp, reduceMinOp } from './reduce.ts';
import { scanOp } from './scan.ts';
import { flipOp, padOp, sliceOp } from './slice.ts';
import { standardizeOp } from './standardize.ts';
import { threefryOp } from './threefry.ts';
import { transposeOp } from './transpose.ts';

/** Every operation by name. Engines hold a complete table over these names. */
export const ops = {
  input: inputOp,
  constant: constantOp,
  identity: identityOp,
  stopGradient: stopGradientOp,
  cast: castOp,
  shiftRight: shiftRightOp,
  neg: negOp,
  add: addOp,
  sub: subOp,
  mul: mulOp,
  div: divOp,
  pow: math.powOp,
  exp: math.expOp,
  expm1: math.expm1Op,
  log: math.logOp,
  log1p: math.log1pOp,
  sqrt: math.sqrtOp,
  rsqrt: math.rsqrtOp,
  tanh: math.tanhOp,
  sigmoid: math.sigmoidOp,
  sin: math.sinOp,
  cos: math.cosOp,
  erf: math.erfOp,
  floor: math.floorOp,
  abs: compare.absOp,
  sign: compare.signOp,
  relu: compare.reluOp,
  clip: compare.clipOp,
  maximum: compare.maximumOp,
  minimum: compare.minimumOp,
  equal: compare.equalOp,
  notEqual: compare.notEqualOp,
  less: compare.lessOp,
  lessEqual: compare.lessEqualOp,
  greater: compare.greaterOp,
  greaterEqual: compare.greaterEqualOp,
  and: compare.andOp,
  or: compare.orOp,
  not: compare.notOp,
  where: compare.whereOp,
  reduceSum: reduceSumOp,
  reduceMax: reduceMaxOp,
  reduceMin: reduceMinOp,
  batchMean: batchMeanOp,
  standardize: standardizeOp,
  argmax: argmaxOp,
  argsort: argsortOp,
  cumsum: cumsumOp,
  reshape: reshapeOp,
  transpose: transposeOp,
  broadcastTo: broadcastToOp,
  concat: concatOp,
  split: splitOp,
  slice: sliceOp,
  pad: padOp,
  flip: flipOp,
  iota: iotaOp,
  gather: gatherOp,
  scatterAdd: scatterAddOp,
  matmul: matmulOp,
  conv: convOp,
  convInputGrad: convInputGradOp,
  convKernelGrad: convKernelGradOp,
  maxPool: maxPoolOp,
  maxPoolGrad: maxPoolGradOp,
  maxPoolPick: maxPoolPickOp,
  avgPool: avgPoolOp,
  avgPoolGrad: avgPoolGradOp,
  threefry: threefryOp,
  scan: scanOp,
} as const;

nameOps(ops as unknown as Readonly<Record<string, Op>>);

/** The name of an operation. */
export type OpName = keyof typeof ops;

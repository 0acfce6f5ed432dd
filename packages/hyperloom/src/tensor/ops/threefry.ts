import { DTypeError, ShapeError } from '../errors.ts';
import { showShape } from '../shape.ts';
import { emit1, noGradient, type Op, type Tensor } from '../tensor.ts';
import { jointShape } from './checks.ts';
import { alignBatch } from './elementwise.ts';
import { broadcastStrides, eachIndex, result } from './loops.ts';

/** Rotations of Threefry-2x32 (Salmon et al. 2011, table 2); rounds cycle through them. */
export const threefryRotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
/** Parity constant of the key schedule. */
export const threefryParity = 0x1bd11bda;
/** Rounds: the number for which the published test vectors hold and that JAX uses. */
export const threefryRounds = 20;

/** Threefry-2x32, 20 rounds, of one block. */
export function threefryBlock(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0, key1, (threefryParity ^ key0 ^ key1) >>> 0];
  let x0 = (counter0 + key0) >>> 0;
  let x1 = (counter1 + key1) >>> 0;
  for (let round = 0; round < threefryRounds; round++) {
    const rotation = threefryRotations[round % 8]!;
    x0 = (x0 + x1) >>> 0;
    x1 = (((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0) >>> 0;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      x0 = (x0 + keys[injection % 3]!) >>> 0;
      x1 = (x1 + keys[(injection + 1) % 3]! + injection) >>> 0;
    }
  }
  return [x0, x1];
}

/** The threefry operation: uint32 keys [..., 2] and counters [..., 2] to bits [..., 2]; leading axes broadcast. */
export const threefryOp: Op<Record<string, never>> = {
  name: 'threefry',
  infer: (inputs) => {
    for (const x of inputs) {
      if (x.dtype !== 'uint32') throw new DTypeError(`threefry: expected uint32 keys and counters, got ${x.dtype}`);
      if (x.shape.at(-1) !== 2)
        throw new ShapeError(`threefry: expected keys and counters [..., 2], got ${showShape(x.shape)}`);
    }
    return [{ dtype: 'uint32', shape: jointShape('threefry', inputs) }];
  },
  vjp: noGradient,
  batch: (call) => [emit1(threefryOp, alignBatch(call), {})],
  eval: (inputs) => {
    const [key, counter] = inputs.map((x) => x.data);
    const shape = jointShape('threefry', inputs);
    const out = result('uint32', shape);
    const strides = inputs.map((x) => broadcastStrides(x.shape, shape).slice(0, -1));
    eachIndex(shape.slice(0, -1), strides, ([k, c], block) => {
      const [x0, x1] = threefryBlock(key![k!]!, key![k! + 1]!, counter![c!]!, counter![c! + 1]!);
      out.data[2 * block] = x0;
      out.data[2 * block + 1] = x1;
    });
    return [out];
  },
};

/** Threefry-2x32 bits of keys and counters; see {@link threefryOp}. */
export const threefry = (key: Tensor, counter: Tensor): Tensor => emit1(threefryOp, [key, counter], {});

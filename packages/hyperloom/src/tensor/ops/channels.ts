import type { Tensor } from '../tensor.ts';
import { reshape } from './broadcast.ts';
import { transpose } from './transpose.ts';

/*
 * How a batch of convolutions becomes one: the batch B is folded into the examples N, the channels or the groups.
 */

/** The axes of x from `from` on, as they stand after `shift` more have been inserted in front of them. */
export const rest = (x: Tensor, from: number, shift = 0): number[] =>
  [...x.shape.keys()].slice(from).map((axis) => axis + shift);

/** [B, N, ...] to [B * N, ...]. */
export const fold = (x: Tensor): Tensor => reshape(x, [x.shape[0]! * x.shape[1]!, ...x.shape.slice(2)]);
/** [B * N, ...] to [B, N, ...]. */
export const unfold = (x: Tensor, size: number): Tensor => reshape(x, [size, x.shape[0]! / size, ...x.shape.slice(1)]);

/** [B, N, groups * C, ...] to [N, groups * B * C, ...]. */
export function channelsIn(x: Tensor, groups: number): Tensor {
  const [b, n, c, ...s] = x.shape as [number, number, number, ...number[]];
  const apart = reshape(x, [b, n, groups, c / groups, ...s]);
  return reshape(transpose(apart, [1, 2, 0, 3, ...rest(x, 3, 1)]), [n, b * c, ...s]);
}

/** [N, groups * B * C, ...] to [B, N, groups * C, ...]. */
export function channelsOut(x: Tensor, size: number, groups: number): Tensor {
  const [n, c, ...s] = x.shape as [number, number, ...number[]];
  const apart = reshape(x, [n, groups, size, c / size / groups, ...s]);
  return reshape(transpose(apart, [2, 0, 1, 3, ...rest(x, 2, 2)]), [size, n, c / size, ...s]);
}

/** [B, groups * O, C, ...] to [groups * B * O, C, ...]. */
export function kernelsIn(w: Tensor, groups: number): Tensor {
  const [b, o, ...tail] = w.shape as [number, number, ...number[]];
  const apart = reshape(w, [b, groups, o / groups, ...tail]);
  return reshape(transpose(apart, [1, 0, 2, ...rest(w, 2, 1)]), [b * o, ...tail]);
}

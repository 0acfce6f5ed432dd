import { type Aval, type ConvAttrs, type PoolAttrs, type Shape, sameShape, sizeOf } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import type { NodeAttr } from '../proto.ts';
import { Value } from '../value.ts';
import type { Call } from './lowering.ts';

/*
 * ONNX Runtime has convolutions and pools that take channels in blocks as wide as a vector register. It uses them on
 * its own only where the weights are constants; here weights are computed, so the graph names these kernels itself.
 * Values stay blocked from one such operation to the next, through whatever maps each element on its own.
 */
const domain = 'com.microsoft.nchwc';

/** Multiplications below this are not worth the reordering. */
const smallestWork = 1e6;

/** The blocked form of a value over a grid [N, C, H, W], reordered if it is not on hand. */
function blockedName(b: Builder, x: Value, grid: Shape): string {
  if (x.blocked !== undefined && sameShape(x.blocked.grid, grid)) return x.blocked.name;
  const name = b.node('ReorderInput', [b.reshape(x.name(), x.shape, grid)], {}, { domain });
  x.blocked = { name, grid };
  return name;
}

/** A value that came out blocked; it is put in rows when something needs rows. */
const fromBlocked = (b: Builder, y: Aval, grid: Shape, name: string): Value =>
  new Value(
    y,
    () => b.reshape(b.node('ReorderOutput', [name], { channels: grid[1] as number }, { domain }), grid, y.shape),
    { blocked: { name, grid } },
  );

/** Whether the blocked kernels take a convolution of this size. Few input channels may stay in rows; others fill blocks. */
function suits(x: Shape, w: Shape, y: Shape, { groups }: ConvAttrs, block: number): boolean {
  const [o, c] = w as [number, number];
  if (block === 0 || x.length !== 4 || groups !== 1 || o % block !== 0) return false;
  return (c % block === 0 || c < block) && sizeOf(y) * sizeOf(w.slice(1)) >= smallestWork;
}

/** conv in blocked form, if that suits it. */
export function blockedConv(
  { b, inputs: [x, w], outputs: [y], attrs, target: { block } }: Call<ConvAttrs>,
  node: Record<string, NodeAttr>,
): Value | undefined {
  if (!suits(x!.shape, w!.shape, y!.shape, attrs, block)) return undefined;
  const [o, c, ...k] = w!.shape as [number, number, number, number];
  const taps = sizeOf(k);
  const inRows = c < block;
  const kernel = inRows
    ? b.rearrange(w!.name(), w!.shape, [o / block, block, c * taps], [0, 2, 1], w!.shape)
    : b.rearrange(w!.name(), w!.shape, [o / block, block, c / block, block, taps], [0, 2, 4, 3, 1], w!.shape);
  const image = inRows ? x!.name() : blockedName(b, x!, x!.shape);
  return fromBlocked(b, y!, y!.shape, b.node('Conv', [image, kernel], node, { domain }));
}

/** The gradient of an unstrided convolution for its input in blocked form, if that suits it; `flipped` is its kernel, turned. */
export function blockedInputGrad(
  { b, inputs: [w, dy], outputs: [dx], attrs, target: { block } }: Call<ConvAttrs & { spatial: readonly number[] }>,
  node: Record<string, NodeAttr>,
  flipped: () => string,
): Value | undefined {
  const [o, c, ...k] = w!.shape as [number, number, number, number];
  if (o % block !== 0 || !suits(dy!.shape, [c, o, ...k], dx!.shape, attrs, block)) return undefined;
  const view = [o / block, block, c / block, block, sizeOf(k)];
  const kernel = b.rearrange(flipped(), w!.shape, view, [2, 0, 4, 1, 3], [c, o, ...k]);
  return fromBlocked(b, dx!, dx!.shape, b.node('Conv', [blockedName(b, dy!, dy!.shape), kernel], node, { domain }));
}

/** maxPool of a value that is blocked already. */
export function blockedMaxPool(
  { b, inputs: [x], outputs: [y] }: Call<PoolAttrs>,
  node: Record<string, NodeAttr>,
): Value | undefined {
  if (x!.blocked === undefined || !sameShape(x!.blocked.grid, x!.shape)) return undefined;
  return fromBlocked(b, y!, y!.shape, b.node('MaxPool', [x!.blocked.name], node, { domain }));
}

/** Whether an input has one number for each channel of a grid, against an output of a given shape. */
function perChannel(x: Shape, y: Shape, grid: Shape): boolean {
  const own = [...new Array<number>(y.length - x.length).fill(1), ...x];
  const axis = own.findIndex((d) => d !== 1);
  const alone = own.every((d, i) => d === 1 || i === axis);
  return alone && own[axis] === grid[1] && sizeOf(y.slice(0, axis)) === grid[0];
}

/**
 * An operation on each element in blocked form, if all its whole inputs are blocked already; the others are single
 * numbers or one for each channel.
 */
export function blockedElementwise(
  { b, inputs, outputs, target: { block } }: Pick<Call, 'b' | 'inputs' | 'outputs' | 'target'>,
  write: (names: readonly string[]) => string,
): Value | undefined {
  const y = outputs[0] as Aval;
  const grid = inputs.find((x) => x.blocked !== undefined)?.blocked?.grid;
  if (grid === undefined || [y, ...inputs].some(({ dtype }) => dtype !== 'float32')) return undefined;
  const kinds = inputs.map((x) => {
    if (sizeOf(x.shape) === 1) return 'number';
    if (sameShape(x.shape, y.shape)) return x.blocked && sameShape(x.blocked.grid, grid) ? 'whole' : undefined;
    return perChannel(x.shape, y.shape, grid) ? 'channels' : undefined;
  });
  if (kinds.includes(undefined) || !kinds.includes('whole')) return undefined;
  const [n, c, h, w] = grid as readonly [number, number, number, number];
  const apart: Shape = kinds.includes('channels') ? [n, c / block, h, w, block] : grid;
  const operands = inputs.map((x, i) => {
    if (kinds[i] === 'whole') return b.reshape(x.blocked!.name, grid, apart);
    return b.reshape(x.name(), x.shape, kinds[i] === 'number' ? [] : [c / block, 1, 1, block]);
  });
  return fromBlocked(b, y, grid, b.reshape(write(operands), apart, grid));
}

import { type Aval, type ConvAttrs, type PoolAttrs, type Shape, sameShape, sizeOf } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import type { NodeAttr } from '../proto.ts';
import { type Biased, Value } from '../value.ts';
import { convNode } from './conv-node.ts';
import type { Call, Lowering } from './lowering.ts';

/*
 * ONNX Runtime has convolutions and pools that take channels in blocks as wide as a vector register. It uses them on
 * its own only where the weights are constants; here weights are computed, so the graph names these kernels itself.
 * Values stay blocked from one such operation to the next, through whatever maps each element on its own.
 */
const domain = 'com.microsoft.nchwc';

/** Multiplications below this are not worth the reordering. */
const smallestWork = 1e6;

/** Whether two grids have their elements at the same places when channels are in blocks. */
const alike = (a: Shape, b: Shape, block: number): boolean =>
  sameShape(a, b) || (sameShape(a.slice(2), b.slice(2)) && a[1]! % block === 0 && b[1]! % block === 0);

/**
 * The blocked form of a value over a grid [N, C, H, W], reordered if it is not on hand. Where channels fill blocks, the
 * examples of one grid are the channels of another: both lie in memory alike.
 */
function blockedName({ b, target: { block } }: Pick<Call, 'b' | 'target'>, x: Value, grid: Shape): string {
  if (x.blocked !== undefined && alike(x.blocked.grid, grid, block))
    return b.reshape(x.blocked.name(), x.blocked.grid, grid);
  const name = b.node('ReorderInput', [b.reshape(x.name(), x.shape, grid)], {}, { domain });
  x.blocked = { name: () => name, grid };
  return name;
}

/** A value that comes out blocked; it is put in rows when something needs rows. */
function fromBlocked(b: Builder, y: Aval, grid: Shape, write: () => string, biased?: Biased): Value {
  const name = b.later(write);
  const plain = () =>
    b.reshape(b.node('ReorderOutput', [name()], { channels: grid[1] as number }, { domain }), grid, y.shape);
  return new Value(y, plain, { blocked: { name, grid }, biased });
}

/** Whether the blocked kernels take a convolution of this size. Few input channels may stay in rows; others fill blocks. */
function suits(x: Shape, w: Shape, y: Shape, { groups }: ConvAttrs, block: number): boolean {
  const [o, c] = w as [number, number];
  if (block === 0 || x.length !== 4 || (o / groups) % block !== 0) return false;
  return (c % block === 0 || c < block) && sizeOf(y) * sizeOf(w.slice(1)) >= smallestWork;
}

/** conv in blocked form, if that suits it. */
export function blockedConv(call: Call<ConvAttrs>, node: Record<string, NodeAttr>): Value | undefined {
  const {
    b,
    inputs: [x, w],
    outputs: [y],
    attrs,
    target: { block },
  } = call;
  if (!suits(x!.shape, w!.shape, y!.shape, attrs, block)) return undefined;
  const [o, c, ...k] = w!.shape as [number, number, number, number];
  const taps = sizeOf(k);
  const inRows = c < block;
  const kernel = b.later(() =>
    inRows
      ? b.rearrange(w!.name(), w!.shape, [o / block, block, c * taps], [0, 2, 1], w!.shape)
      : b.rearrange(w!.name(), w!.shape, [o / block, block, c / block, block, taps], [0, 2, 4, 3, 1], w!.shape),
  );
  const image = b.later(() => (inRows ? x!.name() : blockedName(call, x!, x!.shape)));
  const grid = y!.shape;
  const write = (bias: readonly string[]) => () => b.node('Conv', [image(), kernel(), ...bias], node, { domain });
  return fromBlocked(b, y!, grid, write([]), {
    grid,
    with: (bias, sum) => fromBlocked(b, sum, grid, write([bias])),
  });
}

/** The gradient of an unstrided convolution for its input in blocked form, if that suits it; `flipped` is its kernel, turned. */
export function blockedInputGrad(
  call: Call<ConvAttrs & { spatial: readonly number[] }>,
  node: Record<string, NodeAttr>,
): Value | undefined {
  const {
    b,
    inputs: [w, dy],
    outputs: [dx],
    attrs,
    target: { block },
  } = call;
  const { groups } = attrs;
  const [all, c, ...k] = w!.shape as [number, number, number, number];
  const o = all / groups;
  const turned = [groups * c, o, ...k];
  if (o % block !== 0 || !suits(dy!.shape, turned, dx!.shape, attrs, block)) return undefined;
  const taps = sizeOf(k);
  const view = [groups, o / block, block, c / block, block, taps];
  const blocks = [groups * (c / block) * (o / block), taps, block * block];
  return fromBlocked(b, dx!, dx!.shape, () => {
    const kernel = b.rearrange(w!.name(), w!.shape, view, [0, 3, 1, 5, 2, 4], blocks);
    const reversed = b.ints([...new Array(taps).keys()].reverse());
    const flipped = taps === 1 ? kernel : b.node('Gather', [kernel, reversed], { axis: 1 });
    const image = blockedName(call, dy!, dy!.shape);
    return b.node('Conv', [image, b.reshape(flipped, blocks, turned)], node, { domain });
  });
}

/**
 * The gradient of a kernel as a convolution of x by dy, in blocked form, if that suits it: examples are its channels, and
 * fill blocks, or there is one, as in the groups that kernels for each example make.
 * @param padding what is added to x: as zeros, since the kernels take places at an edge one by one
 */
export function blockedKernelGrad(
  call: Call<ConvAttrs & { kernel: readonly number[] }>,
  padding: readonly (readonly [number, number])[],
): Value | undefined {
  const {
    b,
    inputs: [x, dy],
    outputs: [dw],
    attrs: { strides, dilation, groups, kernel },
    target: { block },
  } = call;
  const [n, channels, ...s] = x!.shape as [number, number, number, number];
  const [, out, ...sizes] = dy!.shape as [number, number, number, number];
  const c = channels / groups;
  const fits = block !== 0 && dy!.shape.length === 4 && (out / groups) % block === 0 && (n === 1 || n % block === 0);
  if (!fits || padding.flat().some((p) => p < 0)) return undefined;
  if (sizeOf(dy!.shape) * c * sizeOf(kernel) < smallestWork) return undefined;
  const images = b.rearrange(x!.name(), x!.shape, [n, groups, c, sizeOf(s)], [2, 1, 0, 3], [c, groups * n, ...s]);
  const ends = [0, 1].flatMap((end) => [0, 0, ...padding.map((pair) => pair[end]!)]);
  const padded = ends.every((p) => p === 0) ? images : b.node('Pad', [images, b.ints(ends)]);
  const blocks = n === 1 ? padded : b.node('ReorderInput', [padded], {}, { domain });
  const view = [n / Math.min(n, block), Math.min(n, block), out / block, sizeOf(sizes), block];
  const taps = b.rearrange(blockedName(call, dy!, dy!.shape), dy!.shape, view, [2, 0, 3, 1, 4], [out, n, ...sizes]);
  const unpadded = [
    [0, 0],
    [0, 0],
  ] as const;
  const node = convNode(sizes, { strides: dilation, padding: unpadded, dilation: strides, groups });
  const w = b.node('Conv', [blocks, taps], node, { domain });
  const rows = b.node('ReorderOutput', [w], { channels: out }, { domain });
  const grid = [c, out, ...kernel];
  return new Value(dw!, () => b.rearrange(rows, grid, [c, out, sizeOf(kernel)], [1, 0, 2], dw!.shape));
}

/** Whether a pool's input is blocked as it stands. */
const isBlocked = (x: Value): boolean => x.blocked !== undefined && x.shape.length === 4;

/** maxPool of a value that is blocked already. */
export function blockedMaxPool(call: Call<PoolAttrs>, node: Record<string, NodeAttr>): Value | undefined {
  const {
    b,
    inputs: [x],
    outputs: [y],
    target: { block },
  } = call;
  if (!isBlocked(x!) || !alike(x!.blocked!.grid, x!.shape, block)) return undefined;
  return fromBlocked(b, y!, y!.shape, () => b.node('MaxPool', [blockedName(call, x!, x!.shape)], node, { domain }));
}

/** How the gradient of a pool whose windows lie side by side is written: see `spreadToFirst`. */
export interface Windows {
  /** The maximum of each window. */
  pool(x: string): string;
  /** One number of each window at all of its elements. */
  spread(y: string): string;
  /** A number for each place of x, in the form of x. */
  readonly places: string;
}

/** The gradient of a pool of a value that is blocked already. */
export function blockedPoolGrad(
  call: Call<PoolAttrs>,
  node: Record<string, NodeAttr>,
  places: readonly number[],
  write: (x: string, dy: string, windows: Windows) => string,
): Value | undefined {
  const {
    b,
    inputs: [x, dy],
    outputs: [dx],
    target: { block },
  } = call;
  if (!isBlocked(x!) || !alike(x!.blocked!.grid, x!.shape, block)) return undefined;
  const [n, c, h, w] = x!.shape as [number, number, number, number];
  const inBlocks = [n, c / block, h, w, block];
  const scales = [1, 1, h / dy!.shape[2]!, w / dy!.shape[3]!];
  const apart = (name: string) => b.reshape(name, x!.shape, inBlocks);
  const own = { dtype: 'float32', shape: [h, w, block] } as const;
  const data = Float32Array.from({ length: h * w * block }, (_, i) => places[Math.floor(i / block)]!);
  return fromBlocked(b, dx!, x!.shape, () => {
    const spread = write(apart(blockedName(call, x!, x!.shape)), blockedName(call, dy!, dy!.shape), {
      pool: (name) => b.node('MaxPool', [b.reshape(name, inBlocks, x!.shape)], node, { domain }),
      spread: (name) => apart(b.node('Upsample', [name], { scales, mode: 'nearest' }, { domain })),
      places: b.array({ ...own, data }),
    });
    return b.reshape(spread, inBlocks, x!.shape);
  });
}

/**
 * An operation on each element in blocked form, if all its inputs are blocked alike or single numbers, and one is no
 * number.
 * @param write the operation in rows
 */
export function blockedElementwise(call: Call, write: Lowering): Value | undefined {
  const { b, inputs, outputs, target } = call;
  const y = outputs[0] as Aval;
  const grid = inputs.find((x) => x.blocked !== undefined)?.blocked?.grid;
  if (grid === undefined) return undefined;
  const isNumber = (x: Value) => sizeOf(x.shape) === 1;
  const fits = (x: Value) =>
    isNumber(x) ||
    (sameShape(x.shape, y.shape) && x.blocked !== undefined && alike(x.blocked.grid, grid, target.block));
  if (!inputs.every(fits)) return undefined;
  const inBlocks = () =>
    inputs.map((x) =>
      isNumber(x)
        ? new Value({ dtype: x.dtype, shape: [] }, b.reshape(x.name(), x.shape, []))
        : new Value({ dtype: x.dtype, shape: grid }, blockedName(call, x, grid)),
    );
  const written = (values: readonly Value[], shape: Shape): string => {
    const result = write({ ...call, inputs: values, outputs: [{ dtype: y.dtype, shape }] });
    return typeof result === 'string' ? result : (result as Value).name();
  };
  // The kernels that put blocks in rows are of floats alone.
  if (y.dtype === 'float32') return fromBlocked(b, y, grid, () => written(inBlocks(), grid));
  const name = b.later(() => written(inBlocks(), grid));
  return new Value(y, () => written(inputs, y.shape), { blocked: { name, grid } });
}

/**
 * A sum of a convolution and a number for each of its channels, as one convolution with a bias; undefined where an
 * input is none or the other is none.
 */
export function biasedConv({ b, inputs, outputs: [y] }: Pick<Call, 'b' | 'inputs' | 'outputs'>): Value | undefined {
  const at = inputs.findIndex(({ biased }) => biased !== undefined);
  const biased = inputs[at]?.biased;
  const bias = inputs[1 - at];
  if (biased === undefined || bias === undefined || !sameShape(inputs[at]!.shape, y!.shape)) return undefined;
  const axes = biased.grid.length - 2;
  const own = [...new Array<number>(y!.shape.length - bias.shape.length).fill(1), ...bias.shape];
  const lead = y!.shape.slice(0, -axes);
  // Leading axes of as many elements as there are images stand for them; what follows are channels.
  const first = lead.findIndex((_, i) => sizeOf(lead.slice(0, i)) === biased.grid[0] && lead[i] !== 1);
  if (first < 0 || !sameShape(y!.shape.slice(-axes), biased.grid.slice(2))) return undefined;
  const channels = lead.slice(first);
  const alone = own.every((d, i) => d === 1 || (i >= first && i < lead.length));
  if (!alone || sizeOf(channels) !== biased.grid[1]) return undefined;
  const each = own.slice(first, lead.length);
  const name = b.expand(b.reshape(bias.name(), bias.shape, each), each, channels);
  return biased.with(b.reshape(name, channels, [biased.grid[1]!]), y!);
}

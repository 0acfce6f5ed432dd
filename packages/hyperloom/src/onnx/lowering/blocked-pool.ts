import { type PoolAttrs, sameShape, sizeOf } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../value.ts';
import { blockedName, fromBlocked } from './blocked.ts';
import type { Call } from './lowering.ts';

/** Whether a pool has windows of two by two side by side, over channels that fill blocks. */
const suits = ({ shape }: Value, { window, strides, padding }: PoolAttrs, block: number): boolean =>
  block > 0 &&
  sameShape(window, [2, 2]) &&
  sameShape(strides, [2, 2]) &&
  padding.flat().every((p) => p === 0) &&
  shape[1]! % block === 0 &&
  shape.slice(2).every((size) => size % 2 === 0) &&
  sizeOf(shape) >= 1e5;

/** Cuts axis 1, of size 2, in two. */
const halves = (b: Builder, x: string): readonly [string, string] =>
  b.nodes('Split', [x, b.ints([1, 1])], { axis: 1 }, { outputs: 2 }) as [string, string];

/**
 * maxPoolGrad for windows of two by two, with values in blocks. ONNX Runtime finds positions of maxima one number at a
 * time; here the four corners of all windows are parted and compared as whole arrays. The first maximum, in row-major
 * order, gets the gradient.
 */
export function blockedPoolGrad(
  call: Pick<Call<PoolAttrs>, 'b' | 'inputs' | 'outputs' | 'attrs' | 'target'>,
): Value | undefined {
  const {
    b,
    inputs: [x, dy],
    outputs: [dx],
    attrs,
    target: { block },
  } = call;
  if (!suits(x!, attrs, block)) return undefined;
  const [n, c, height, width] = x!.shape as [number, number, number, number];
  const windowRows = (n * c * height) / block / 2;
  const windows = (windowRows * width) / 2;
  const rows = halves(b, b.reshape(blockedName(b, x!, x!.shape), x!.shape, [windowRows, 2, width * block]));
  const [[topLeft, topRight], [bottomLeft, bottomRight]] = rows.map((row) =>
    halves(b, b.reshape(row, undefined, [windows, 2, block])),
  ) as [readonly [string, string], readonly [string, string]];
  const zero = b.scalar('float32', 0);
  /** Gives to the first of two where it is not below the second, to the second elsewhere. */
  const share = (first: string, second: string, gradient: string): [string, string] => {
    const wins = b.node('GreaterOrEqual', [first, second]);
    return [b.node('Where', [wins, gradient, zero]), b.node('Where', [wins, zero, gradient])];
  };
  const given = b.reshape(blockedName(b, dy!, dy!.shape), dy!.shape, [windows, 1, block]);
  const [top, bottom] = share(b.node('Max', [topLeft!, topRight!]), b.node('Max', [bottomLeft!, bottomRight!]), given);
  const joined = [share(topLeft!, topRight!, top), share(bottomLeft!, bottomRight!, bottom)].map((pair) =>
    b.reshape(b.node('Concat', pair, { axis: 1 }), [windows, 2, block], [windowRows, 1, width * block]),
  );
  const name = b.reshape(b.node('Concat', joined, { axis: 1 }), undefined, x!.shape);
  return fromBlocked(b, dx!, x!.shape, name);
}

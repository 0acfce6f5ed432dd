import { type Aval, type PoolAttrs, sizeOf } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import type { NodeAttr } from '../proto.ts';
import type { Value } from '../value.ts';
import { blockedMaxPool, blockedPoolGrad, type Windows } from './blocked.ts';
import { padsOf } from './conv-node.ts';
import type { Lowering, Lowerings } from './lowering.ts';

const windowNode = ({ window, strides, padding }: PoolAttrs): Record<string, NodeAttr> => ({
  kernel_shape: window,
  strides,
  pads: padsOf(padding),
});

/** Where each window has its first maximum: int64 offsets into all of x. */
const maxima = (b: Builder, x: Value, attrs: PoolAttrs): string =>
  b.nodes('MaxPool', [x.name()], windowNode(attrs), { outputs: 2 })[1] as string;

/**
 * Whether windows lie side by side and cover all of x. In blocks the maxima are then found without asking for places,
 * which takes ONNX Runtime twenty times as long as the maxima themselves.
 */
const covers = ({ shape }: Aval, { window, strides, padding }: PoolAttrs): boolean =>
  shape.length === 4 &&
  window.every((size, i) => size === strides[i] && shape[i + 2]! % size === 0) &&
  padding.flat().every((p) => p === 0);

/**
 * Each window's gradient at its first maximum: of the elements that equal the maximum, the one whose place counts most.
 * Comparisons are arithmetic, 1 where a difference that is not above 0 is 0, since selections cost more.
 */
const spreadToFirst =
  (b: Builder) =>
  (x: string, dy: string, { pool, spread, places }: Windows): string => {
    const isZero = (d: string, alpha: number) =>
      b.node('HardSigmoid', [d], { alpha: { float: alpha }, beta: { float: 1 } });
    const maxima = isZero(b.node('Sub', [x, spread(pool(x))]), 3e38);
    const counts = b.node('Mul', [maxima, places]);
    const first = isZero(b.node('Sub', [counts, spread(pool(counts))]), 1);
    return b.node('Mul', [first, spread(dy)]);
  };

const maxPoolGrad: Lowering<PoolAttrs> = (call) => {
  const {
    b,
    inputs: [x, dy],
    attrs,
    target,
  } = call;
  const { window, strides } = attrs;
  if (x!.dtype === 'float32' && !target.standard && covers(x!, attrs)) {
    const [, , h, w] = x!.shape as [number, number, number, number];
    const [rows, columns] = window as [number, number];
    const places = Array.from(
      { length: h * w },
      (_, i) => rows * columns - ((Math.floor(i / w) % rows) * columns + ((i % w) % columns)),
    );
    const blocked = blockedPoolGrad(call, windowNode(attrs), places, spreadToFirst(b));
    if (blocked) return blocked;
  }
  const at = maxima(b, x!, attrs);
  if (window.every((size, i) => size <= strides[i]!))
    return b.node('MaxUnpool', [dy!.name(), at, b.ints(x!.shape)], windowNode(attrs));
  const flat = [sizeOf(x!.shape)];
  const zeros = b.expand(b.scalar(x!.dtype, 0), [], flat);
  const sums = b.node(
    'ScatterElements',
    [zeros, b.reshape(at, dy!.shape, [sizeOf(dy!.shape)]), b.reshape(dy!.name(), dy!.shape, [sizeOf(dy!.shape)])],
    {
      axis: 0,
      reduction: 'add',
    },
  );
  return b.reshape(sums, flat, x!.shape);
};

const maxPoolPick: Lowering<PoolAttrs> = ({ b, inputs: [x, g], attrs }) =>
  b.node('Gather', [b.reshape(g!.name(), g!.shape, [sizeOf(g!.shape)]), maxima(b, x!, attrs)], { axis: 0 });

/** Every plane on its own, so that one kernel serves all channels. */
const avgPoolGrad: Lowering<PoolAttrs & { spatial: readonly number[] }> = ({
  b,
  inputs: [dy],
  outputs: [dx],
  attrs,
}) => {
  const { window, strides, padding, spatial } = attrs;
  const [n, c, ...sizes] = dy!.shape as [number, number, ...number[]];
  const high = spatial.map((size, i) => (sizes[i]! - 1) * strides[i]! + window[i]! - padding[i]![0] - size);
  const count = sizeOf(window);
  const kernel = b.array({ dtype: 'float32', shape: [1, 1, ...window], data: new Float32Array(count).fill(1 / count) });
  const spread = b.node('ConvTranspose', [b.reshape(dy!.name(), dy!.shape, [n * c, 1, ...sizes]), kernel], {
    kernel_shape: window,
    strides,
    pads: padsOf(padding.map(([low], i) => [low, Math.max(0, high[i]!)])),
    output_padding: high.map((n) => Math.max(0, -n)),
  });
  return b.reshape(spread, [n * c, 1, ...spatial], dx!.shape);
};

/** Pooling and its gradients. */
export const pool = {
  maxPool: (call) =>
    blockedMaxPool(call, windowNode(call.attrs)) ??
    call.b.node('MaxPool', [call.inputs[0]!.name()], windowNode(call.attrs)),
  maxPoolGrad,
  maxPoolPick,
  avgPool: ({ b, inputs: [x], attrs }) =>
    b.node('AveragePool', [x!.name()], { ...windowNode(attrs), count_include_pad: 1 }),
  avgPoolGrad,
} satisfies Partial<Lowerings>;

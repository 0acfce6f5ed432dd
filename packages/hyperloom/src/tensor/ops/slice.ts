import { ShapeError } from '../errors.ts';
import { isShape, sameShape, showShape, stridesOf } from '../shape.ts';
import { emit1, type Op, type Tensor, workOnOutput } from '../tensor.ts';
import { normalAxes } from './axes.ts';
import { reshape } from './broadcast.ts';
import { alongOthers } from './factors.ts';
import { eachIndex, result } from './loops.ts';

type SliceAttrs = { starts: readonly number[]; ends: readonly number[]; steps: readonly number[] };

/** The slice operation: from each axis the elements start, start + step, ... below end. */
export const sliceOp: Op<SliceAttrs> = {
  name: 'slice',
  infer: ([x], { starts, ends, steps }) => {
    const fits =
      isShape([...starts, ...ends, ...steps]) &&
      x!.shape.every((d, i) => starts[i]! <= ends[i]! && ends[i]! <= d && steps[i]! >= 1);
    if (!fits || starts.length !== x!.shape.length) {
      throw new ShapeError(
        `slice: expected ranges inside ${showShape(x!.shape)}, got ${showShape(starts)} to ${showShape(ends)} by ${showShape(steps)}`,
      );
    }
    return [{ dtype: x!.dtype, shape: starts.map((start, i) => Math.ceil((ends[i]! - start) / steps[i]!)) }];
  },
  vjp: ({ inputs: [x], cotangents: [dy], attrs: { starts, steps } }) => {
    const spread = interleaveZeros(dy!, steps);
    // A last partial step leaves spread longer than the source when the range ends early; trim, then pad.
    const kept = spread.shape.map((d, i) => Math.min(d, x!.shape[i]! - starts[i]!));
    const trimmed = sameShape(kept, spread.shape)
      ? spread
      : slice(
          spread,
          kept.map((end) => [0, end]),
        );
    return [
      pad(
        trimmed,
        kept.map((d, i) => [starts[i]!, x!.shape[i]! - starts[i]! - d]),
      ),
    ];
  },
  batch: ({ inputs, size, attrs: { starts, ends, steps } }) => [
    emit1(sliceOp, inputs, { starts: [0, ...starts], ends: [size, ...ends], steps: [1, ...steps] }),
  ],
  eval: ([x], attrs) => {
    const { shape } = sliceOp.infer([x!], attrs)[0]!;
    const out = result(x!.dtype, shape);
    const strides = stridesOf(x!.shape);
    const origin = attrs.starts.reduce((at, start, i) => at + start * strides[i]!, 0);
    eachIndex(shape, [strides.map((stride, i) => stride * attrs.steps[i]!)], ([from], to) => {
      out.data[to] = x!.data[origin + from!]!;
    });
    return [out];
  },
  axes: ([x], outputs, { starts, ends, steps }) =>
    alongOthers([x!], outputs, (i) => starts[i] !== 0 || ends[i] !== x!.shape[i] || steps[i] !== 1),
  resize: (attrs, [x]) => ({ ...attrs, ends: attrs.ends.map((end, i) => Math.min(end, x!.shape[i]!)) }),
  work: workOnOutput,
};

type PadAttrs = { low: readonly number[]; high: readonly number[]; value: number };

/** The pad operation: a constant before and after each axis. */
export const padOp: Op<PadAttrs> = {
  name: 'pad',
  infer: ([x], { low, high }) => {
    const rank = x!.shape.length;
    if (low.length !== rank || high.length !== rank || !isShape([...low, ...high])) {
      throw new ShapeError(
        `pad: expected whole amounts before and after each of ${rank} axes, got ${showShape(low)} and ${showShape(high)}`,
      );
    }
    return [{ dtype: x!.dtype, shape: x!.shape.map((d, i) => low[i]! + d + high[i]!) }];
  },
  vjp: ({ inputs: [x], cotangents: [dy], attrs: { low } }) => [
    slice(
      dy!,
      x!.shape.map((d, i) => [low[i]!, low[i]! + d]),
    ),
  ],
  batch: ({ inputs, attrs: { low, high, value } }) => [
    emit1(padOp, inputs, { low: [0, ...low], high: [0, ...high], value }),
  ],
  eval: ([x], attrs) => {
    const { shape } = padOp.infer([x!], attrs)[0]!;
    const out = result(x!.dtype, shape);
    for (let i = 0; i < out.data.length; i++) out.data[i] = attrs.value;
    const strides = stridesOf(shape);
    const origin = attrs.low.reduce((at, n, i) => at + n * strides[i]!, 0);
    eachIndex(x!.shape, [strides], ([to], from) => {
      out.data[origin + to!] = x!.data[from]!;
    });
    return [out];
  },
  axes: (inputs, outputs, { low, high, value }) => ({
    ...alongOthers(inputs, outputs, (i) => low[i] !== 0 || high[i] !== 0),
    ...(value !== 0 && { keepsZeros: false }),
  }),
};

/** The flip operation: reverses the order along axes. */
export const flipOp: Op<{ axes: readonly number[] }> = {
  name: 'flip',
  infer: ([x]) => [{ dtype: x!.dtype, shape: x!.shape }],
  vjp: ({ cotangents: [dy], attrs }) => [emit1(flipOp, [dy!], attrs)],
  batch: ({ inputs, attrs: { axes } }) => [emit1(flipOp, inputs, { axes: axes.map((axis) => axis + 1) })],
  eval: ([x], { axes }) => {
    const out = result(x!.dtype, x!.shape);
    const strides = stridesOf(x!.shape);
    const origin = axes.reduce((at, axis) => at + strides[axis]! * (x!.shape[axis]! - 1), 0);
    eachIndex(x!.shape, [strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride))], ([from], to) => {
      out.data[to] = x!.data[origin + from!]!;
    });
    return [out];
  },
  axes: (inputs, outputs, { axes }) => alongOthers(inputs, outputs, (axis) => axes.includes(axis)),
};

/** Puts step - 1 zeros after each element along each axis. */
function interleaveZeros(x: Tensor, steps: readonly number[]): Tensor {
  if (steps.every((step) => step === 1)) return x;
  // Each stepped axis gets one of size 1 behind it, which padding widens to the step.
  const apart = reshape(
    x,
    x.shape.flatMap((d, i) => (steps[i] === 1 ? [d] : [d, 1])),
  );
  const none: readonly [number, number] = [0, 0];
  const padded = pad(
    apart,
    steps.flatMap((step) => (step === 1 ? [none] : [none, [0, step - 1] as const])),
  );
  return reshape(
    padded,
    x.shape.map((d, i) => d * steps[i]!),
  );
}

/** One axis's range: `[start, end]` or `[start, end, step]`; negative ends count from the back. */
export type Range = readonly [number, number] | readonly [number, number, number];

/**
 * A range of each axis; axes that are not named are kept whole.
 * @throws ShapeError when a range leaves the tensor
 * @example
 * const odd = slice(constant([0, 1, 2, 3]), [[1, 4, 2]]); // [1, 3]
 */
export function slice(x: Tensor, ranges: readonly Range[]): Tensor {
  if (ranges.length > x.rank)
    throw new ShapeError(`slice: expected at most ${x.rank} ranges for ${showShape(x.shape)}, got ${ranges.length}`);
  const full = x.shape.map((d, i) => ranges[i] ?? [0, d]);
  const from = (n: number, d: number) => (n < 0 ? n + d : n);
  const starts = full.map(([start], i) => from(start, x.shape[i]!));
  const ends = full.map(([, end], i) => from(end, x.shape[i]!));
  const steps = full.map(([, , step]) => step ?? 1);
  const whole = x.shape.every((d, i) => starts[i] === 0 && ends[i] === d && steps[i] === 1);
  return whole ? x : emit1(sliceOp, [x], { starts, ends, steps });
}

/**
 * Adds a constant before and after each axis: one `[low, high]` for each.
 * @throws ShapeError unless there is a pair for each axis and none is negative
 * @example
 * const framed = pad(constant([1, 2]), [[1, 1]]); // [0, 1, 2, 0]
 */
export const pad = (x: Tensor, amounts: readonly (readonly [number, number])[], value = 0): Tensor =>
  amounts.length === x.rank && amounts.every(([low, high]) => low === 0 && high === 0)
    ? x
    : emit1(padOp, [x], { low: amounts.map(([low]) => low), high: amounts.map(([, high]) => high), value });

/** Reverses the order along axes; all when absent. */
export const flip = (x: Tensor, axis?: number | readonly number[]): Tensor =>
  emit1(flipOp, [x], { axes: normalAxes(x, axis, 'flip') });

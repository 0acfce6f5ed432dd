import { ArgumentError, ShapeError } from '../errors.ts';
import { type Shape, sameShape, showShape, stridesOf } from '../shape.ts';
import { emit, emit1, type Op, scalarLike, type Tensor } from '../tensor.ts';
import { normalAxes, normalAxis } from './axes.ts';
import { broadcastTo, reshape } from './broadcast.ts';
import { jointType } from './elementwise.ts';
import { eachIndex, result } from './loops.ts';

/** Zeros of a given type and shape, as a scalar that the consumer broadcasts. */
const zerosOf = (x: { dtype: Tensor['dtype']; shape: Shape }): Tensor => broadcastTo(scalarLike(0, x), x.shape);

/** The concat operation: inputs that differ only along one axis, joined there. */
export const concatOp: Op<{ axis: number }> = {
  name: 'concat',
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    const total = inputs.reduce((n, x) => n + (x.shape[axis] ?? 0), 0);
    const odd = inputs.find((x) => !sameShape(x.shape.with(axis, 0), first!.shape.with(axis, 0)));
    if (odd)
      throw new ShapeError(
        `concat: expected shapes equal but for axis ${axis}, got ${showShape(first!.shape)} and ${showShape(odd.shape)}`,
      );
    return [{ dtype: jointType('concat', inputs), shape: first!.shape.with(axis, total) }];
  },
  vjp: ({ inputs, cotangents: [dy], attrs: { axis } }) =>
    split(
      dy!,
      inputs.map((x) => x.shape[axis]!),
      axis,
    ),
  batch: ({ inputs, batched, size, attrs: { axis } }) => [
    emit1(
      concatOp,
      inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape]))),
      { axis: axis + 1 },
    ),
  ],
  eval: (inputs, { axis }) => {
    const { dtype, shape } = concatOp.infer(inputs, { axis })[0]!;
    const out = result(dtype, shape);
    const strides = stridesOf(shape);
    let start = 0;
    for (const x of inputs) {
      eachIndex(x.shape, [strides], ([to], from) => {
        out.data[start + to!] = x.data[from]!;
      });
      start += x.shape[axis]! * strides[axis]!;
    }
    return [out];
  },
};

/** The split operation: cuts one axis into parts of the given sizes; one output for each. */
export const splitOp: Op<{ axis: number; sizes: readonly number[] }> = {
  name: 'split',
  infer: ([x], { axis, sizes }) => {
    if (sizes.reduce((a, b) => a + b, 0) !== x!.shape[axis]) {
      throw new ShapeError(`split: expected sizes that add up to ${x!.shape[axis]}, got [${sizes.join(', ')}]`);
    }
    return sizes.map((size) => ({ dtype: x!.dtype, shape: x!.shape.with(axis, size) }));
  },
  vjp: ({ outputs, cotangents, attrs: { axis } }) => [
    concat(
      outputs.map((y, i) => cotangents[i] ?? zerosOf(y)),
      axis,
    ),
  ],
  batch: ({ inputs, attrs: { axis, sizes } }) => emit(splitOp, inputs, { axis: axis + 1, sizes }),
  eval: ([x], { axis, sizes }) => {
    const strides = stridesOf(x!.shape);
    let start = 0;
    return sizes.map((size) => {
      const out = result(x!.dtype, x!.shape.with(axis, size));
      eachIndex(out.shape, [strides], ([from], to) => {
        out.data[to] = x!.data[start + from!]!;
      });
      start += size * strides[axis]!;
      return out;
    });
  },
};

type SliceAttrs = { starts: readonly number[]; ends: readonly number[]; steps: readonly number[] };

/** The slice operation: from each axis the elements start, start + step, ... below end. */
export const sliceOp: Op<SliceAttrs> = {
  name: 'slice',
  infer: ([x], { starts, ends, steps }) => {
    const fits = x!.shape.every((d, i) => starts[i]! >= 0 && starts[i]! <= ends[i]! && ends[i]! <= d && steps[i]! >= 1);
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
};

type PadAttrs = { low: readonly number[]; high: readonly number[]; value: number };

/** The pad operation: a constant before and after each axis. */
export const padOp: Op<PadAttrs> = {
  name: 'pad',
  infer: ([x], { low, high }) => {
    if (low.length !== x!.shape.length || [...low, ...high].some((n) => n < 0)) {
      throw new ShapeError(
        `pad: expected ${x!.shape.length} pairs of amounts, none negative, got ${showShape(low)} and ${showShape(high)}`,
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
};

/** Puts step - 1 zeros after each element along each axis. */
function interleaveZeros(x: Tensor, steps: readonly number[]): Tensor {
  if (steps.every((step) => step === 1)) return x;
  const apart = reshape(
    x,
    x.shape.flatMap((d) => [d, 1]),
  );
  const padded = pad(
    apart,
    steps.flatMap(
      (step) =>
        [
          [0, 0],
          [0, step - 1],
        ] as [number, number][],
    ),
  );
  return reshape(
    padded,
    x.shape.map((d, i) => d * steps[i]!),
  );
}

/**
 * Joins tensors along an axis.
 * @throws ShapeError when they differ along another axis
 * @example
 * const xs = concat([constant([1, 2]), constant([3])]); // [3]
 */
export function concat(xs: readonly Tensor[], axis = 0): Tensor {
  if (xs.length === 0) throw new ArgumentError('concat: expected at least one tensor, got none');
  return xs.length === 1 ? xs[0]! : emit1(concatOp, xs, { axis: normalAxis(xs[0]!, axis, 'concat') });
}

/** Joins tensors of one shape along a new axis. */
export function stack(xs: readonly Tensor[], axis = 0): Tensor {
  if (xs.length === 0) throw new ArgumentError('stack: expected at least one tensor, got none');
  const at = normalAxis({ dtype: xs[0]!.dtype, shape: [...xs[0]!.shape, 1] }, axis, 'stack');
  return concat(
    xs.map((x) => reshape(x, x.shape.toSpliced(at, 0, 1))),
    at,
  );
}

/**
 * Cuts an axis into parts of the given sizes.
 * @throws ShapeError when the sizes do not add up to the axis
 * @example
 * const [head, tail] = split(constant([1, 2, 3]), [1, 2]);
 */
export const split = (x: Tensor, sizes: readonly number[], axis = 0): readonly Tensor[] =>
  sizes.length === 1 && sizes[0] === x.shape[normalAxis(x, axis, 'split')]
    ? [x]
    : emit(splitOp, [x], { axis: normalAxis(x, axis, 'split'), sizes });

/** One axis's range: `[start, end]` or `[start, end, step]`; negative ends count from the back. */
export type Range = readonly [number, number] | readonly [number, number, number];

/**
 * A range of each axis; axes that are not named are kept whole.
 * @throws ShapeError when a range leaves the tensor
 * @example
 * const odd = slice(constant([0, 1, 2, 3]), [[1, 4, 2]]); // [1, 3]
 */
export function slice(x: Tensor, ranges: readonly Range[]): Tensor {
  const full = x.shape.map((d, i) => ranges[i] ?? [0, d]);
  const from = (n: number, d: number) => (n < 0 ? n + d : n);
  return emit1(sliceOp, [x], {
    starts: full.map(([start], i) => from(start, x.shape[i]!)),
    ends: full.map(([, end], i) => from(end, x.shape[i]!)),
    steps: full.map(([, , step]) => step ?? 1),
  });
}

/** Adds a constant before and after each axis: one `[low, high]` for each. */
export const pad = (x: Tensor, amounts: readonly (readonly [number, number])[], value = 0): Tensor =>
  amounts.every(([low, high]) => low === 0 && high === 0)
    ? x
    : emit1(padOp, [x], { low: amounts.map(([low]) => low), high: amounts.map(([, high]) => high), value });

/** Reverses the order along axes; all when absent. */
export const flip = (x: Tensor, axis?: number | readonly number[]): Tensor =>
  emit1(flipOp, [x], { axes: normalAxes(x, axis, 'flip') });

import fc from 'fast-check';
import {
  type Attrs,
  add,
  type ConvAttrs,
  cast,
  type DType,
  matmul,
  mul,
  type NdArray,
  type OpName,
  type PoolAttrs,
  reshape,
  sizeOf,
  type Tensor,
  tanh,
  trace,
} from '../tensor/index.ts';
import { convShape } from '../tensor/ops/geometry.ts';
import {
  anyShape,
  broadcastable,
  type Draw,
  filled,
  floats,
  indices,
  int,
  integers,
  numbers,
  shapeOf,
  typed,
} from './draw.suite.ts';

/** Inputs and options for one application of an operation. */
export interface Sample {
  readonly inputs: readonly NdArray[];
  readonly attrs: Attrs;
}

type Sampler = (draw: Draw, dtype: DType) => Sample;

const unary =
  (low = -2, high = 2, others: readonly DType[] = []): Sampler =>
  (draw, dtype) => {
    const type = typed(draw, dtype, others);
    const shape = anyShape(draw);
    return { inputs: [type === dtype ? floats(draw, shape, type, low, high) : numbers(draw, shape, type)], attrs: {} };
  };

const binary =
  (others: readonly DType[] = integers, range: readonly [number, number] = [-2, 2]): Sampler =>
  (draw, dtype) => {
    const type = typed(draw, dtype, others);
    const inputs = broadcastable(draw, 2).map((shape) =>
      type === dtype ? floats(draw, shape, type, ...range) : numbers(draw, shape, type),
    );
    return { inputs, attrs: {} };
  };

/** Comparisons meet equal elements. */
const comparison: Sampler = (draw, dtype) => {
  const type = typed(draw, dtype, ['int32', 'uint32', 'bool']);
  const inputs = broadcastable(draw, 2).map((shape) =>
    filled(draw, shape, type, (u) => Math.floor(u * (type === 'bool' ? 2 : 3))),
  );
  return { inputs, attrs: {} };
};

const logical: Sampler = (draw) => ({
  inputs: broadcastable(draw, 2).map((shape) => numbers(draw, shape, 'bool')),
  attrs: {},
});

const reduction =
  (others: readonly DType[]): Sampler =>
  (draw, dtype) => {
    const shape = shapeOf(draw, int(draw, 1, 5));
    const axes = shape.flatMap((_, axis) => (draw(fc.boolean()) ? [axis] : []));
    const x = numbers(draw, shape, typed(draw, dtype, others));
    return { inputs: [x], attrs: { axes: axes.length > 0 ? axes : [0], keepDims: draw(fc.boolean()) } };
  };

/** Whole small numbers of any type, with repeats. */
const few = (draw: Draw, shape: readonly number[], type: DType): NdArray =>
  filled(draw, shape, type, (u) => (type === 'bool' ? Number(u > 0.5) : Math.floor(u * 4)));

const permutation = (draw: Draw, rank: number): number[] =>
  draw(
    fc.shuffledSubarray(
      Array.from({ length: rank }, (_, i) => i),
      { minLength: rank, maxLength: rank },
    ),
  );

const everyType: readonly DType[] = ['int32', 'uint32', 'bool'];

/** Geometry of a convolution that fits, with its sizes. */
function convolution(draw: Draw): { x: number[]; w: number[]; attrs: ConvAttrs } {
  const axes = int(draw, 1, 2);
  const groups = int(draw, 1, 3);
  const each = (of: () => number) => Array.from({ length: axes }, of);
  const kernel = each(() => int(draw, 1, 3));
  const dilation = each(() => int(draw, 1, 2));
  const padding = kernel.map(() => [int(draw, 0, 3), int(draw, 0, 3)] as const);
  const spatial = kernel.map((k, i) => (k - 1) * dilation[i]! + 1 + int(draw, 0, 4));
  const attrs = { strides: each(() => int(draw, 1, 3)), padding, dilation, groups };
  const channels = int(draw, 1, 2);
  return {
    x: [int(draw, 1, 2), groups * channels, ...spatial],
    w: [groups * int(draw, 1, 2), channels, ...kernel],
    attrs,
  };
}

const convSample =
  (
    pick: (sizes: { x: number[]; w: number[]; y: readonly number[] }) => [readonly number[], readonly number[]],
    more: (sizes: { x: number[]; w: number[] }) => Attrs = () => ({}),
  ): Sampler =>
  (draw, dtype) => {
    const { x, w, attrs } = convolution(draw);
    const sizes = { x, w, y: convShape('sample', x, w, attrs) };
    return { inputs: pick(sizes).map((shape) => numbers(draw, shape, dtype)), attrs: { ...attrs, ...more(sizes) } };
  };

function pooling(draw: Draw): { x: number[]; y: number[]; attrs: PoolAttrs } {
  const axes = int(draw, 1, 2);
  const window = shapeOf(draw, axes, 3);
  const strides = window.map((size) => (draw(fc.boolean()) ? size : int(draw, 1, 3)));
  const padding = window.map((size) => [int(draw, 0, size - 1), int(draw, 0, size - 1)] as const);
  const spatial = window.map((size) => size + int(draw, 0, 4));
  const head = [int(draw, 1, 2), int(draw, 1, 3)];
  const out = spatial.map((d, i) => Math.floor((d + padding[i]![0] + padding[i]![1] - window[i]!) / strides[i]!) + 1);
  return { x: [...head, ...spatial], y: [...head, ...out], attrs: { window, strides, padding } };
}

const poolSample =
  (pick: (sizes: { x: number[]; y: number[] }) => number[][], more: (x: number[]) => Attrs = () => ({})): Sampler =>
  (draw, dtype) => {
    const { x, y, attrs } = pooling(draw);
    return { inputs: pick({ x, y }).map((shape) => numbers(draw, shape, dtype)), attrs: { ...attrs, ...more(x) } };
  };

/** Inputs and options that each operation takes: the compiler names an operation that is missing here. */
export const samplers: Readonly<Record<OpName, Sampler>> = {
  input: () => ({ inputs: [], attrs: { dtype: 'float32', shape: [] } }),
  constant: (draw, dtype) => ({
    inputs: [],
    attrs: { value: numbers(draw, anyShape(draw), typed(draw, dtype, everyType)) },
  }),
  identity: unary(-2, 2, everyType),
  batchMean: (draw, dtype) => ({ ...unary(-2, 2)(draw, dtype), attrs: { name: 'batch' } }),
  standardize: (draw, dtype) => ({
    inputs: [numbers(draw, shapeOf(draw, int(draw, 1, 4), 5), dtype)],
    attrs: { epsilon: draw(fc.constantFrom(0.1, 1)) },
  }),
  stopGradient: unary(-2, 2, everyType),
  cast: (draw, dtype) => {
    const from = typed(draw, dtype, everyType);
    const to = dtype === 'float64' ? dtype : draw(fc.constantFrom<DType>('float32', ...everyType));
    // A large uint32 has more digits than a float32 holds.
    const x = from === 'uint32' ? few(draw, anyShape(draw), from) : numbers(draw, anyShape(draw), from);
    return { inputs: [x], attrs: { dtype: to } };
  },
  shiftRight: (draw) => ({ inputs: [numbers(draw, anyShape(draw), 'uint32')], attrs: { bits: int(draw, 0, 31) } }),
  neg: unary(-2, 2, integers),
  add: binary(),
  sub: binary(),
  mul: binary(),
  div: binary(integers, [0.5, 2]),
  pow: binary([], [0.5, 2]),
  exp: unary(),
  expm1: unary(-1, 1),
  log: unary(0.5, 4),
  log1p: unary(-0.5, 2),
  sqrt: unary(0.5, 4),
  rsqrt: unary(0.5, 4),
  tanh: unary(),
  sigmoid: unary(),
  sin: unary(),
  cos: unary(),
  erf: unary(),
  floor: unary(),
  abs: unary(-2, 2, integers),
  sign: unary(-2, 2, integers),
  relu: unary(-2, 2, integers),
  clip: (draw, dtype) => {
    const type = typed(draw, dtype, integers);
    return {
      inputs: [numbers(draw, anyShape(draw), type)],
      attrs: { low: type === 'uint32' ? 1 : -1, high: draw(fc.constantFrom(1, Infinity)) },
    };
  },
  maximum: binary(),
  minimum: binary(),
  equal: comparison,
  notEqual: comparison,
  less: comparison,
  lessEqual: comparison,
  greater: comparison,
  greaterEqual: comparison,
  and: logical,
  or: logical,
  not: (draw) => ({ inputs: [numbers(draw, anyShape(draw), 'bool')], attrs: {} }),
  where: (draw, dtype) => {
    const type = typed(draw, dtype, everyType);
    const [condition, yes, no] = broadcastable(draw, 3);
    return {
      inputs: [numbers(draw, condition!, 'bool'), numbers(draw, yes!, type), numbers(draw, no!, type)],
      attrs: {},
    };
  },
  reduceSum: reduction(integers),
  reduceMax: reduction(integers),
  reduceMin: reduction(integers),
  argmax: (draw, dtype) => {
    const shape = shapeOf(draw, int(draw, 1, 4));
    return {
      inputs: [few(draw, shape, typed(draw, dtype, integers))],
      attrs: { axis: int(draw, 0, shape.length - 1) },
    };
  },
  argsort: (draw, dtype) => ({
    inputs: [few(draw, shapeOf(draw, int(draw, 1, 3), 7), typed(draw, dtype, integers))],
    attrs: {},
  }),
  cumsum: (draw, dtype) => {
    const shape = shapeOf(draw, int(draw, 1, 4));
    const attrs = { axis: int(draw, 0, shape.length - 1), reverse: draw(fc.boolean()), exclusive: draw(fc.boolean()) };
    return { inputs: [numbers(draw, shape, typed(draw, dtype, integers))], attrs };
  },
  reshape: (draw, dtype) => {
    const shape = anyShape(draw);
    return {
      inputs: [numbers(draw, shape, typed(draw, dtype, everyType))],
      attrs: { shape: draw(fc.constantFrom([sizeOf(shape)], shape.toReversed(), [1, ...shape])) },
    };
  },
  transpose: (draw, dtype) => {
    const shape = shapeOf(draw, int(draw, 0, 6), 3);
    return {
      inputs: [numbers(draw, shape, typed(draw, dtype, everyType))],
      attrs: { perm: permutation(draw, shape.length) },
    };
  },
  broadcastTo: (draw, dtype) => {
    const shape = shapeOf(draw, int(draw, 0, 6), 3);
    const from = shape.slice(int(draw, 0, shape.length)).map((d) => (draw(fc.boolean()) ? d : 1));
    return { inputs: [numbers(draw, from, typed(draw, dtype, everyType))], attrs: { shape } };
  },
  concat: (draw, dtype) => {
    const shape = shapeOf(draw, int(draw, 1, 4));
    const axis = int(draw, 0, shape.length - 1);
    const type = typed(draw, dtype, everyType);
    const inputs = Array.from({ length: int(draw, 1, 3) }, () =>
      numbers(draw, shape.with(axis, int(draw, 1, 3)), type),
    );
    return { inputs, attrs: { axis } };
  },
  split: (draw, dtype) => {
    const sizes = shapeOf(draw, int(draw, 1, 3));
    const shape = shapeOf(draw, int(draw, 1, 3));
    const axis = int(draw, 0, shape.length - 1);
    const total = sizes.reduce((a, b) => a + b, 0);
    return { inputs: [numbers(draw, shape.with(axis, total), typed(draw, dtype, everyType))], attrs: { axis, sizes } };
  },
  slice: (draw, dtype) => {
    const shape = shapeOf(draw, int(draw, 0, 4), 6);
    const starts = shape.map((d) => int(draw, 0, d - 1));
    const ends = shape.map((d, i) => int(draw, starts[i]! + 1, d));
    return {
      inputs: [numbers(draw, shape, typed(draw, dtype, everyType))],
      attrs: { starts, ends, steps: shape.map(() => int(draw, 1, 3)) },
    };
  },
  pad: (draw, dtype) => {
    const shape = anyShape(draw);
    const amounts = () => shape.map(() => int(draw, 0, 2));
    return {
      inputs: [numbers(draw, shape, typed(draw, dtype, everyType))],
      attrs: { low: amounts(), high: amounts(), value: int(draw, 0, 1) },
    };
  },
  flip: (draw, dtype) => {
    const shape = anyShape(draw);
    const axes = shape.flatMap((_, axis) => (draw(fc.boolean()) ? [axis] : []));
    return { inputs: [numbers(draw, shape, typed(draw, dtype, everyType))], attrs: { axes } };
  },
  iota: (draw) => ({
    inputs: [],
    attrs: { size: int(draw, 1, 9000), dtype: draw(fc.constantFrom<DType>('float32', 'int32', 'uint32')) },
  }),
  gather: (draw, dtype) => {
    const shape = shapeOf(draw, int(draw, 1, 4));
    const axis = int(draw, 0, shape.length - 1);
    return {
      inputs: [
        numbers(draw, shape, typed(draw, dtype, everyType)),
        indices(draw, shapeOf(draw, int(draw, 0, 2)), shape[axis]!),
      ],
      attrs: { axis },
    };
  },
  scatterAdd: (draw, dtype) => {
    const shape = shapeOf(draw, int(draw, 1, 4));
    const axis = int(draw, 0, shape.length - 1);
    const at = shapeOf(draw, int(draw, 0, 2), 5);
    const type = typed(draw, dtype, ['int32']);
    const updates = numbers(draw, [...shape.slice(0, axis), ...at, ...shape.slice(axis + 1)], type);
    return { inputs: [numbers(draw, shape, type), indices(draw, at, shape[axis]!), updates], attrs: { axis } };
  },
  matmul: (draw, dtype) => {
    const [m, k, n] = shapeOf(draw, 3, 5) as [number, number, number];
    const stacks = broadcastable(draw, 2).map((shape) => shape.slice(-2));
    return {
      inputs: [numbers(draw, [...stacks[0]!, m, k], dtype), numbers(draw, [...stacks[1]!, k, n], dtype)],
      attrs: {},
    };
  },
  conv: convSample(({ x, w }) => [x, w]),
  convInputGrad: convSample(
    ({ w, y }) => [w, y],
    ({ x }) => ({ spatial: x.slice(2) }),
  ),
  convKernelGrad: convSample(
    ({ x, y }) => [x, y],
    ({ w }) => ({ kernel: w.slice(2) }),
  ),
  maxPool: poolSample(({ x }) => [x]),
  maxPoolGrad: poolSample(({ x, y }) => [x, y]),
  maxPoolPick: poolSample(({ x }) => [x, x]),
  avgPool: poolSample(({ x }) => [x]),
  avgPoolGrad: poolSample(
    ({ y }) => [y],
    (x) => ({ spatial: x.slice(2) }),
  ),
  threefry: (draw) => ({
    inputs: broadcastable(draw, 2).map((shape) => numbers(draw, [...shape, 2], 'uint32')),
    attrs: {},
  }),
  scan: (draw, dtype) => {
    const [n, length] = [int(draw, 1, 3), int(draw, 1, 4)];
    const step = ({ w, h, total, x }: Readonly<Record<'w' | 'h' | 'total' | 'x', Tensor>>) => {
      const next = tanh(add(mul(0.3, reshape(matmul(reshape(h, [1, n]), w), [n])), x));
      return [next, add(total, 1), mul(next, add(x, h)), add(cast(total, dtype), x)];
    };
    const float = (...shape: number[]) => ({ dtype, shape });
    const total = { dtype: 'int32', shape: [] } as const;
    const { program } = trace(step, { w: float(n, n), h: float(n), total, x: float(n) });
    return {
      inputs: [
        numbers(draw, [n, n], dtype),
        numbers(draw, [n], dtype),
        numbers(draw, [], 'int32'),
        numbers(draw, [length, n], dtype),
      ],
      attrs: {
        body: program,
        fixed: 1,
        carries: 2,
        length,
        reverse: draw(fc.boolean()),
        recompute: draw(fc.boolean()),
      },
    };
  },
};

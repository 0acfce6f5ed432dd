import { describe, expect, test } from 'vitest';
import {
  add,
  batchMean,
  broadcastTo,
  concat,
  constant,
  conv,
  convInputGrad,
  cumsum,
  dimensionsOf,
  evaluate,
  flip,
  gather,
  layerNorm,
  leakyRelu,
  matmul,
  max,
  maxPool,
  mul,
  type NdArray,
  ndarray,
  pad,
  programCost,
  reshape,
  type Shape,
  shrink,
  sigmoid,
  slice,
  softmax,
  split,
  sum,
  type Tensor,
  trace,
  transpose,
} from './index.ts';
import { distance, f64, numbers } from './testing.ts';

type Arrays = Readonly<Record<string, NdArray>>;
type Weights = Readonly<Record<string, Tensor>>;

/** A function of named arrays and of x, with all of it and without what the arrays make 0. */
function both(f: (w: Weights, x: Tensor) => Tensor, arrays: Arrays, x: NdArray) {
  const { program } = trace(f as never, arrays, x);
  const shrunk = shrink(program, arrays, { settled: (name) => name === 'gate' });
  const result = (own: typeof program, held: Arrays) =>
    Array.from(
      evaluate(
        own,
        own.inputs.map(({ name }) => held[name] ?? x),
      )[0]!.data,
    );
  const shapes: Record<string, Shape> = Object.fromEntries(
    Object.entries(shrunk.arrays).map(([name, { shape }]) => [name, shape]),
  );
  return {
    shapes,
    removed: shrunk.removed,
    inputs: shrunk.program.inputs.map(({ name }) => name),
    error: distance(result(program, arrays), result(shrunk.program, shrunk.arrays)),
    multiplyAdds: [program, shrunk.program].map((own) => programCost(own).multiplyAdds),
  };
}

/** 2 features to 6 gated ones, which `between` passes on to a product with v. */
const through = (between: (h: Tensor) => Tensor, rows = 6, gate = [1, 0, 1, 0, 0, 1]) =>
  both(
    ({ w, gate: g, v }, x) => matmul(between(mul(matmul(x, w!), g!)), v!),
    { w: numbers([2, 6], 1), gate: f64(gate), v: numbers([rows, 3], 2) },
    numbers([4, 2], 3),
  );

describe('elements behind a gate of 0 go', () => {
  test.each<[string, (h: Tensor) => Tensor, number?]>([
    ['at once', (h) => h],
    ['through elementwise operations that keep 0', (h) => leakyRelu(mul(h, 2))],
    ['through a residual of their own', (h) => add(h, mul(h, sigmoid(h)))],
    ['through axes in another order', (h) => transpose(mul(transpose(h), 3))],
    ['through axes of size 1', (h) => reshape(reshape(h, [4, 1, 6, 1]), [4, 6])],
    [
      'through ranges of other axes',
      (h) =>
        slice(
          pad(h, [
            [1, 2],
            [0, 0],
          ]),
          [[1, 6, 2]],
        ),
    ],
    ['through other axes turned round and added up', (h) => cumsum(flip(h, 0), 0)],
    ['through parts of other axes', (h) => concat([...split(h, [1, 3], 0)].reverse(), 0)],
    ['through the largest over other axes', (h) => max(h, { axis: 0, keepDims: true })],
    ['through a mean over a batch', (h) => batchMean(h)],
    ['through repetition', (h) => reshape(broadcastTo(reshape(h, [4, 1, 6]), [4, 5, 6]), [20, 6])],
    ['through a pool', (h) => reshape(transpose(maxPool(reshape(transpose(h), [1, 6, 4]), [2]), [0, 2, 1]), [2, 6])],
    ['as blocks of a longer axis', (h) => reshape(transpose(reshape(h, [2, 2, 6]), [0, 2, 1]), [2, 12]), 12],
  ])('%s', (_, between, rows) => {
    const { shapes, error } = through(between, rows);
    expect(shapes).toEqual({ w: [2, 3], v: [(rows ?? 6) / 2, 3] });
    expect(error).toBeLessThan(1e-12);
  });

  test('but for what makes another number of 0, or needs all elements', () => {
    for (const between of [
      (h: Tensor) => sigmoid(h),
      (h: Tensor) => softmax(h),
      (h: Tensor) => layerNorm(h),
      (h: Tensor) => cumsum(h, 1),
      (h: Tensor) =>
        pad(
          slice(h, [
            [0, 4],
            [1, 6],
          ]),
          [
            [0, 0],
            [0, 1],
          ],
        ),
      (h: Tensor) => add(h, max(h, { axis: 1, keepDims: true })),
      (h: Tensor) => mul(h, max(h, { axis: 1, keepDims: true })),
      (h: Tensor) =>
        pad(
          h,
          [
            [1, 0],
            [0, 0],
          ],
          2,
        ),
      (h: Tensor) => mul(h, gather(h, constant(ndarray(new Int32Array([5, 4, 3, 2, 1, 0]), [6])), 1)),
    ]) {
      const { removed, error } = through(between);
      expect(removed).toEqual({});
      expect(error).toBe(0);
    }
  });

  test('and of what is 0 in all, nothing is left', () => {
    const { shapes, multiplyAdds, error, inputs } = through((h) => h, 6, [0, 0, 0, 0, 0, 0]);
    expect([shapes, multiplyAdds[1], error]).toEqual([{}, 0, 0]);
    // What is not known stays an input, read or not.
    expect(inputs).toHaveLength(1);
  });

  test('with their groups, of convolutions in groups', () => {
    const depthwise = both(
      ({ w, gate, d, v }, x) => {
        const h = mul(conv(x, w!), reshape(gate!, [4, 1, 1]));
        return conv(conv(h, d!, { groups: 4 }), v!);
      },
      {
        w: numbers([4, 2, 1, 1], 1),
        gate: f64([0, 1, 1, 0]),
        d: numbers([8, 1, 3, 3], 2),
        v: numbers([3, 8, 1, 1], 4),
      },
      numbers([1, 2, 5, 5], 3),
    );
    expect(depthwise.shapes).toEqual({ w: [2, 2, 1, 1], d: [4, 1, 3, 3], v: [3, 4, 1, 1] });
    expect(depthwise.error).toBeLessThan(1e-12);
    expect(depthwise.multiplyAdds).toEqual([25 * 8 + 9 * 72 + 9 * 24, (25 * 8 + 9 * 72 + 9 * 24) / 2]);
  });

  test('through a convolution back to larger images', () => {
    const { shapes, error } = both(
      ({ w, gate, u, v }, x) => {
        const h = mul(conv(x, w!), reshape(gate!, [3, 1]));
        const geometry = { strides: [2], padding: [[0, 0]] as const, dilation: [1], groups: 1, spatial: [8] };
        return conv(convInputGrad(u!, h, geometry as never), v!);
      },
      { w: numbers([3, 1, 1], 1), gate: f64([0, 1, 0]), u: numbers([3, 2, 2], 2), v: numbers([1, 2, 1], 4) },
      numbers([1, 1, 4], 3),
    );
    expect(shapes).toEqual({ w: [1, 1, 1], u: [1, 2, 2], v: [1, 2, 1] });
    expect(error).toBeLessThan(1e-12);
  });

  test('where a sum over them adds 0 on either side', () => {
    const w = f64([
      [1, 0, 3],
      [2, 0, 4],
    ]);
    const v = f64([[1], [2], [0]]);
    const { shapes, error } = both((own, x) => matmul(matmul(x, own.w!), own.v!), { w, v }, numbers([4, 2]));
    expect(shapes).toEqual({ w: [2, 1], v: [1, 1] });
    expect(error).toBeLessThan(1e-12);
  });

  test('only if no sum needs them', () => {
    const arrays = { w: numbers([2, 4]), gate: f64([1, 0, 0, 1]), v: numbers([4, 1], 2), u: numbers([4, 1], 3) };
    const f = (plain: boolean) =>
      both(
        ({ w, gate, v, u }, x) => {
          const h = matmul(x, w!);
          const open = mul(h, gate!);
          return add(matmul(open, v!), matmul(plain ? h : open, u!));
        },
        arrays,
        numbers([3, 2], 4),
      );
    expect(f(true).removed).toEqual({});
    expect(f(false).shapes).toEqual({ w: [2, 2], v: [2, 1], u: [2, 1] });
  });
});

test('a gate of 1 and a branch behind a gate of 0 leave the program', () => {
  const f = (gate: number) =>
    both(
      (own, x) => add(x, mul(matmul(x, own.w!), own.gate!)),
      { w: numbers([2, 2]), gate: f64(gate) },
      numbers([3, 2], 2),
    );
  expect(f(0)).toMatchObject({ shapes: {}, error: 0, multiplyAdds: [12, 0] });
  expect(f(1)).toMatchObject({ shapes: { w: [2, 2] }, removed: { gate: 1 }, error: 0 });
  expect(f(0.5)).toMatchObject({ shapes: { w: [2, 2], gate: [] }, removed: {}, error: 0 });
});

describe('axes of other sizes keep all elements', () => {
  const open = [1, 0, 0, 0, 0, 0];
  test.each<[string, (h: Tensor) => Tensor, number]>([
    ['cut where sizes do not divide', (h) => reshape(h, [6, 4]), 4],
    [
      'joined with a part of the next axis',
      (h) => reshape(broadcastTo(reshape(transpose(h), [6, 4, 1]), [6, 4, 5]), [30, 4]),
      4,
    ],
    [
      'cut in two ways at once',
      (h) => {
        const halves = sum(reshape(h, [4, 2, 3]), { axis: 2 });
        const thirds = sum(reshape(h, [4, 3, 2]), { axis: 2 });
        return mul(sum(halves, { axis: 1, keepDims: true }), thirds);
      },
      3,
    ],
  ])('%s', (_, between, rows) => {
    const { removed, error } = through(between, rows, open);
    expect([removed, error]).toEqual([{}, 0]);
  });

  test('and so do parts of an axis of the input', () => {
    const { removed, error } = both(
      ({ gate, v }, x) => matmul(mul(reshape(x, [4, 3]), gate!), v!),
      { gate: f64([1, 0, 1]), v: numbers([3, 2]) },
      numbers([2, 6], 2),
    );
    expect([removed, error]).toEqual([{}, 0]);
  });

  test('a dimension on two axes of a value stays where one of them is open', () => {
    const { removed, error } = both(
      ({ w, gate, v }, x) => {
        const h = matmul(x, w!);
        const pairs = mul(reshape(mul(h, gate!), [4, 6, 1]), reshape(h, [4, 1, 6]));
        return matmul(
          reshape(
            matmul(
              pairs,
              reshape(
                slice(v!, [
                  [0, 6],
                  [0, 1],
                ]),
                [6, 1],
              ),
            ),
            [4, 6],
          ),
          v!,
        );
      },
      { w: numbers([2, 6], 1), gate: f64(open), v: numbers([6, 3], 2) },
      numbers([4, 2], 3),
    );
    expect([removed, error]).toEqual([{}, 0]);
  });
});

test('a branch that is 0 is left out of sums alone, and only where the rest has their shape', () => {
  const arrays = { w: numbers([2, 2]), gate: f64(0), b: numbers([2], 5) };
  const f = (combine: (branch: Tensor, x: Tensor, b: Tensor) => Tensor) =>
    both((own, x) => combine(mul(matmul(x, own.w!), own.gate!), x, own.b!), arrays, numbers([3, 2], 2));
  expect(f((branch, x) => mul(x, branch))).toMatchObject({ shapes: {}, error: 0 });
  expect(f((branch, _, b) => add(branch, b))).toMatchObject({ shapes: { b: [2] }, error: 0 });
});

test('a product of a gate and a weight is no gate', () => {
  const ones = f64([1, 1]);
  const { shapes } = both((own, x) => mul(x, mul(own.w!, own.gate!)), { w: ones, gate: ones }, numbers([3, 2]));
  expect(shapes).toEqual({ w: [2] });
});

test('axes that count over the same things are one dimension, also as parts of longer axes', () => {
  const { program } = trace(
    (w: Tensor, x: Tensor, v: Tensor) => matmul(reshape(conv(x, w), [1, -1]), v),
    f64(new Float64Array(8), [4, 2, 1]),
    f64(new Float64Array(10), [1, 2, 5]),
    f64(new Float64Array(60), [20, 3]),
  );
  const { axes, size, fixed } = dimensionsOf(program, new Set(['arg0', 'arg2']));
  const [channels, places] = axes(2)[0]!;
  expect(axes(0)[0]).toEqual([channels]);
  expect([size(channels!), fixed(channels!), size(places!), fixed(places!)]).toEqual([4, false, 5, true]);
  // What the input and the output have keeps all its elements.
  expect([axes(0)[1]!, axes(2)[1]!].map(([d]) => fixed(d!))).toEqual([true, true]);
});

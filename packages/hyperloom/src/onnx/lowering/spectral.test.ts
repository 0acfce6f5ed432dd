import { describe, expect, test } from 'vitest';
import { ortEngine } from '../../engine/ort/index.ts';
import { evaluate } from '../../engine/reference/index.ts';
import {
  type ConvOptions,
  conv,
  type NdArray,
  ndarray,
  pullback,
  type Shape,
  type Tensor,
  trace,
} from '../../tensor/index.ts';
import { lower } from '../lower.ts';
import { optimize } from '../passes/optimize.ts';
import { spectralProblem } from './spectral.ts';

const noise = (shape: Shape, seed: number): NdArray => {
  const size = shape.reduce((a, b) => a * b, 1);
  return ndarray(
    Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i * 1.7 + Math.sin(i * seed))),
    shape,
  );
};

/** Output and both gradients of a convolution. */
const all =
  (options: ConvOptions) =>
  (x: Tensor, w: Tensor, dy: Tensor): Tensor[] => {
    const y = conv(x, w, options);
    return [y, ...pullback([y], [dy], [x, w]).map((g) => g!)];
  };

const cases: {
  readonly name: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly padding: readonly [number, number][];
}[] = [
  {
    name: 'as large as its input',
    x: [16, 16, 12, 12],
    w: [16, 16, 7, 7],
    y: [16, 16, 12, 12],
    padding: [
      [3, 3],
      [3, 3],
    ],
  },
  {
    name: 'oblong and padded unevenly',
    x: [16, 15, 12, 14],
    w: [17, 15, 9, 7],
    y: [16, 17, 12, 13],
    padding: [
      [4, 4],
      [2, 3],
    ],
  },
];

describe('convolution by transforms', () => {
  test.each(cases)('$name: output and gradients are those of the definition', async ({ x, w, y, padding }) => {
    const avals = [x, w, y].map((shape) => ({ dtype: 'float32', shape }) as const);
    const { program } = trace(all({ padding }), ...avals);
    const graph = lower(optimize(program), { block: 0 });
    expect(graph.nodes.filter(({ type }) => type === 'Conv')).toEqual([]);
    const inputs = [noise(x, 1), noise(w, 2), noise(y, 3)];
    const engine = ortEngine({ threads: 1, spinning: false });
    const got = await (await engine.compile(program)).run(inputs);
    evaluate(program, inputs).forEach((expected, i) => {
      const values = Array.from(expected.data as ArrayLike<number>);
      const scale = Math.sqrt(values.reduce((total, v) => total + v * v, 0) / values.length);
      const worst = values.map((v, k) => Math.abs(v - got[i]!.data[k]!)).reduce((a, b) => Math.max(a, b));
      expect(worst / scale).toBeLessThan(2e-5);
    });
    await engine.dispose();
  });

  test('a blank part of an image gives exactly 0', async () => {
    const [x, w] = [noise([32, 16, 14, 14], 1), noise([16, 16, 7, 7], 2)];
    // Ink in the first row alone: with padding 3 it reaches the first four.
    x.data.forEach((_, i) => {
      if (i % 196 >= 14) x.data[i] = 0;
    });
    const { program } = trace(
      (a: Tensor, b: Tensor) =>
        conv(a, b, {
          padding: [
            [3, 3],
            [3, 3],
          ],
        }),
      x,
      w,
    );
    const engine = ortEngine({ threads: 1, spinning: false });
    const [y] = await (await engine.compile(program)).run([x, w]);
    await engine.dispose();
    expect(
      spectralProblem(x.shape, w.shape, y!.shape, {
        strides: [1, 1],
        padding: [
          [3, 3],
          [3, 3],
        ],
        dilation: [1, 1],
        groups: 1,
      }),
    ).toBeDefined();
    expect(y!.data.filter((value, i) => i % 196 >= 56 && value !== 0)).toHaveLength(0);
    expect(y!.data.filter((value, i) => i % 196 < 56 && value === 0).length).toBeLessThan(5);
  });

  test('is left alone where the direct kernels are better', () => {
    const plain = {
      strides: [1, 1],
      padding: [
        [1, 1],
        [1, 1],
      ] as [number, number][],
      dilation: [1, 1],
      groups: 1,
    };
    expect(spectralProblem([8, 16, 14, 14], [16, 16, 3, 3], [8, 16, 14, 14], plain)).toBeUndefined();
    const seven = {
      ...plain,
      padding: [
        [3, 3],
        [3, 3],
      ] as [number, number][],
    };
    expect(spectralProblem([128, 1, 28, 28], [16, 1, 7, 7], [128, 16, 28, 28], seven)).toBeUndefined();
    expect(
      spectralProblem([128, 16, 14, 14], [16, 16, 7, 7], [128, 16, 14, 14], { ...seven, groups: 2 }),
    ).toBeUndefined();
    expect(spectralProblem([128, 16, 14, 14], [16, 16, 7, 7], [128, 16, 14, 14], seven)).toBeDefined();
  });
});

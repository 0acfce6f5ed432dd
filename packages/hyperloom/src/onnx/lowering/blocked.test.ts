import { describe, expect, test } from 'vitest';
import { nodeRuntime, ortEngine } from '../../engine/ort/index.ts';
import { blockSize } from '../../engine/ort/probe.ts';
import { evaluate } from '../../engine/reference/index.ts';
import {
  type ConvOptions,
  conv,
  type NdArray,
  ndarray,
  pullback,
  relu,
  type Shape,
  type Tensor,
  trace,
} from '../../tensor/index.ts';
import { lower } from '../lower.ts';
import { optimize } from '../passes/optimize.ts';

const block = await blockSize(await nodeRuntime());

const noise = (shape: Shape, seed: number): NdArray => {
  const size = shape.reduce((a, b) => a * b, 1);
  return ndarray(
    Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i * 1.7 + Math.sin(i * seed))),
    shape,
  );
};

/** Two convolutions in a row, so that one's blocked result is another's input, with all gradients. */
const twice =
  (options: ConvOptions) =>
  (x: Tensor, w: Tensor): Tensor[] => {
    const y = relu(
      conv(
        conv(x, w, {
          padding: [
            [1, 1],
            [1, 1],
          ],
        }),
        w,
        options,
      ),
    );
    return [y, ...pullback([y], [y], [x, w]).map((g) => g!)];
  };

const cases: readonly [string, ConvOptions][] = [
  [
    'padded',
    {
      padding: [
        [1, 1],
        [1, 1],
      ],
    },
  ],
  ['without padding', {}],
  [
    'padded unevenly',
    {
      padding: [
        [0, 2],
        [2, 1],
      ],
    },
  ],
  [
    'strided',
    {
      strides: [2, 2],
      padding: [
        [1, 1],
        [1, 1],
      ],
    },
  ],
  [
    'dilated',
    {
      dilation: [2, 2],
      padding: [
        [2, 2],
        [2, 2],
      ],
    },
  ],
  [
    'padded more than the kernel reaches',
    {
      padding: [
        [3, 3],
        [3, 3],
      ],
    },
  ],
];

describe('convolution by blocked kernels', () => {
  test.each(cases)('%s: output and gradients are those of the definition', async (_, options) => {
    const shapes: Shape[] = [
      [2, 32, 6, 7],
      [32, 32, 3, 3],
    ];
    const { program } = trace(twice(options), ...shapes.map((shape) => ({ dtype: 'float32', shape }) as const));
    const inputs = shapes.map((shape, i) => noise(shape, i + 1));
    const engine = ortEngine({ threads: 1, spinning: false, block });
    const got = await (await engine.compile(program)).run(inputs);
    evaluate(program, inputs).forEach((expected, i) => {
      const values = Array.from(expected.data as ArrayLike<number>);
      const scale = Math.sqrt(values.reduce((total, v) => total + v * v, 0) / values.length);
      const worst = values.map((v, k) => Math.abs(v - got[i]!.data[k]!)).reduce((a, b) => Math.max(a, b));
      expect(worst / scale).toBeLessThan(1e-4);
    });
    await engine.dispose();
  });

  test('a value is brought into blocks once, and only where channels fill them', () => {
    const graphOf = (channels: number) => {
      const shapes: Shape[] = [
        [8, channels, 12, 12],
        [channels, channels, 3, 3],
      ];
      const { program } = trace(twice({}), ...shapes.map((shape) => ({ dtype: 'float32', shape }) as const));
      return lower(optimize(program), { block: 16 })
        .nodes.filter(({ domain }) => domain.endsWith('nchwc'))
        .map(({ type }) => type);
    };
    expect(graphOf(12)).toEqual([]);
    expect(graphOf(32).filter((type) => type === 'ReorderInput')).toHaveLength(2);
    expect(graphOf(32).filter((type) => type === 'Conv')).toHaveLength(4);
  });
});

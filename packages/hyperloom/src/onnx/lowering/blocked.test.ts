import { describe, expect, test } from 'vitest';
import { nodeRuntime, ortEngine } from '../../engine/ort/index.ts';
import { blockSize } from '../../engine/ort/probe.ts';
import { evaluate } from '../../engine/reference/index.ts';
import {
  add,
  type ConvOptions,
  cast,
  conv,
  greater,
  maxPool,
  mul,
  type NdArray,
  ndarray,
  pullback,
  relu,
  reshape,
  type Shape,
  square,
  type Tensor,
  trace,
  vmap,
  where,
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

/** Holds what the engine gives for a program against the definition, with the deviation of each output as the scale. */
async function expectDefinition(f: (...args: never[]) => unknown, inputs: readonly NdArray[]): Promise<void> {
  const { program } = trace(f, ...inputs);
  const engine = ortEngine({ threads: 1, spinning: false, block });
  const got = await (await engine.compile(program)).run(inputs);
  await engine.dispose();
  evaluate(program, inputs).forEach((expected, i) => {
    const values = Array.from(expected.data as ArrayLike<number>);
    const scale = Math.sqrt(values.reduce((total, v) => total + v * v, 0) / values.length);
    const worst = values.map((v, k) => Math.abs(v - got[i]!.data[k]!)).reduce((a, b) => Math.max(a, b));
    expect(worst / scale).toBeLessThan(1e-4);
  });
}

/** Types of the nodes of the blocked domain that a function of arrays of the given shapes is written with. */
const blockedNodes = (f: (...args: never[]) => unknown, ...shapes: Shape[]): string[] => {
  const { program } = trace(f, ...shapes.map((shape) => ({ dtype: 'float32', shape }) as const));
  return lower(optimize(program), { block: 16 })
    .nodes.filter(({ domain }) => domain.endsWith('nchwc'))
    .map(({ type }) => type);
};

const same = [
  [1, 1],
  [1, 1],
] as const;

/** A layer for one example, with its bias, ReLU and pool. */
const layer = (image: Tensor, kernel: Tensor, bias: Tensor): Tensor => {
  const y = conv(reshape(image, [1, ...image.shape]), kernel, { padding: same });
  return maxPool(relu(add(y, reshape(bias, [-1, 1, 1]))), [2, 2], { strides: [2, 2] });
};

/** Kernels for each example or shared, with all gradients. */
const layers =
  (axes: readonly (0 | null)[]) =>
  (x: Tensor, w: Tensor, bias: Tensor): Tensor[] => {
    const y = vmap(layer, { in: axes })(x, w, bias) as Tensor;
    return [y, ...pullback([y], [square(y)], [x, w, bias]).map((g) => g!)];
  };

describe('convolution by blocked kernels', () => {
  test.each(cases)('%s: output and gradients are those of the definition', async (_, options) => {
    await expectDefinition(twice(options), [noise([2, 32, 6, 7], 1), noise([32, 32, 3, 3], 2)]);
  });

  test.each([16, 17, 32])('%i examples: gradients are those of the definition', async (size) => {
    await expectDefinition(twice({ padding: same }), [noise([size, 16, 9, 8], 1), noise([16, 16, 3, 3], 2)]);
  });

  test.each([
    ['a kernel and a bias for each example', [0, 0, 0], [3, 32, 16, 3, 3], [3, 32]],
    ['a kernel for each example, one bias', [0, 0, null], [3, 32, 16, 3, 3], [32]],
    ['one kernel, a bias for each example', [0, null, 0], [32, 16, 3, 3], [3, 32]],
    ['one kernel and one bias', [0, null, null], [32, 16, 3, 3], [32]],
  ] as const)('%s: a layer and its gradients are those of the definition', async (_, axes, kernel, bias) => {
    await expectDefinition(layers(axes), [noise([3, 16, 12, 12], 1), noise(kernel, 2), noise(bias, 3)]);
  });

  test('where elements of a window are equal, the first has the gradient', async () => {
    const steps = noise([32, 16, 12, 12], 1);
    const rough = { ...steps, data: steps.data.map((v) => Math.round(2 * v)) as Float32Array };
    const identity = Float32Array.from({ length: 256 }, (_, i) => Number(i % 17 === 0));
    const pooled = (x: Tensor, w: Tensor, dy: Tensor) => {
      const y = conv(x, w);
      return pullback([maxPool(y, [2, 3], { strides: [2, 3] })], [dy], [y]);
    };
    await expectDefinition(pooled, [rough, ndarray(identity, [16, 16, 1, 1]), noise([32, 16, 6, 4], 2)]);
    expect(blockedNodes(pooled, [32, 16, 12, 12], [16, 16, 1, 1], [32, 16, 6, 4])).toContain('Upsample');
  });

  test.each([
    ['a window larger than its stride', [3, 3], [3, 2], [], [12, 12]],
    ['a window smaller than its stride', [2, 2], [3, 3], [], [12, 12]],
    ['windows that leave rows and columns out', [2, 5], [2, 5], [], [11, 13]],
    [
      'a padded pool',
      [2, 2],
      [2, 2],
      [
        [1, 1],
        [0, 0],
      ],
      [12, 12],
    ],
  ] as const)('%s: the gradient is that of the definition', async (_, window, strides, padding, size) => {
    const pooled = (x: Tensor, w: Tensor) => {
      const y = conv(x, w, { padding: same });
      const z = maxPool(y, window, { strides, ...(padding.length > 0 && { padding }) });
      return [z, ...pullback([z], [square(z)], [x, w]).map((g) => g!)];
    };
    await expectDefinition(pooled, [noise([8, 16, ...size], 1), noise([16, 16, 3, 3], 2)]);
  });

  test('a pool over halves of blocks is that of the definition', async () => {
    const halved = (x: Tensor, w: Tensor) => {
      const y = reshape(conv(x, w, { padding: same }), [8, 8, 12, 12]);
      const z = maxPool(y, [2, 2], { strides: [2, 2] });
      return [z, ...pullback([z], [square(z)], [x, w]).map((g) => g!)];
    };
    await expectDefinition(halved, [noise([4, 16, 12, 12], 1), noise([16, 16, 3, 3], 2)]);
  });

  test.each(cases)('groups, %s: output and gradients are those of the definition', async (_, options) => {
    const grouped = (x: Tensor, w: Tensor) => {
      const y = conv(x, w, { ...options, groups: 2 });
      return [y, ...pullback([y], [square(y)], [x, w]).map((g) => g!)];
    };
    await expectDefinition(grouped, [noise([3, 64, 7, 6], 1), noise([32, 32, 3, 3], 2)]);
    // Groups that do not fill blocks, or whose inputs do not.
    await expectDefinition(grouped, [noise([3, 64, 7, 6], 1), noise([48, 32, 3, 3], 2)]);
    await expectDefinition(grouped, [noise([3, 48, 7, 6], 1), noise([64, 24, 3, 3], 2)]);
    await expectDefinition(grouped, [noise([6, 64, 7, 6], 1), noise([16, 32, 3, 3], 2)]);
    await expectDefinition(grouped, [noise([2, 6, 20, 21], 1), noise([64, 3, 3, 3], 2)]);
  });

  test('a whole image as channels of few examples, and elements of other types, are those of the definition', async () => {
    const mixed = (x: Tensor, w: Tensor) => {
      const y = conv(x, w, { padding: same });
      const isLarge = greater(y, 0.5);
      return [isLarge, cast(isLarge, 'float32'), cast(mul(y, 4), 'int32'), where(isLarge, y, mul(y, 0.1))];
    };
    await expectDefinition(mixed, [noise([4, 16, 12, 12], 1), noise([32, 16, 3, 3], 2)]);
  });

  test.each([
    ['of each channel', [16, 1, 1]],
    ['of each example', [4, 1, 1, 1]],
    ['of each example and channel', [4, 16, 1, 1]],
    ['of each row', [12, 1]],
    ['of each place', [12, 12]],
    ['of all', []],
    ['of more examples', [4, 16, 12, 12]],
  ] as const)('a sum with numbers %s is that of the definition', async (_, shape) => {
    const summed = (x: Tensor, w: Tensor, b: Tensor) => add(conv(x, w, { padding: same }), b);
    for (const examples of [1, 4])
      if (examples === 4 || shape[0] !== 4 || shape.length === 4)
        await expectDefinition(summed, [noise([examples, 64, 12, 12], 1), noise([16, 64, 3, 3], 2), noise(shape, 3)]);
  });

  test('a convolution that is read elsewhere too is done once, without the bias', async () => {
    const twiceRead = (x: Tensor, w: Tensor, b: Tensor) => {
      const y = conv(x, w, { padding: same });
      return [add(y, reshape(b, [-1, 1, 1])), square(y)];
    };
    const inputs = [noise([4, 64, 12, 12], 1), noise([16, 64, 3, 3], 2), noise([16], 3)];
    await expectDefinition(twiceRead, inputs);
    const shapes = inputs.map(({ shape }) => shape);
    expect(blockedNodes(twiceRead, ...shapes).filter((type) => type === 'Conv')).toHaveLength(1);
    const { program } = trace(twiceRead, ...inputs);
    expect(lower(optimize(program), { block: 0 }).nodes.filter(({ type }) => type === 'Conv')).toHaveLength(1);
  });

  test('a value is brought into blocks once, and only where channels fill them', () => {
    const nodes = (channels: number) => blockedNodes(twice({}), [8, channels, 12, 12], [channels, channels, 3, 3]);
    expect(nodes(12)).toEqual([]);
    expect(nodes(32).filter((type) => type === 'ReorderInput')).toHaveLength(1);
    expect(nodes(32).filter((type) => type === 'Conv')).toHaveLength(4);
  });

  test('a layer stays in blocks from its image to its pool, and its bias is no node', () => {
    const forward = (x: Tensor, w: Tensor, bias: Tensor) => vmap(layer)(x, w, bias);
    expect(blockedNodes(forward, [3, 16, 12, 12], [3, 32, 16, 3, 3], [3, 32])).toEqual([
      'ReorderInput',
      'Conv',
      'MaxPool',
      'ReorderOutput',
    ]);
  });
});

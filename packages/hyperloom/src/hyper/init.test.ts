import { afterAll, describe, expect, test } from 'vitest';
import { compileFunction } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import * as nn from '../nn/index.ts';
import { ndarray, random, type Tensor } from '../tensor/index.ts';
import {
  biasHyperInit,
  constantInit,
  type Head,
  type HeadInit,
  heads,
  hyperfanIn,
  hyperfanOut,
  hypernetwork,
  kaimingInit,
  mipInit,
  moments,
} from './index.ts';

const relu = nn.init.kaimingNormal();
const fc = nn.linear({ in: 12, out: 48, init: relu }).spec;
const conv = nn.conv2d({ in: 4, out: 6, kernel: 3, init: relu }).spec;
const input = { width: 16, secondMoment: 0.5 };
/** A head's last layer for a weight, of which an initializer of its own fans takes the size. */
const layer = (target: nn.WeightSpec) => nn.weight({ shape: [input.width, target.shape.reduce((a, b) => a * b, 1)] });
const varianceOf = (initializer: nn.Initializer, target: nn.WeightSpec) => initializer.std!(layer(target)) ** 2;

/** Var(head W), from the formula with its numbers put in. dk Var(e) = 16 * 0.5 = 8. */
const golden: { scheme: string; init: HeadInit; fc: [number, number]; conv: [number, number] }[] = [
  // Kaiming target: c / (fanIn dk Var(e)); fans of fc 12 and 48, of conv 36 and 54.
  { scheme: 'hyperfan-in', init: hyperfanIn(), fc: [2 / 12 / 8, 0], conv: [2 / 36 / 8, 0] },
  {
    scheme: 'hyperfan-in with biases',
    init: hyperfanIn({ biases: true }),
    fc: [1 / 12 / 8, 1 / 8],
    conv: [1 / 36 / 8, 1 / 8],
  },
  { scheme: 'hyperfan-out', init: hyperfanOut(), fc: [2 / 48 / 8, 0], conv: [2 / 54 / 8, 0] },
  {
    scheme: 'hyperfan-out with biases',
    init: hyperfanOut({ biases: true }),
    fc: [2 / 48 / 8, (2 * 0.75) / 8],
    conv: [2 / 54 / 8, 2 / 3 / 8],
  },
  {
    scheme: 'hyperfan-out with biases, c = 1',
    init: hyperfanOut({ biases: true, c: 1 }),
    fc: [1 / 48 / 8, 0.75 / 8],
    conv: [1 / 54 / 8, 1 / 3 / 8],
  },
  { scheme: 'Bias-HyperInit', init: biasHyperInit(), fc: [0, 0], conv: [0, 0] },
  { scheme: 'MIP', init: mipInit(), fc: [1 / 576, 1 / 48], conv: [1 / 216, 1 / 6] },
  { scheme: 'Kaiming', init: kaimingInit(), fc: [2 / 16, 2 / 16], conv: [2 / 16, 2 / 16] },
  { scheme: 'constant', init: constantInit({ std: 1 }), fc: [0.7737, 0.7737], conv: [0.7737, 0.7737] },
];

describe('initialisation of heads', () => {
  test.each(golden)('$scheme: variance of the weights of the last layer', ({ init, ...targets }) => {
    for (const [spec, expected] of [
      [fc, targets.fc],
      [conv, targets.conv],
    ] as const) {
      const of = (target: nn.WeightSpec) => varianceOf(init.weight(target, input), target);
      expect(of(spec.weight)).toBeCloseTo(expected[0], 4);
      expect(of(spec.bias!)).toBeCloseTo(expected[1], 4);
    }
  });

  test('hyperfan-out leaves no bias to generate where a layer narrows, and embeddings as they are', () => {
    const narrow = nn.linear({ in: 48, out: 12 }).spec;
    expect(varianceOf(hyperfanOut({ biases: true }).weight(narrow.bias!, input), narrow.bias!)).toBe(0);
    const { table } = nn.embedding({ count: 5, size: 16 }).spec;
    expect(varianceOf(hyperfanOut().weight(table, input), table)).toBeCloseTo(1 / 8, 12);
  });

  test('a weight of the target that starts at 0 starts at 0, whatever c', () => {
    const zero = nn.linear({ in: 4, out: 8, init: nn.init.zeros }).spec.weight;
    for (const init of [hyperfanIn(), hyperfanIn({ biases: true }), hyperfanOut({ c: 2 }), biasHyperInit()]) {
      expect(varianceOf(init.weight(zero, input), zero)).toBe(0);
      expect(init.bias(zero, input).std!(layer(zero))).toBe(0);
      expect(init.ratio(zero, fc.weight)).toBe(1);
    }
  });

  test('weights that share a generator differ by the ratio of their standard deviations', () => {
    const own = Math.sqrt(12 / 36);
    expect(hyperfanIn().ratio(conv.weight, fc.weight)).toBeCloseTo(own, 12);
    expect(biasHyperInit().ratio(conv.weight, fc.weight)).toBeCloseTo(own, 12);
    expect(mipInit().ratio(conv.weight, fc.weight)).toBeCloseTo(own, 12);
    expect(hyperfanOut().ratio(conv.weight, fc.weight)).toBeCloseTo(Math.sqrt(48 / 54), 12);
    expect(kaimingInit().ratio(conv.weight, fc.weight)).toBe(1);
  });

  test('hyperfan needs a positive c', () => {
    for (const c of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const scheme of [hyperfanIn, hyperfanOut])
        expect(() => scheme({ biases: true, c })).toThrow(/^hyperfan(In|Out): expected a positive c, got/);
    }
  });

  test('hyperfan needs a target that knows its standard deviations', () => {
    const odd = nn.weight({ shape: [2, 2], init: (key, spec) => random.normal(key, spec.shape) });
    expect(() => hyperfanOut().weight(odd, input)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: hyperfanOut: expected an initializer of the target that knows its standard deviation]`,
    );
  });
});

/** Structural, since the weights' types of any target go too deep. */
interface Generator {
  init(key: Tensor): never;
  generate(params: never, code: Tensor): Record<string, Tensor>;
}

describe('generated weights', () => {
  const engine = ortEngine({ threads: 1, spinning: false });
  afterAll(() => engine.dispose());
  const target: unknown = nn.sequential({
    conv: nn.conv2d({ in: 4, out: 8, kernel: 3, init: relu }),
    flatten: nn.flatten,
    fc: nn.linear({ in: 32, out: 40 }),
  });
  const code = [1.2, -0.7, 0.9, -1.1];
  const generator = (init: HeadInit) => {
    const head = heads.dense({ hidden: [64], init });
    const model = hypernetwork(target as nn.Module, { code: 4, head: head as unknown as Head }) as unknown as Generator;
    const f = (key: Tensor, c: Tensor) => model.generate(model.init(key), c);
    return compileFunction(engine, f, random.keyArray(0), ndarray(code));
  };
  const median = (values: number[]) => values.sort((a, b) => a - b)[(values.length - 1) / 2]!;

  test.each([
    ['hyperfan-in', hyperfanIn(), 2 / 36, 1 / 32],
    ['hyperfan-out', hyperfanOut(), 2 / 72, 1 / 40],
    ['Bias-HyperInit', biasHyperInit(), 2 / 36, 1 / 32],
    // The features' mean square is that of the code, 0.9875.
    ['MIP', mipInit(), 2 / 36 + (64 * 0.9875) / 288, 1 / 32 + (64 * 0.9875) / 1280],
    ['Kaiming', kaimingInit(), 2 * 0.9875, 2 * 0.9875],
  ] as const)('%s: the variance that the formula says', async (_, init, kernel, matrix) => {
    const generate = await generator(init);
    const variances = { kernel: [] as number[], matrix: [] as number[] };
    for (let key = 0; key < 25; key++) {
      const weights = await generate(random.keyArray(key), ndarray(code));
      variances.kernel.push(moments(weights['conv.weight']!).variance / kernel);
      variances.matrix.push(moments(weights['fc.weight']!).variance / matrix);
    }
    // From key to key the mean square of 64 features varies by a quarter.
    for (const ratios of Object.values(variances)) {
      expect(median(ratios)).toBeGreaterThan(0.8);
      expect(median(ratios)).toBeLessThan(1.25);
    }
  });

  test('Bias-HyperInit begins with one network whatever the code', async () => {
    const generate = await generator(biasHyperInit());
    const a = await generate(random.keyArray(1), ndarray(code));
    const b = await generate(random.keyArray(1), ndarray(code.map((c) => -3 * c)));
    expect(a).toEqual(b);
    expect(moments(a['fc.weight']!).variance).toBeGreaterThan(0.02);
  });
});

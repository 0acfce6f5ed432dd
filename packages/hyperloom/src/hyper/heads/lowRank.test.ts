import { describe, expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import { type NdArray, ndarray, type Tensor, trace, tree } from '../../tensor/index.ts';
import { biasHyperInit, type HeadInit, heads, hyperfanIn, hypernetwork, moments } from '../index.ts';
import { type AnyHypernetwork, keyArray, keySpec } from '../zoo.suite.ts';

/** Runs a function of arrays on the reference engine. */
const run = (f: (...args: never[]) => unknown, ...args: unknown[]): NdArray[] =>
  evaluate(trace(f, ...args).program, tree.leaves<NdArray>(args));

const zeros = (spec: unknown) =>
  tree.map(
    ({ shape }: nn.WeightSpec): NdArray => ndarray(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape),
    spec,
  );

describe('lowRank', () => {
  test('a matrix is A(code) B(code), each affine in the code', () => {
    const target = nn.linear({ in: 3, out: 4, bias: false });
    const model = hypernetwork(target, { code: 1, head: heads.lowRank({ rank: 1 }) });
    const params = zeros(model.spec) as unknown as {
      head: { factors: { weight: Record<string, Record<string, NdArray>> } };
    };
    const { a, b } = params.head.factors.weight as Record<'a' | 'b', Record<'weight' | 'bias', NdArray>>;
    a.weight.data.set([1, 0, -1]);
    a.bias.data.set([0, 1, 0]);
    b.weight.data.set([1, 2, 0, 0]);
    b.bias.data.set([0, 0, 1, -1]);
    const [w] = run((p: never, code: Tensor) => model.generate(p, code), params, ndarray([2]));
    // A(2) = [2, 1, -2], B(2) = [2, 4, 1, -1].
    expect(Array.from(w!.data)).toEqual([4, 8, 2, -2, 2, 4, 1, -1, -4, -8, -2, 2]);
  });

  test('a kernel is the matrix [out, in * k], and what factors would not shrink is whole', () => {
    const target = nn.sequential({
      conv: nn.conv2d({ in: 3, out: 8, kernel: 3 }),
      norm: nn.groupNorm({ channels: 8, groups: 2 }),
      flatten: nn.flatten,
      fc: nn.linear({ in: 8, out: 2 }),
    });
    const { spec } = hypernetwork(target, { code: 5, head: heads.lowRank({ rank: 2, hidden: [6] }) });
    const shapes = tree.map((w: nn.WeightSpec) => w.shape, spec.head) as unknown as Record<string, unknown>;
    expect(shapes).toEqual({
      hidden: [{ weight: [5, 6], bias: [6] }],
      factors: { 'conv.weight': { a: { weight: [6, 16], bias: [16] }, b: { weight: [6, 54], bias: [54] } } },
      whole: {
        'conv.bias': { weight: [6, 8], bias: [8] },
        'norm.scale': { weight: [6, 8], bias: [8] },
        'norm.shift': { weight: [6, 8], bias: [8] },
        'fc.weight': { weight: [6, 16], bias: [16] },
        'fc.bias': { weight: [6, 2], bias: [2] },
      },
    });
  });

  const spread = (target: unknown, head: unknown, keys = 20): number => {
    const model = (hypernetwork as unknown as (t: unknown, o: object) => AnyHypernetwork)(target, {
      ...{ code: 4, head, generate: '**weight' },
    });
    const f = (key: Tensor, code: Tensor) => model.generate(model.init(key), code);
    const { program } = trace(f as never, keySpec, { dtype: 'float32', shape: [4] });
    let total = 0;
    for (let i = 0; i < keys; i++)
      total += moments(evaluate(program, [keyArray(i), ndarray([1, -1, 1, 1])])[0]!).variance / keys;
    return total;
  };

  test.each([
    ['hyperfan-in', hyperfanIn(), 1],
    ['hyperfan-in with biases', hyperfanIn({ biases: true }), 0.5],
    ['Bias-HyperInit', biasHyperInit(), 1],
  ] as const)('the product has the variance that the scheme asks for: %s', (_, init: HeadInit, part) => {
    const typical = Math.exp(1 / 4 + 1 / 48);
    for (const [target, variance] of [
      [nn.linear({ in: 24, out: 16, init: nn.init.kaimingNormal() }), 2 / 24],
      [nn.conv2d({ in: 4, out: 16, kernel: 3, init: nn.init.kaimingNormal() }), 2 / 36],
      [nn.mlp({ in: 24, hidden: [], out: 16 }), 1 / 24],
    ] as const) {
      const ratio = spread(target, heads.lowRank({ rank: 4, init })) / (variance * typical * part);
      expect(ratio).toBeGreaterThan(0.8);
      expect(ratio).toBeLessThan(1.25);
    }
  });

  test('of a matrix that starts at zero the factor on the side of the input is random', () => {
    const zero = nn.init.zeros;
    const of = (target: unknown) => {
      const model = hypernetwork(target as ReturnType<typeof nn.linear>, { code: 4, head: heads.lowRank({ rank: 2 }) });
      const factors = Object.values(model.spec.head.factors)[0]!;
      return [factors.a, factors.b].map((f) => f.weight.init.std!(f.weight));
    };
    expect(of(nn.linear({ in: 9, out: 16, init: zero }))).toEqual([1 / 6, 0]);
    expect(of(nn.conv2d({ in: 1, out: 16, kernel: 3, init: zero }))).toEqual([0, 1 / 6]);
  });

  test('with a base it is LoRA by code: the first network is the base', () => {
    const target = nn.mlp({ in: 16, hidden: [16], out: 2 });
    const model = hypernetwork(target, { code: 4, head: heads.lowRank({ rank: 1 }), base: true });
    const f = (key: Tensor, code: Tensor) => {
      const params = model.init(key);
      return [model.generate(params, code)['layer0.weight'], params.base['layer0.weight']];
    };
    const [generated, base] = run(f as never, keyArray(1), ndarray([1, 1, -1, 1]));
    expect(generated!.data).toEqual(base!.data);
  });

  test('errors say what was expected', () => {
    expect(() => heads.lowRank({ rank: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.lowRank: expected a rank of at least 1, got 0]`,
    );
    expect(() => heads.lowRank({ rank: 2, hidden: [0] })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.lowRank: expected hidden widths of at least 1, got [0]]`,
    );
    expect(() =>
      hypernetwork(nn.linear({ in: 2, out: 1 }), { head: heads.lowRank({ rank: 2 }) }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.lowRank: expected a code of at least 1 element, got none]`,
    );
  });
});

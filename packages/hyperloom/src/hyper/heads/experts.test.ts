import { describe, expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import { mul, type NdArray, ndarray, random, square, type Tensor, trace, tree } from '../../tensor/index.ts';
import { type Gate, gateMoments, gates } from '../generator/gates.ts';
import { biasHyperInit, heads, hypernetwork, moments } from '../index.ts';
import { keyArray, keySpec } from '../zoo.suite.ts';

/** Runs a function of arrays on the reference engine. */
const run = (f: (...args: never[]) => unknown, ...args: unknown[]): NdArray[] =>
  evaluate(trace(f, ...args).program, tree.leaves<NdArray>(args));

describe('experts', () => {
  const target = nn.linear({ in: 1, out: 2 });

  test.each([
    // Logits of a code of 1 are [0, log 3], halved by the temperature to [0, log 3 / 2].
    ['sigmoid', 1, [1 / 2, 3 / 4]],
    ['softmax', 1, [1 / 4, 3 / 4]],
    ['softmax', 2, [1 / (1 + Math.sqrt(3)), Math.sqrt(3) / (1 + Math.sqrt(3))]],
  ] as const)('W = sum alpha_k W_k: %s at temperature %d', (gate, temperature, alpha) => {
    const model = hypernetwork(target, { code: 1, head: heads.experts({ count: 2, gate, temperature }) });
    const at: Readonly<Record<string, readonly number[]>> = {
      'head.gates.target.weight': [0, Math.log(3)],
      'head.gates.target.bias': [0, 0],
      'head.experts.weight.weight': [1, 10, 100, 1000],
      'head.experts.bias.weight': [1, 0, 0, 1],
      'head.experts.bias.bias': [5, 6],
    };
    const params = tree.mapWithPath(
      ({ shape }: nn.WeightSpec, path): NdArray => ndarray(Float32Array.from(at[path]!), shape),
      model.spec,
    );
    const [w, b] = run((p: never, code: Tensor) => model.generate(p, code), params, ndarray([1]));
    const [p, q] = alpha;
    [p + 100 * q, 10 * p + 1000 * q].forEach((x, i) => {
      expect(w!.data[i]).toBeCloseTo(x, 3);
    });
    [5 + p, 6 + q].forEach((x, i) => {
      expect(b!.data[i]).toBeCloseTo(x, 6);
    });
  });

  test('each layer has coefficients, which its weights share', () => {
    const deep = nn.sequential({ a: nn.mlp({ in: 2, hidden: [3], out: 2 }), norm: nn.layerNorm({ shape: 2 }) });
    const { spec } = hypernetwork(deep, { code: 4, head: heads.experts({ count: 3, gate: 'softmax' }) });
    expect(Object.keys(spec.head.gates)).toEqual(['a.layer0', 'a.layer1', 'norm']);
    expect(nn.countParams(spec.head)).toBe(3 * (4 + 1) * 3 + 3 * nn.countParams(deep.spec) + (3 + 2 + 2 + 2));
  });

  test.each([
    ['sigmoid', 1, 0.5],
    ['sigmoid', 4, 2],
    ['softmax', 1, 0.5],
    ['softmax', 2, 0.5],
    ['softmax', 4, 0.5],
    ['softmax', 4, 3],
    ['softmax', 16, 0.02],
  ] as const)('the mean square of a coefficient: %s of %d at deviation %d', (gate: Gate, count, std) => {
    const sample = (k: Tensor) => square(gates[gate](mul(random.normal(k, [2000, count]), std)));
    const squares = Array.from(run(sample as never, keyArray(5))[0]!.data);
    const mean = squares.reduce((total, x) => total + x, 0) / squares.length;
    expect(gateMoments[gate](count, std) / mean).toBeCloseTo(1, 1);
  });

  test.each([
    ['sigmoid', 1],
    ['softmax', 1],
    ['softmax', 0.2],
  ] as const)('mixtures have the variance of the target: %s at temperature %d', (gate, temperature) => {
    const wide = nn.linear({ in: 16, out: 16, bias: false, init: nn.init.kaimingNormal() });
    const model = hypernetwork(wide, { code: 4, head: heads.experts({ count: 4, gate, temperature }) });
    const f = (key: Tensor, code: Tensor) => model.generate(model.init(key), code);
    const { program } = trace(f, keySpec, { dtype: 'float32', shape: [4] });
    const keys = 60;
    let total = 0;
    for (let i = 0; i < keys; i++)
      total += moments(evaluate(program, [keyArray(i), ndarray([1, -1, 1, 1])])[0]!).variance / keys;
    expect(total / (2 / 16)).toBeGreaterThan(0.9);
    expect(total / (2 / 16)).toBeLessThan(1.1);
  });

  test('what starts at a constant, or as Bias-HyperInit wants, has a bias', () => {
    const of = (head: ReturnType<typeof heads.experts>) =>
      Object.entries(hypernetwork(target, { code: 2, head }).spec.head.experts).map(([path, e]) => [path, 'bias' in e]);
    expect(of(heads.experts({ count: 2, gate: 'softmax' }))).toEqual([
      ['weight', false],
      ['bias', true],
    ]);
    expect(of(heads.experts({ count: 2, gate: 'softmax', init: biasHyperInit() }))).toEqual([
      ['weight', true],
      ['bias', true],
    ]);
  });

  test('errors say what was expected', () => {
    const make = (options: object) => () => heads.experts({ count: 2, gate: 'softmax', ...options });
    expect(make({ count: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.experts: expected a count of at least 1, got 0]`,
    );
    expect(make({ gate: 'relu' })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.experts: expected a gate of sigmoid or softmax, got relu]`,
    );
    expect(make({ temperature: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.experts: expected a positive temperature, got 0]`,
    );
  });
});

import { describe, expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import { type NdArray, ndarray, sizeOf, type Tensor, trace, tree } from '../../tensor/index.ts';
import { heads, hypernetwork } from '../index.ts';
import { keyArray } from '../zoo.suite.ts';

/** Runs a function of arrays on the reference engine. */
const run = (f: (...args: never[]) => unknown, ...args: unknown[]): NdArray[] =>
  evaluate(trace(f, ...args).program, tree.leaves<NdArray>(args));

describe('scale', () => {
  test('scales columns of matrices, rows of kernels, elements of norms, and shifts biases', () => {
    const target = nn.sequential({
      conv: nn.conv1d({ in: 1, out: 2, kernel: 2 }),
      norm: nn.groupNorm({ channels: 2, groups: 1 }),
      flatten: nn.flatten,
      fc: nn.linear({ in: 2, out: 2 }),
    });
    const model = hypernetwork(target, { code: 1, head: heads.scale() });
    const at: Readonly<Record<string, readonly number[]>> = {
      'head.stored.conv.weight': [1, 2, 3, 4],
      'head.stored.conv.bias': [5, 6],
      'head.stored.norm.scale': [1, 2],
      'head.stored.norm.shift': [3, 4],
      'head.stored.fc.weight': [1, 2, 3, 4],
      'head.stored.fc.bias': [7, 8],
    };
    const params = tree.mapWithPath(({ shape }: nn.WeightSpec, path): NdArray => {
      // Modulations of a code of 2 are [2 * 1 + 8, 2 * 2 + 16] = [10, 20].
      const modulation = path.endsWith('.weight') ? [1, 2] : [8, 16];
      return ndarray(Float32Array.from(at[path] ?? modulation), shape);
    }, model.spec);
    const weights = run((p: never, code: Tensor) => model.generate(p, code), params, ndarray([2]));
    const found = Object.fromEntries(Object.keys(model.generated).map((path, i) => [path, [...weights[i]!.data]]));
    expect(found).toEqual({
      'conv.weight': [10, 20, 60, 80],
      'conv.bias': [15, 26],
      'norm.scale': [10, 40],
      'norm.shift': [13, 24],
      'fc.weight': [10, 40, 30, 80],
      'fc.bias': [17, 28],
    });
  });

  test('the first network is the stored one, for every code', () => {
    const target = nn.mlp({ in: 3, hidden: [4], out: 2 });
    const model = hypernetwork(target, { code: 2, head: heads.scale({ hidden: [5] }) });
    const f = (key: Tensor, code: Tensor) => {
      const params = model.init(key);
      return [model.generate(params, code), params.head.stored];
    };
    const all = run(f as never, keyArray(3), ndarray([3, -7]));
    const half = all.length / 2;
    for (let i = 0; i < half; i++) expect(all[i]!.data).toEqual(all[half + i]!.data);
  });

  test('costs the target and one affine function for each output', () => {
    const target = nn.mlp({ in: 3, hidden: [4], out: 2 });
    const { spec } = hypernetwork(target, { code: 5, head: heads.scale() });
    expect(nn.countParams(spec)).toBe(nn.countParams(target.spec) + 2 * (4 + 2) * (5 + 1));
    const norm = hypernetwork(nn.layerNorm({ shape: [2, 3] }), { code: 5, head: heads.scale() });
    expect(sizeOf(norm.spec.head.out.scale!.bias.shape)).toBe(6);
  });

  test('errors say what was expected', () => {
    expect(() => heads.scale({ hidden: [1.5] })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.scale: expected hidden widths of at least 1, got [1.5]]`,
    );
    expect(() =>
      hypernetwork(nn.linear({ in: 2, out: 1 }), { head: heads.scale() }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.scale: expected a code of at least 1 element, got none]`,
    );
  });
});

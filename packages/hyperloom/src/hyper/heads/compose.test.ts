import { describe, expect, test } from 'vitest';
import * as nn from '../../nn/index.ts';
import { tree } from '../../tensor/index.ts';
import { heads, hypernetwork } from '../index.ts';

describe('compose', () => {
  const target = nn.sequential({
    conv1: nn.conv2d({ in: 1, out: 2, kernel: 3 }),
    flatten: nn.flatten,
    fc: nn.linear({ in: 2, out: 1 }),
  });

  test('the first pattern that matches a weight has it', () => {
    const head = heads.compose({
      'conv*.weight': heads.layerwise({ embedding: 3 }),
      '*.weight': heads.scale(),
      '**': heads.dense(),
    });
    const { spec } = hypernetwork(target, { code: 4, head });
    expect(tree.map((w: nn.WeightSpec) => w.shape, spec.head)).toEqual([
      {
        kernelx2x1x3x3: {
          z: [1, 3],
          in: { weight: [7, 3], bias: [3] },
          out: { weight: [3, 18], bias: [18] },
        },
      },
      { stored: { 'fc.weight': [2, 1] }, hidden: [], out: { 'fc.weight': { weight: [4, 1], bias: [1] } } },
      { hidden: [], out: { 'conv1.bias': { weight: [4, 2], bias: [2] }, 'fc.bias': { weight: [4, 1], bias: [1] } } },
    ]);
  });

  test('errors list the paths', () => {
    const over = (parts: Parameters<typeof heads.compose>[0]) => () =>
      hypernetwork(target as unknown as ReturnType<typeof nn.linear>, { code: 2, head: heads.compose(parts) });
    const dense = heads.dense();
    expect(over({ 'conv1.*': dense })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.compose: expected a pattern for every weight, got none for fc.weight, fc.bias in conv1.*]`,
    );
    expect(over({ 'conv2.*': dense, '**': dense })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.compose: expected a pattern that matches a weight (conv1.weight, conv1.bias, fc.weight, fc.bias), got "conv2.*"]`,
    );
    expect(over({ '**': dense, 'fc.*': dense })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.compose: expected a pattern that matches a weight that no earlier one has (conv1.weight, conv1.bias, fc.weight, fc.bias), got "fc.*"]`,
    );
    expect(over({})).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.compose: expected at least one pattern, got none]`,
    );
    expect(over({ '0': dense })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.compose: expected patterns that are not numbers, got "0"]`,
    );
  });
});

import { describe, expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { type NdArray, random, type Tensor, trace, tree } from '../tensor/index.ts';
import * as nn from './index.ts';

const sizes = { in: 2, hidden: [64, 48], out: 3 };

/** Bounds by Sitzmann et al. 2020, section 3.2, and their code for biases. */
const bounds = (frequency: number): Readonly<Record<string, number>> => ({
  'layer0.weight': 1 / 2,
  'layer0.bias': 1 / Math.sqrt(2),
  'layer1.weight': Math.sqrt(6 / 64) / frequency,
  'layer1.bias': 1 / Math.sqrt(64),
  'layer2.weight': Math.sqrt(6 / 48) / frequency,
  'layer2.bias': 1 / Math.sqrt(48),
});

describe('siren', () => {
  test.each([30, 8])(
    'frequency %d: weights lie within the bounds of the paper, and know their deviations',
    (frequency) => {
      const net = nn.siren({ ...sizes, frequency });
      const { program, output } = trace((key: Tensor) => net.init(key), random.keyArray(1));
      const values = evaluate(program, [random.keyArray(1)]);
      const drawn = tree.flatten<NdArray>(tree.unflatten(output, values));
      for (const [path, spec] of Object.entries(tree.flatten<nn.WeightSpec>(net.spec))) {
        const bound = bounds(frequency)[path]!;
        expect(spec.init.std!(spec), path).toBeCloseTo(bound / Math.sqrt(3), 12);
        const { data } = drawn[path]!;
        const most = Math.max(...Array.from(data, Math.abs));
        expect(most, path).toBeLessThanOrEqual(bound);
        if (data.length > 40) expect(most, path).toBeGreaterThan(0.9 * bound);
      }
    },
  );

  test('a frequency must be positive, and a network without sines is one linear layer', () => {
    expect(() => nn.siren({ ...sizes, frequency: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: siren: expected a positive frequency, got 0]`,
    );
    expect(() => nn.siren({ ...sizes, hidden: [0] })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: linear: expected out to be a whole number of at least 1, got 0]`,
    );
    expect(tree.paths(nn.siren({ ...sizes, hidden: [] }).spec)).toEqual(['layer0.weight', 'layer0.bias']);
  });
});

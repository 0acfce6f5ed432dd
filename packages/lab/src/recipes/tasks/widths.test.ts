import { batches, randomAt } from 'hyperloom/data';
import { ndarray } from 'hyperloom/tensor';
import { describe, expect, test } from 'vitest';
import { costOf } from './slimNet.ts';
import { codeOf, drawn, heldOutWidths, rankCorrelation, sandwiches, uniform } from './widths.ts';

const range = { least: [1, 2], most: [4, 8] };

describe('widths', () => {
  test('shares of all layers, and codes that stand for them', () => {
    expect(uniform(0.5, [8, 3, 16])).toEqual([4, 2, 8]);
    expect(uniform(0.01, [8, 3])).toEqual([1, 1]);
    expect([...codeOf([1, 6], [4, 8]).data]).toEqual([0.25, 0.75]);
  });

  test('held out architectures differ from one another and from both ends, and are never drawn', () => {
    const heldOut = heldOutWidths(3, 20, range);
    expect(new Set([...heldOut, range.least, range.most].map(String)).size).toBe(22);
    const random = randomAt(1, 2);
    const met = new Set(Array.from({ length: 500 }, () => String(drawn(random, { ...range, heldOut }))));
    // 4 by 7 architectures less those held out.
    expect(met.size).toBe(8);
    for (const own of heldOut) expect(met).not.toContain(String(own));
  });

  test('a step has the smallest architecture, the largest and two others, each with its own part of the examples', () => {
    const examples = {
      input: ndarray(
        Float32Array.from({ length: 16 }, (_, i) => i),
        [8, 2],
      ),
      target: ndarray(
        Int32Array.from({ length: 8 }, (_, i) => i),
        [8],
      ),
    };
    const plain = batches(examples, { size: 8, seed: 5 });
    const grouped = sandwiches(plain as never, { ...range, heldOut: [] }, 5);
    expect(grouped.size).toBe(4);
    const { input, target } = grouped.at(7) as unknown as {
      readonly input: { readonly code: ReturnType<typeof ndarray>; readonly input: ReturnType<typeof ndarray> };
      readonly target: ReturnType<typeof ndarray>;
    };
    expect([...input.code.data.slice(0, 4)]).toEqual([0.25, 0.25, 1, 1]);
    expect(input.code.shape).toEqual([4, 2]);
    expect(input.input.shape).toEqual([4, 2, 2]);
    expect(target.shape).toEqual([4, 2]);
    expect([...target.data].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(Array.from(target.data, (label) => 2 * label)).toEqual([...input.input.data].filter((_, i) => i % 2 === 0));
    expect(grouped.at(7)).toEqual(sandwiches(plain as never, { ...range, heldOut: [] }, 5).at(7));
  });

  test('some architectures are left to train on', () => {
    const tiny = { least: [1, 1], most: [2, 3] };
    expect(heldOutWidths(1, 3, tiny)).toHaveLength(3);
    expect(() => heldOutWidths(1, 4, tiny)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: --set unseen: expected fewer than the 4 there are, got 4]`,
    );
  });

  test('ranks correlate as Spearman says', () => {
    expect(rankCorrelation([1, 2, 3], [10, 20, 90])).toBeCloseTo(1);
    expect(rankCorrelation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1);
    // 1 - 6 * (1 + 1 + 0 + 0) / (4 * 15)
    expect(rankCorrelation([1, 2, 3, 4], [2, 1, 3, 4])).toBeCloseTo(0.8);
    // Ranks 0.5, 0.5, 2 against 0, 1, 2.
    expect(rankCorrelation([1, 1, 2], [1, 2, 3])).toBeCloseTo(1.5 / Math.sqrt(1.5 * 2));
  });

  test('multiply-adds of a network are those of its layers', () => {
    const digits = { channels: 1, height: 28, width: 28, classes: ['0', '1'] };
    const { multiplyAdds, parameters } = costOf(digits, [2, 3, 4]);
    expect(multiplyAdds).toBe(784 * 2 * 25 + 196 * 3 * 2 * 9 + 49 * 4 * 3 * 9 + 36 * 2);
    expect(parameters).toBe(2 * 26 + 3 * 19 + 4 * 28 + 37 * 2);
  });
});

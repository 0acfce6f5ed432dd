import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { permutation, randomAt } from './random.ts';

const draw = (n: number, ...names: number[]) => {
  const random = randomAt(...names);
  return Array.from({ length: n }, () => random.bits());
};

describe('randomAt', () => {
  it('depends on every name, and on nothing else', () => {
    expect(draw(5, 1, 2)).toEqual(draw(5, 1, 2));
    const streams = [[1, 2], [2, 1], [1], [1, 2, 0], [1 + 2 ** 32, 2], [1, 2 + 2 ** 40]].map((names) =>
      draw(3, ...names),
    );
    expect(new Set(streams.map(String)).size).toBe(streams.length);
  });

  it('keeps its bits from version to version', () => {
    expect(draw(3, 7, 0)).toMatchInlineSnapshot(`
      [
        1192507389,
        231604003,
        53027522,
      ]
    `);
  });

  it('draws integers below n alike', () => {
    const random = randomAt(3);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) counts[random.below(6)]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(20.5); // 99.9 % with 5 degrees of freedom
    expect(randomAt(1).below(1)).toBe(0);
  });

  it('draws uniform numbers in [0, 1)', () => {
    const random = randomAt(4);
    const drawn = Array.from({ length: 10_000 }, () => random.uniform());
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drawn)).toBeLessThan(1);
    expect(drawn.reduce((a, b) => a + b) / drawn.length).toBeCloseTo(0.5, 1);
  });
});

describe('permutation', () => {
  it('holds each index once', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(), (n, seed) => {
        const sorted = [...permutation(randomAt(seed), n)].sort((a, b) => a - b);
        expect(sorted).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  it('gives all orders of three alike', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 6000; seed++) {
      const order = permutation(randomAt(seed), 3).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(counts.size).toBe(6);
    expect(chiSquare).toBeLessThan(20.5);
  });
});

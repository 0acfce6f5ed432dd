import { describe, expect, test } from 'vitest';
import * as nn from '../../nn/index.ts';
import { gateMoments } from './gates.ts';
import { secondMoment } from './moment.ts';

describe('the mean square of an activation', () => {
  test('is what integrals in closed form give', () => {
    for (const std of [0.5, 1, 3]) {
      expect(secondMoment(nn.identity, std)).toBeCloseTo(std ** 2, 8);
      // Half of the square, by symmetry; the other half keeps the square of the slope.
      expect(secondMoment(nn.relu, std)).toBeCloseTo(std ** 2 / 2, 8);
      expect(secondMoment(nn.leakyRelu({ slope: 0.2 }), std)).toBeCloseTo((std ** 2 * 1.04) / 2, 6);
    }
    // Odd about 1/2: the mean of the square is 1/4 and the variance, which is that of tanh(x / 2) / 2.
    expect(secondMoment(nn.sigmoid, 1) - 0.25).toBeGreaterThan(0);
    expect(secondMoment(nn.sigmoid, 1e-3)).toBeCloseTo(0.25, 6);
    expect(secondMoment(nn.sigmoid, 1e3)).toBeCloseTo(0.5, 2);
  });
});

describe('the mean square of a coefficient', () => {
  /** The same by drawing logits: a plain generator, seeded. */
  function drawn(count: number, std: number): number {
    let state = 1;
    const uniform = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state + 0.5) / 2 ** 32;
    };
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    let total = 0;
    const draws = 40_000;
    for (let i = 0; i < draws; i++) {
      const odds = Array.from({ length: count }, () => Math.exp(std * normal()));
      total += (odds[0]! / odds.reduce((a, b) => a + b)) ** 2;
    }
    return total / draws;
  }

  test('of softmax is that of drawn logits', () => {
    expect(gateMoments.softmax(1, 1)).toBeCloseTo(1, 3);
    expect(gateMoments.softmax(5, 1e-3)).toBeCloseTo(1 / 25, 4);
    for (const [count, std] of [
      [2, 1],
      [4, 1],
      [8, 2],
    ] as const) {
      const expected = drawn(count, std);
      expect(Math.abs(gateMoments.softmax(count, std) / expected - 1)).toBeLessThan(0.03);
    }
  });

  test('of sigmoid is that of the activation, whatever their number', () => {
    expect(gateMoments.sigmoid(7, 1)).toBe(secondMoment(nn.sigmoid, 1));
  });
});

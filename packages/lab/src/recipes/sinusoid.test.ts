import { describe, expect, test } from 'vitest';
import { sinusoid } from './sinusoid.ts';
import { halfRange, sinusoidBatches, sinusoidTests, sinusoid as value } from './tasks/sinusoids.ts';
import { figuresOf } from './testing.ts';

describe('sinusoid', () => {
  test('in short: a network generated from ten points beats one that is fine-tuned on them', async () => {
    const figures = await figuresOf(sinusoid, { steps: 400, settings: { width: 64, tasks: 32 } });
    expect(figures.main!.mse10).toBeLessThan(1.2);
    expect(figures.main!.mse5).toBeLessThan(1.5);
    expect(figures.main!.mse10).toBeLessThan(figures.fineTuning!.mse10!);
    // Fine-tuning helps: to know nothing of the task costs about 3.
    expect(figures.fineTuning!.mse10).toBeLessThan(2.6);
    expect(figures.cnp!.mse10).toBeLessThan(2);
  }, 120_000);

  test('batches are functions of their number', () => {
    const sizes = { tasks: 3, context: 6, query: 4 };
    const [a, b] = [0, 1].map(() => sinusoidBatches(sizes, { seed: 5, least: 2 })) as [never, never];
    const bits = (data: ReturnType<typeof sinusoidBatches>, step: number) => JSON.stringify(data.at(step));
    const first = bits(a, 7);
    expect(bits(a, 8)).not.toBe(first);
    expect(bits(a, 7)).toBe(first);
    expect(bits(b, 7)).toBe(first);
    expect(bits(sinusoidBatches(sizes, { seed: 6, least: 2 }), 7)).not.toBe(first);
  });

  test('points lie on their curve, and as many count as the mask says', () => {
    const sizes = { tasks: 20, context: 6, query: 4 };
    const { examples, tasks } = sinusoidTests(sizes, { shots: 4, size: 5 });
    const { points, mask } = examples.input.code;
    tasks.forEach((task, t) => {
      expect([...mask.data.slice(6 * t, 6 * t + 6)]).toEqual([1, 1, 1, 1, 0, 0]);
      for (let i = 6 * t; i < 6 * t + 4; i++)
        expect(points.data[2 * i + 1]).toBeCloseTo(value(task, points.data[2 * i]!), 5);
      for (let i = 4 * t; i < 4 * t + 4; i++)
        expect(examples.target.data[i]).toBeCloseTo(value(task, halfRange * examples.input.input.data[i]!), 5);
    });
    const { input, target } = sinusoidTests(sizes, { shots: 2, size: 5 }).examples;
    expect([input.input, target]).toEqual([examples.input.input, examples.target]);
    const later = sinusoidTests(sizes, { shots: 4, first: 5, size: 5 });
    expect(later.tasks.slice(0, 15)).toEqual(tasks.slice(5));
    const { input: training } = sinusoidBatches({ ...sizes, tasks: 200 }, { seed: 0, least: 2 }).at(0);
    const counts = Array.from({ length: 200 }, (_, t) => {
      const mask = Array.from(training.code.mask.data.slice(6 * t, 6 * t + 6));
      return mask.reduce((sum, n) => sum + n, 0);
    });
    expect(new Set(counts)).toEqual(new Set([2, 3, 4, 5, 6]));
  });
});

import { describe, expect, test } from 'vitest';
import { hierarchy } from './hierarchy.ts';
import { drawnFamily, familyBatches, familyTests, halfRange } from './tasks/families.ts';
import { figuresOf } from './testing.ts';

describe('hierarchy', () => {
  test('in short: two levels learn where they start right, and start far off with Kaiming heads', async () => {
    const figures = await figuresOf(hierarchy, { steps: 400 });
    // To predict 0 costs about 1.1.
    expect(figures.main!.mse).toBeLessThan(0.3);
    expect(figures.main!.scale).toBeGreaterThan(0.05);
    expect(figures.main!.scale).toBeLessThan(5);
    expect(figures.flat!.mse).toBeLessThan(0.3);
    expect(figures.kaiming!.mse).toBeGreaterThan(1.5 * figures.main!.mse!);
    // The mistake is squared and more by the second level.
    const [two, one] = [
      figures.kaiming!.scale! / figures.main!.scale!,
      figures.flatKaiming!.scale! / figures.flat!.scale!,
    ];
    expect(one).toBeGreaterThan(10);
    expect(two).toBeGreaterThan(one ** 2);
  }, 120_000);

  test('batches are functions of their number, and members of a family share its code', () => {
    const sizes = { families: 2, members: 3, points: 4 };
    const data = familyBatches(sizes, 5);
    const first = JSON.stringify(data.at(7));
    expect(JSON.stringify(data.at(8))).not.toBe(first);
    expect(JSON.stringify(familyBatches(sizes, 5).at(7))).toBe(first);
    expect(JSON.stringify(familyTests(sizes))).not.toBe(first);
    const { input } = data.at(0);
    expect([input.code.shape, input.input.code.shape, input.input.input.shape]).toEqual([
      [2, 2],
      [2, 3, 4],
      [2, 3, 4, 1],
    ]);
    const all = familyTests({ families: 2_000, members: 2, points: 1 });
    const meanSquare = ({ data: values }: { readonly data: ArrayLike<number> }) =>
      Array.from(values).reduce((sum, v) => sum + v * v, 0) / values.length;
    expect(meanSquare(all.input.code)).toBeCloseTo(1, 1);
    expect(meanSquare(all.input.input.code)).toBeCloseTo(1, 1);
    const { value } = drawnFamily(1, Float32Array.of(0));
    expect(value(0)).toBeCloseTo(value(Math.PI), 10);
    expect(Math.PI).toBeGreaterThan(halfRange);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../tensor/index.ts';
import { padAndCrop } from './augment.ts';
import { type Random, randomAt } from './random.ts';

/** A stream whose integers are given. */
const scripted = (...values: number[]): Random => {
  const next = () => values.shift() ?? 0;
  return { bits: next, below: next, uniform: next };
};

describe('padAndCrop', () => {
  it('is the crop of the padded image at the place drawn', () => {
    const sizes = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(sizes, sizes, fc.integer({ min: 1, max: 2 }), fc.nat(4), fc.nat(), (h, w, channels, pad, pick) => {
        const places = 2 * pad + 1;
        const [top, left] = [pick % places, Math.floor(pick / places) % places];
        const data = Float32Array.from({ length: channels * h * w }, (_, i) => i + 1);
        const image = ndarray(data.slice(), [channels, h, w]);
        padAndCrop({ pad, fill: -1 })(image, scripted(top, left));
        // The window that starts at row 2 pad - top of the padded image moves its content down by top - pad.
        const at = (c: number, y: number, x: number) =>
          y >= 0 && y < h && x >= 0 && x < w ? data[(c * h + y) * w + x] : -1;
        const expected = Array.from(data, (_, i) =>
          at(Math.floor(i / (h * w)), (Math.floor(i / w) % h) - (top - pad), (i % w) - (left - pad)),
        );
        expect([...image.data]).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('reaches all places alike', () => {
    const counts = new Map<string, number>();
    const crop = padAndCrop({ pad: 1 });
    for (let i = 0; i < 9000; i++) {
      const image = ndarray([
        [0, 0, 0],
        [0, 1, 0],
        [0, 0, 0],
      ]);
      crop(image, randomAt(i));
      const key = image.data.join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(9);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(26.1); // 99.9 % with 8 degrees of freedom
  });

  it('works on bytes, and leaves an image alone with no padding', () => {
    const image = { shape: [1, 2], data: Uint8Array.of(8, 9) };
    padAndCrop({ pad: 1, fill: 3 })(image, scripted(1, 2));
    expect([...image.data]).toEqual([3, 8]);
    padAndCrop({ pad: 0 })(image, randomAt(1));
    expect([...image.data]).toEqual([3, 8]);
  });

  it('refuses other options and shapes', () => {
    expect(() => padAndCrop({ pad: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: padAndCrop: expected pad of 0 or above, got -1]`,
    );
    expect(() => padAndCrop({ pad: 1 })(ndarray([1]), randomAt(1))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: padAndCrop: expected an image [..., height, width], got [1]]`,
    );
  });
});

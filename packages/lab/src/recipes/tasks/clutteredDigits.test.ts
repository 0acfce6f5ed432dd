import { describe, expect, test } from 'vitest';
import { cluttered } from './clutteredDigits.ts';

const real = {
  images: { dtype: 'uint8', shape: [2, 1, 10, 10], data: new Uint8Array(200), scale: 1 / 255, offset: 0 } as const,
  labels: { dtype: 'int32', shape: [2], data: Int32Array.of(3, 5) } as const,
};
// The first has a bright square in the middle, the second a bar.
for (let y = 3; y < 7; y++) for (let x = 3; x < 7; x++) real.images.data[10 * y + x] = 200;
for (let y = 0; y < 10; y++) real.images.data[100 + 10 * y + 5] = 100;

describe('cluttered', () => {
  test('is a function of the number of an image and of the variation', () => {
    const options = { canvas: 16, variation: 4 };
    const five = cluttered(real, { ...options, count: 5 });
    expect([...five.labels.data]).toEqual([3, 5, 3, 5, 3]);
    expect(five.images.shape).toEqual([5, 1, 16, 16]);
    expect(cluttered(real, { ...options, count: 5 })).toEqual(five);
    const three = cluttered(real, { ...options, count: 3 });
    expect(three.images.data).toEqual(five.images.data.slice(0, 3 * 256));
    const others = cluttered(real, { ...options, variation: 5, count: 5 });
    for (let i = 0; i < 5; i++)
      expect(others.images.data.slice(256 * i, 256 * (i + 1))).not.toEqual(
        five.images.data.slice(256 * i, 256 * (i + 1)),
      );
    // The same real image has other turns and places each time.
    expect(five.images.data.slice(0, 256)).not.toEqual(five.images.data.slice(512, 768));
  });

  test('unturned, unscaled and in the middle an image stays as it is', () => {
    const { images } = cluttered(real, { canvas: 10, variation: 0, count: 2, pieces: 0, angle: 0, scale: [1, 1] });
    expect(images.data).toEqual(real.images.data);
  });

  test('turns keep what there is, and scales change it by their square', () => {
    const sum = (options: object, image: number): number => {
      const { images } = cluttered(real, { canvas: 40, variation: 1, count: 40, pieces: 0, ...options });
      const own = images.data.slice(1600 * image, 1600 * (image + 1));
      return own.reduce((total, v) => total + v, 0);
    };
    const square = 16 * 200;
    for (const image of [0, 2, 4, 6]) {
      expect(sum({ scale: [1, 1], angle: 45 }, image) / square).toBeCloseTo(1, 1);
      expect(sum({ scale: [2, 2], angle: 45 }, image) / (4 * square)).toBeCloseTo(1, 1);
    }
  });

  test('pieces of others add light, and digits lie all over the canvas', () => {
    const light = (pieces: number) =>
      cluttered(real, { canvas: 30, variation: 2, count: 20, pieces }).images.data.reduce((total, v) => total + v, 0);
    expect(light(8)).toBeGreaterThan(1.2 * light(0));
    const { images } = cluttered(real, { canvas: 30, variation: 2, count: 300, pieces: 0 });
    const seen = new Set<number>();
    images.data.forEach((v, i) => {
      if (v > 0) seen.add(i % 900);
    });
    expect(seen.size).toBeGreaterThan(600);
  });

  test('says what does not fit', () => {
    expect(() => cluttered(real, { canvas: 4, variation: 0, count: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: cluttered: expected images and a canvas of at least 8, got 2 and 4]`,
    );
  });
});

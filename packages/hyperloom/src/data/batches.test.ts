import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../tensor/index.ts';
import { type Batches, batches, evalBatches } from './batches.ts';
import { scaledBytes } from './examples.ts';

/** `count` examples whose arrays all tell which example they are. */
const examplesOf = (count: number) => ({
  image: scaledBytes({
    dtype: 'uint8',
    shape: [count, 2],
    data: Uint8Array.from({ length: 2 * count }, (_, i) => i >> 1),
  }),
  label: ndarray(Int32Array.from({ length: count }, (_, i) => i)),
  pair: [
    ndarray(
      Float64Array.from({ length: 3 * count }, (_, i) => Math.floor(i / 3)),
      [count, 3],
    ),
  ] as const,
});

const labelsAt = (set: Batches<ReturnType<typeof examplesOf>>, step: number) => [...set.at(step).label.data];

describe('batches', () => {
  it('keeps the arrays of an example together, with the types of its spec', () => {
    const set = batches(examplesOf(20), { size: 4, seed: 1 });
    expect(set.spec).toEqual({
      image: { dtype: 'float32', shape: [4, 2] },
      label: { dtype: 'int32', shape: [4] },
      pair: [{ dtype: 'float64', shape: [4, 3] }],
    });
    for (let step = 0; step < 12; step++) {
      const { image, label, pair } = set.at(step);
      expect({ dtype: image.dtype, shape: image.shape }).toEqual(set.spec.image);
      label.data.forEach((index, row) => {
        expect(image.data[2 * row + 1]).toBe(Math.fround(index / 255));
        expect([...pair[0].data.subarray(3 * row, 3 * row + 3)]).toEqual([index, index, index]);
      });
    }
  });

  it('visits each example at most once in an epoch, and all when they fit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), fc.nat(5), fc.nat(), (count, pick, epoch, seed) => {
        const size = 1 + (pick % count);
        const set = batches(examplesOf(count), { size, seed });
        expect(set.perEpoch).toBe(Math.floor(count / size));
        const seen = Array.from({ length: set.perEpoch }, (_, i) => labelsAt(set, epoch * set.perEpoch + i)).flat();
        expect(new Set(seen).size).toBe(set.perEpoch * size);
      }),
    );
  });

  it('is a function of seed and step alone, in any order', () => {
    const forward = batches(examplesOf(10), { size: 3, seed: 5 });
    const expected = Array.from({ length: 12 }, (_, step) => labelsAt(forward, step));
    const other = batches(examplesOf(10), { size: 3, seed: 5 });
    for (const step of [11, 0, 7, 7, 2, 9]) expect(labelsAt(other, step)).toEqual(expected[step]);
    const orders = [5, 6].map((seed) => labelsAt(batches(examplesOf(10), { size: 10, seed }), 0));
    expect(orders[0]).not.toEqual(orders[1]);
    expect(labelsAt(forward, 0)).not.toEqual(labelsAt(forward, 3));
  });

  it('holds a batch until the second call after it', () => {
    const set = batches(examplesOf(8), { size: 2 });
    const first = set.at(0);
    const kept = [...first.label.data];
    const second = set.at(1);
    expect([...first.label.data]).toEqual(kept);
    expect(set.at(2).label.data).toBe(first.label.data);
    expect(second.label.data).not.toBe(first.label.data);
  });

  it('augments each row from its own stream, and leaves the examples alone', () => {
    const examples = examplesOf(6);
    const make = () =>
      batches(examples, {
        size: 3,
        seed: 2,
        augment: ({ image, label }, random) => {
          expect([image.shape, label.shape]).toEqual([[2], []]);
          image.data[0] = random.uniform();
        },
      });
    const drawn = (step: number, set = make()) => [0, 2, 4].map((at) => set.at(step).image.data[at]);
    expect(drawn(1)).toEqual(drawn(1));
    expect(new Set([...drawn(0), ...drawn(1), ...drawn(2)]).size).toBe(9);
    expect(examples).toEqual(examplesOf(6));
  });

  it('refuses sizes, seeds and steps that cannot be', () => {
    const examples = examplesOf(4);
    expect(() => batches(examples, { size: 5 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: batches: expected a size from 1 to the 4 examples, got 5]`,
    );
    expect(() => batches(examples, { size: 2, seed: 0.5 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: batches: expected a whole number as seed, got 0.5]`,
    );
    expect(() => batches(examples, { size: 2 }).at(-1)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: batches: expected a step of 0 or above, got -1]`,
    );
  });

  it('makes a batch of 1000 digits in less than 5 ms', () => {
    const count = 4000;
    const images = { dtype: 'uint8', shape: [count, 28, 28], data: new Uint8Array(count * 784).fill(7) } as const;
    const set = batches({ image: scaledBytes(images, { mean: 0.1307, std: 0.3081 }) }, { size: 1000 });
    const times = Array.from({ length: 12 }, (_, step) => {
      const start = performance.now();
      set.at(step);
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(5);
  });
});

describe('evalBatches', () => {
  it('visits all in order and pads the last batch with the last example', () => {
    const set = evalBatches(examplesOf(5), 2);
    expect([set.size, set.total, set.spec.label]).toEqual([2, 5, { dtype: 'int32', shape: [2] }]);
    const seen = Array.from(set, ({ batch, count }) => ({ labels: [...batch.label.data], count }));
    expect(seen).toEqual([
      { labels: [0, 1], count: 2 },
      { labels: [2, 3], count: 2 },
      { labels: [4, 4], count: 1 },
    ]);
    expect([...set]).toHaveLength(3);
  });

  it('takes fewer examples than a batch', () => {
    expect(Array.from(evalBatches(examplesOf(1), 3), ({ count }) => count)).toEqual([1]);
  });

  it('refuses an empty set and a size of 0', () => {
    expect(() => evalBatches(examplesOf(0), 2)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: evalBatches: expected at least 1 example, got 0]`,
    );
    expect(() => evalBatches(examplesOf(1), 0)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: evalBatches: expected a size of at least 1, got 0]`,
    );
  });
});

import { expect, it } from 'vitest';
import { ndarray } from '../array.ts';
import { placeholder } from '../tensor.ts';
import { run1 } from '../testing.ts';
import { threefry, threefryBlock } from './threefry.ts';

/** Random123 1.14, tests/kat_vectors: "threefry2x32 20", as key, counter, result. */
const published = [
  [
    [0, 0],
    [0, 0],
    [0x6b200159, 0x99ba4efe],
  ],
  [
    [0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x1cb996fc, 0xbb002be7],
  ],
  [
    [0x13198a2e, 0x03707344],
    [0x243f6a88, 0x85a308d3],
    [0xc4923a9c, 0x483df7a0],
  ],
] as const;

it.each(published)('gives the published bits of key %j and counter %j', ([k0, k1], [c0, c1], expected) => {
  expect(threefryBlock(k0, k1, c0, c1)).toEqual(expected);
});

it('broadcasts keys against counters', () => {
  const keys = ndarray(new Uint32Array(published.flatMap(([key]) => key)), [3, 1, 2]);
  const counters = ndarray(new Uint32Array(published.flatMap(([, counter]) => counter)), [1, 3, 2]);
  const all = run1(threefry, keys, counters);
  published.forEach(([, , expected], i) => {
    expect(all.slice(8 * i, 8 * i + 2)).toEqual(expected);
  });
});

it('refuses what is no key', () => {
  const words = (...shape: number[]) => placeholder({ dtype: 'uint32', shape });
  expect(() => threefry(words(3), words(2))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: threefry: expected keys and counters [..., 2], got [3]]`,
  );
  expect(() => threefry(words(2), placeholder({ dtype: 'int32', shape: [2] }))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: threefry: expected uint32 keys and counters, got int32]`,
  );
  expect(() => threefry(words(3, 2), words(4, 2))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: threefry: expected shapes that broadcast, got [3, 2] and [4, 2]]`,
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NdArray } from '../tensor/index.ts';
import { evalTextStreams, type TextsWindow, type TextWindow, textStreams } from './streams.ts';
import { messageOf } from './testing.ts';

/** A text whose every character tells where it is. */
const textOf = (count: number, first = 0) => Int32Array.from({ length: count }, (_, i) => first + i);

/** Characters, targets and beginnings of each row. */
function rowsOf({ input: { x, fresh }, target }: TextWindow<NdArray>) {
  const [streams, length] = x.shape as [number, number];
  return Array.from({ length: streams }, (_, row) => ({
    x: [...x.data.subarray(row * length, (row + 1) * length)],
    target: [...target.data.subarray(row * length, (row + 1) * length)],
    fresh: fresh.data[row] === 1,
  }));
}

const sizes = fc.record({
  count: fc.integer({ min: 2, max: 200 }),
  streams: fc.integer({ min: 1, max: 5 }),
  length: fc.integer({ min: 1, max: 9 }),
});
const fitting = sizes.filter(({ count, streams, length }) => count - 1 >= streams * length);

describe('textStreams', () => {
  it('reads a part of the text in each row, window by window', () => {
    const training = textStreams(textOf(20), { streams: 2, length: 4 });
    expect([training.size, training.perEpoch]).toEqual([2, 2]);
    expect([0, 1, 2].map((step) => rowsOf(training.at(step)))).toEqual([
      [
        { x: [0, 1, 2, 3], target: [1, 2, 3, 4], fresh: true },
        { x: [9, 10, 11, 12], target: [10, 11, 12, 13], fresh: true },
      ],
      [
        { x: [4, 5, 6, 7], target: [5, 6, 7, 8], fresh: false },
        { x: [13, 14, 15, 16], target: [14, 15, 16, 17], fresh: false },
      ],
      [
        { x: [0, 1, 2, 3], target: [1, 2, 3, 4], fresh: true },
        { x: [9, 10, 11, 12], target: [10, 11, 12, 13], fresh: true },
      ],
    ]);
    expect(training.spec).toEqual({
      input: { x: { dtype: 'int32', shape: [2, 4] }, fresh: { dtype: 'bool', shape: [2] } },
      target: { dtype: 'int32', shape: [2, 4] },
    });
  });

  it('goes on where each row was, predicts no character twice, and is a function of the step alone', () => {
    fc.assert(
      fc.property(fitting, fc.nat(3), ({ count, streams, length }, epoch) => {
        const training = textStreams(textOf(count), { streams, length });
        const { perEpoch } = training;
        const seen = new Set<number>();
        let before = rowsOf(training.at(epoch * perEpoch));
        for (const row of before) expect(row.fresh).toBe(true);
        for (let step = 0; step < perEpoch; step++) {
          const rows = rowsOf(training.at(epoch * perEpoch + step));
          rows.forEach(({ x, target, fresh }, i) => {
            expect(target).toEqual(x.map((character) => character + 1));
            expect(fresh).toBe(step === 0);
            if (step > 0) expect(x[0]).toBe(before[i]!.target.at(-1));
            for (const character of target) seen.add(character);
          });
          before = rows;
        }
        expect(seen.size).toBe(perEpoch * streams * length);
        // Less than a window and a character is left of each part.
        expect(count - 1 - seen.size).toBeLessThan(streams * length + streams);
        const other = textStreams(textOf(count), { streams, length });
        expect(rowsOf(other.at(perEpoch - 1))).toEqual(rowsOf(training.at(2 * perEpoch - 1)));
      }),
    );
  });

  it('holds a batch until the second call after', () => {
    const training = textStreams(textOf(20), { streams: 1, length: 4 });
    const first = training.at(0);
    training.at(1);
    expect(rowsOf(first)[0]!.x).toEqual([0, 1, 2, 3]);
  });

  it('divides rows among several texts by their length; each row begins anew by itself', () => {
    const training = textStreams([textOf(41), textOf(13, 100)], { streams: 3, length: 4 });
    const batches = Array.from({ length: 6 }, (_, step) => {
      const { input, target } = training.at(step) as TextsWindow<NdArray>;
      return { text: [...input.text.data], rows: rowsOf({ input, target }) };
    });
    for (const { text } of batches) expect(text).toEqual([0, 0, 1]);
    expect(training.perEpoch).toBe(5);
    expect(batches.map(({ rows }) => rows.map(({ x }) => x[0]))).toEqual([
      [0, 20, 100],
      [4, 24, 104],
      [8, 28, 108],
      [12, 32, 100],
      [16, 36, 104],
      [0, 20, 108],
    ]);
    expect(batches.map(({ rows }) => rows.map(({ fresh }) => fresh))).toEqual([
      [true, true, true],
      [false, false, false],
      [false, false, false],
      [false, false, true],
      [false, false, false],
      [true, true, false],
    ]);
    expect(Object.keys(training.spec.input)).toEqual(['x', 'fresh', 'text']);
  });
});

describe('evalTextStreams', () => {
  it('predicts each character once, each row in order, but for less than a window at the end', () => {
    fc.assert(
      fc.property(fitting, ({ count, streams, length }) => {
        const set = evalTextStreams(textOf(count), { streams, length });
        const seen: number[] = [];
        const last: (number | undefined)[] = [];
        let windows = 0;
        for (const { batch, count: real } of set) {
          rowsOf(batch).forEach(({ x, target, fresh }, row) => {
            if (row >= real) return;
            windows++;
            expect(target).toEqual(x.map((character) => character + 1));
            expect(fresh).toBe(last[row] === undefined);
            if (!fresh) expect(x[0]).toBe(last[row]);
            last[row] = target.at(-1)!;
            seen.push(...target);
          });
        }
        expect(windows).toBe(set.total);
        expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: set.characters }, (_, i) => i + 1));
        expect(set.characters + set.left).toBe(count - 1);
        expect(set.left).toBeLessThan(length);
      }),
    );
  });

  it('reads several texts, or one of them, each row with its number', () => {
    const texts = [textOf(10), textOf(30, 100), textOf(14, 200)];
    const read = (only?: number) => {
      const found: unknown[] = [];
      const options = only === undefined ? { streams: 3, length: 4 } : { streams: 1, length: 4, only };
      for (const { batch, count } of evalTextStreams(texts, options)) {
        const first = rowsOf(batch).map(({ x }) => x[0]);
        found.push([[...batch.input.text.data].slice(0, count), first.slice(0, count)]);
      }
      return found;
    };
    // The longest first: the rows that go on are the first of a batch.
    expect(read()).toEqual([
      [
        [1, 2, 0],
        [100, 200, 0],
      ],
      [
        [1, 2, 0],
        [104, 204, 4],
      ],
      [
        [1, 2],
        [108, 208],
      ],
      [[1], [112]],
      [[1], [116]],
      [[1], [120]],
      [[1], [124]],
    ]);
    expect(read(2)).toEqual([
      [[2], [200]],
      [[2], [204]],
      [[2], [208]],
    ]);
    expect(evalTextStreams(texts, { streams: 3, length: 4 })).toMatchObject({ total: 12, characters: 48, left: 3 });
  });
});

describe('streams of texts', () => {
  it('that are too short, or of sizes that do not fit, are refused', async () => {
    const own = { streams: 4, length: 5 };
    expect(await messageOf(() => textStreams(textOf(20), own))).toMatchInlineSnapshot(
      `"ArgumentError: textStreams: expected at least 21 characters for streams 4 and length 5, got 20"`,
    );
    expect(await messageOf(() => evalTextStreams(textOf(0), own))).toMatchInlineSnapshot(
      `"ArgumentError: evalTextStreams: expected at least 21 characters for streams 4 and length 5, got 0"`,
    );
    expect(await messageOf(() => textStreams([textOf(60), textOf(3)], own))).toMatchInlineSnapshot(
      `"ArgumentError: textStreams: expected at least 6 characters in text 1 for streams 1 and length 5, got 3"`,
    );
    expect(await messageOf(() => textStreams(textOf(60), { streams: 0, length: 5 }))).toMatchInlineSnapshot(
      `"ArgumentError: textStreams: expected a whole number of at least 1 for streams, got 0"`,
    );
    expect(await messageOf(() => textStreams([], own))).toMatchInlineSnapshot(
      `"ArgumentError: textStreams: expected at least one text, got none"`,
    );
    expect(
      await messageOf(() => textStreams([textOf(60), textOf(60)], { streams: 1, length: 5 })),
    ).toMatchInlineSnapshot(`"ArgumentError: textStreams: expected at least a stream for each of the 2 texts, got 1"`);
    expect(await messageOf(() => evalTextStreams([textOf(60)], { ...own, only: 1 }))).toMatchInlineSnapshot(
      `"ArgumentError: evalTextStreams: expected a text from 0 to 0, got 1"`,
    );
    expect(await messageOf(() => textStreams(textOf(60), own).at(-1))).toMatchInlineSnapshot(
      `"ArgumentError: textStreams: expected a step of 0 or above, got -1"`,
    );
  });
});

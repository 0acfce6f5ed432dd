import { describe, expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import { grad, ndarray, sum, type Tensor, trace, tree } from '../../tensor/index.ts';
import { type AnyHead, heads, hypernetwork, type Weights } from '../index.ts';
import { keyArray } from '../zoo.suite.ts';

const gates = (...channels: readonly (number | undefined)[]) =>
  nn.sequential(
    Object.fromEntries(channels.map((count, i) => [`g${i}`, count ? nn.gate({ channels: count }) : nn.gate()])),
  ) as unknown as nn.Module<Readonly<Record<string, nn.GateSpec>>>;

/** Types forgotten: a spec with names that are not known makes those of a hypernetwork too deep. */
const generatorOf = (target: unknown, code: number, head: unknown) =>
  hypernetwork(target as never, { code, head: head as never }) as unknown as {
    readonly spec: unknown;
    readonly generated: object;
    generate(params: unknown, code: Tensor): Weights;
    init(key: Tensor): never;
  };

/** Open channels of each gate for a code. */
function openFor(target: unknown, code: readonly number[], head: AnyHead = heads.widths()): number[][] {
  const model = generatorOf(target, code.length, head);
  const { program } = trace(
    (key: Tensor, own: Tensor) => model.generate(model.init(key), own),
    keyArray(0),
    ndarray(code),
  );
  const all = evaluate(program, [keyArray(0), ndarray(code)]);
  return Object.keys(model.generated).map((_, i) => [...all[i]!.data]);
}

const counts = (open: readonly number[][]) => open.map((gate) => gate.reduce((n, x) => n + x, 0));

describe('widths', () => {
  test('a share opens the first channels, rounded, and at least one', () => {
    expect(openFor(gates(4, 8), [0.5, 0.25])).toEqual([
      [1, 1, 0, 0],
      [1, 1, 0, 0, 0, 0, 0, 0],
    ]);
    for (const channels of [1, 3, 5, 6, 8, 16])
      for (const share of [-1, 0, 0.01, 0.125, 0.25, 0.375, 0.5, 0.75, 0.9375, 1, 2]) {
        const expected = Math.min(channels, Math.max(1, Math.round(share * channels)));
        expect(counts(openFor(gates(channels), [share])), `${share} of ${channels}`).toEqual([expected]);
      }
  });

  test('every number of channels has a share that gives it', () => {
    for (const channels of [3, 7, 12, 49])
      for (let count = 1; count <= channels; count++)
        expect(counts(openFor(gates(channels), [Math.fround(count / channels)]))).toEqual([count]);
  });

  test('a gate of a whole layer is open from one half on', () => {
    expect(openFor(gates(undefined, undefined, undefined), [0.49, 0.5, 1])).toEqual([[0], [1], [1]]);
  });

  test('one share for all gates, and elements that are for other heads', () => {
    const uniform = heads.widths({ uniform: true });
    expect(counts(openFor(gates(4, 8, undefined), [0.25, 0.9, 0.9], uniform))).toEqual([1, 2, 0]);
    expect(counts(openFor(gates(4, 8), [0.25, 1, 0.1, 0.1]))).toEqual([1, 8]);
  });

  test('beside another head the gates close channels of what it generates, and only that sees the gradient', () => {
    const target = nn.sequential({
      fc: nn.linear({ in: 2, out: 4 }),
      open: nn.gate({ channels: 4 }),
      out: nn.linear({ in: 4, out: 1 }),
    });
    const slopes = (head: AnyHead) => {
      const model = generatorOf(target, 1, head);
      const f = (key: Tensor, code: Tensor) => {
        const params = model.init(key);
        return grad((own: Tensor) => sum(model.generate(params, own)['open.gate']!))(code);
      };
      return evaluate(trace(f, keyArray(0), ndarray([0.5])).program, [keyArray(0), ndarray([0.5])])[0]!.data[0];
    };
    expect(slopes(heads.compose({ '**.gate': heads.widths(), '**': heads.dense() }))).toBe(0);
    const model = generatorOf(target, 1, heads.compose({ '**.gate': heads.widths(), '**': heads.dense() }));
    const { spec } = generatorOf(target, 1, heads.compose({ 'out.*': heads.dense(), '**': heads.dense() }));
    // A dense head over one number: a weight and a bias for each of 17 generated numbers, and none for the gate.
    expect(nn.countParams(model.spec)).toBe(2 * 17);
    expect(nn.countParams(spec)).toBe(2 * 21);
    expect(tree.paths(model.spec)).not.toContain('head.0');
  });

  test('errors say what was expected', () => {
    expect(() => generatorOf(nn.linear({ in: 2, out: 1 }), 2, heads.widths())).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.widths: expected gates alone, got weight of role kernel]`,
    );
    expect(() => generatorOf(gates(2, 3), 1, heads.widths())).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.widths: expected a code of at least 2 (a share for each gate), got 1]`,
    );
    expect(() => hypernetwork(nn.gate(), { head: heads.widths({ uniform: true }) })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.widths: expected a code of at least 1 (one share for all gates), got 0]`,
    );
  });
});

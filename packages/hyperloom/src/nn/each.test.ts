import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { constant, type NdArray, ndarray, random, type Tensor, trace } from '../tensor/index.ts';
import { dropout } from './dropout.ts';
import { each } from './each.ts';
import { linear } from './linear.ts';
import type { Context } from './module.ts';
import { sequential } from './sequential.ts';

const run = (f: (...args: never[]) => unknown, ...args: NdArray[]): NdArray[] =>
  evaluate(trace(f, ...args).program, args);

test('every point has a mask of its own under dropout', () => {
  const layer = each(dropout({ rate: 0.5 }));
  const ones = ndarray(new Float32Array(4 * 64).fill(1), [4, 64]);
  const [y] = run((x: Tensor) => layer.apply({}, x, { training: true, key: random.key(0) }), ones);
  const rows = [0, 1, 2, 3].map((i) => y!.data.slice(64 * i, 64 * i + 64).join());
  expect(new Set(rows).size).toBe(4);
  expect(rows.every((row) => row.includes('0') && row.includes('2'))).toBe(true);
});

test('layers inside are observed once, with all points', () => {
  const net = each(sequential({ a: linear({ in: 3, out: 2 }), b: linear({ in: 2, out: 1 }) }));
  const seen: Record<string, unknown> = {};
  const context: Context = {
    training: false,
    observe: (path, output) => {
      seen[path] = (output as Tensor).shape;
    },
  };
  net.apply(net.init(random.key(0)), constant(ndarray(new Float32Array(15), [5, 3])), context);
  expect(seen).toEqual({ a: [5, 2], b: [5, 1] });
});

test('takes inputs with a leading axis', () => {
  const net = each(linear({ in: 3, out: 2 }));
  expect(() => net.apply(net.init(random.key(0)), constant(1))).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: each(linear): expected an input with a leading axis, got a scalar]`,
  );
});

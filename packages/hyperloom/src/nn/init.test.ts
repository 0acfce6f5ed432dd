import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { random, type Shape, trace } from '../tensor/index.ts';
import * as init from './init.ts';
import { type Initializer, weight } from './module.ts';

interface Case {
  readonly shape: Shape;
  readonly fanIn: number;
  readonly fanOut: number;
  readonly kind: 'normal' | 'uniform';
  readonly std: number;
  readonly bound?: number;
  readonly gain: number;
  readonly slope?: number;
  readonly matrix: readonly [number, number];
  readonly orthonormal: 'rows' | 'columns';
}
const golden: { cases: Record<string, Case> } = JSON.parse(
  readFileSync(new URL('../../goldens/init.json', import.meta.url), 'utf8'),
);
const cases = Object.entries(golden.cases);

const draw = (make: Initializer, shape: Shape, fans: { fanIn?: number; fanOut?: number } = {}) => {
  const spec = weight({ shape, ...fans, init: make });
  const [value] = evaluate(trace(() => make(random.key(3), spec)).program, []);
  const data = [...(value?.data ?? [])];
  const std = Math.sqrt(data.reduce((s, x) => s + x * x, 0) / data.length);
  return {
    spec,
    data,
    std,
    largest: Math.max(...data.map(Math.abs)),
    mean: data.reduce((s, x) => s + x, 0) / data.length,
  };
};

const makers: Record<string, (mode: 'fanIn' | 'fanOut') => Initializer> = {
  kaimingNormal: (mode) => init.kaimingNormal({ mode }),
  kaimingUniform: (mode) => init.kaimingUniform({ mode }),
  xavierNormal: () => init.xavierNormal(),
  xavierUniform: () => init.xavierUniform(),
  lecunNormal: () => init.lecunNormal(),
  lecunUniform: () => init.lecunUniform(),
};

test.each(cases.filter(([, { kind }]) => kind))(
  '%s spreads as in PyTorch',
  (name, { fanIn, fanOut, std, bound, kind }) => {
    const [family = '', mode] = name.split('.');
    const make = makers[family]?.(mode === 'fanOut' ? 'fanOut' : 'fanIn') as Initializer;
    const got = draw(make, [150, 100], { fanIn, fanOut });
    expect(make.std?.(got.spec)).toBeCloseTo(std, 10);
    expect(Math.abs(got.std / std - 1)).toBeLessThan(0.02);
    expect(Math.abs(got.mean)).toBeLessThan(0.04 * std);
    if (kind === 'normal') expect(got.largest).toBeGreaterThan(3 * std);
    else {
      expect(got.largest).toBeLessThanOrEqual((bound ?? 0) * (1 + 1e-6));
      expect(got.largest).toBeGreaterThan(0.99 * (bound ?? Number.POSITIVE_INFINITY));
    }
  },
);

test('gains are those of PyTorch', () => {
  for (const name of Object.keys(init.gains) as (keyof typeof init.gains)[]) {
    expect(init.gains[name]).toBeCloseTo(golden.cases[`gain.${name}`]?.gain ?? Number.NaN, 10);
  }
  const leaky = golden.cases['gain.leaky_relu'];
  expect(init.leakyGain(leaky?.slope ?? 0)).toBeCloseTo(leaky?.gain ?? Number.NaN, 10);
});

test('truncatedNormal has the standard deviation that was asked for, after the cut', () => {
  const facts = golden.cases.truncatedNormal;
  const got = draw(init.truncatedNormal({ std: facts?.std ?? 0 }), [150, 100]);
  expect(Math.abs(got.std / (facts?.std ?? 0) - 1)).toBeLessThan(0.02);
  expect(got.largest).toBeLessThanOrEqual((facts?.bound ?? 0) * (1 + 1e-4));
});

test.each(cases.filter(([name]) => name.startsWith('orthogonal')))(
  '%s',
  (_, { shape, matrix: [rows, columns], orthonormal, std }) => {
    const make = init.orthogonal({ gain: 2 });
    const { data, spec } = draw(make, shape);
    const at = (i: number, j: number) => data[i * columns + j] as number;
    const [count, length] = orthonormal === 'rows' ? [rows, columns] : [columns, rows];
    const entry = (unit: number, k: number) => (orthonormal === 'rows' ? at(unit, k) : at(k, unit));
    for (let p = 0; p < count; p++) {
      for (let q = 0; q < count; q++) {
        const dot = Array.from({ length }, (__, k) => entry(p, k) * entry(q, k)).reduce((s, x) => s + x, 0);
        expect(dot).toBeCloseTo(p === q ? 4 : 0, 5);
      }
    }
    expect(make.std?.(spec)).toBeCloseTo(2 * std, 10);
  },
);

test('normal, uniform, zeros, ones and constants', () => {
  expect(Math.abs(draw(init.normal({ std: 0.1 }), [150, 100]).std / 0.1 - 1)).toBeLessThan(0.02);
  const uniform = draw(init.uniform({ bound: 0.3 }), [150, 100]);
  expect(Math.abs(uniform.std / (0.3 / Math.sqrt(3)) - 1)).toBeLessThan(0.02);
  expect(uniform.largest).toBeLessThanOrEqual(0.3 * (1 + 1e-6));
  expect([init.zeros, init.ones, init.constantInit(0.5)].map((make) => draw(make, [2]).data)).toEqual([
    [0, 0],
    [1, 1],
    [0.5, 0.5],
  ]);
});

test('blocks of the last axis are drawn each by itself, with the standard deviation of a block', () => {
  const make = init.byBlock(3, init.orthogonal());
  const { data, spec } = draw(make, [4, 12]);
  const block = (k: number) => Array.from({ length: 16 }, (_, i) => data[Math.floor(i / 4) * 12 + 4 * k + (i % 4)]!);
  for (const k of [0, 1, 2]) {
    for (let p = 0; p < 4; p++) {
      for (let q = 0; q < 4; q++) {
        const dot = [0, 1, 2, 3].reduce((sum, i) => sum + block(k)[4 * p + i]! * block(k)[4 * q + i]!, 0);
        expect(dot).toBeCloseTo(Number(p === q), 5);
      }
    }
  }
  expect(block(0)).not.toEqual(block(1));
  expect(make.std?.(spec)).toBeCloseTo(1 / 2, 10);
});

test('a constant for each block of the last axis', () => {
  const make = init.blockConstants([0, 1, -2]);
  expect([...draw(make, [6]).data]).toEqual([0, 0, 1, 1, -2, -2]);
  expect([...draw(make, [2, 3]).data]).toEqual([0, 1, -2, 0, 1, -2]);
  expect(make.std?.(weight({ shape: [6] }))).toBe(0);
});

test('weights of float64 are drawn as float64', () => {
  const spec = weight({ shape: [2, 2], dtype: 'float64' });
  for (const make of [spec.init, init.zeros, init.orthogonal(), init.truncatedNormal()]) {
    expect(make(random.key(0), spec).dtype).toBe('float64');
  }
});

test('options out of range are refused', () => {
  expect(() => init.normal({ std: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: normal: expected a positive std, got 0]`,
  );
  expect(() => init.uniform({ bound: -1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: uniform: expected a positive bound, got -1]`,
  );
  expect(() => init.kaimingNormal({ gain: Number.NaN })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: kaimingNormal: expected a positive gain, got NaN]`,
  );
  expect(() => draw(init.orthogonal(), [3])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: orthogonal: expected a weight of at least two axes, got 1]`,
  );
  expect(() => draw(init.byBlock(3, init.normal()), [4, 4])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: byBlock: expected a last axis of 3 equal blocks, got [4, 4]]`,
  );
  expect(() => draw(init.blockConstants([0, 1]), [3])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: blockConstants: expected a last axis of 2 equal blocks, got [3]]`,
  );
});

import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { constant, ndarray, random, stack, type Tensor, trace, vmap } from '../tensor/index.ts';
import * as nn from './index.ts';

const values = (f: () => Tensor) => [...(evaluate(trace(f).program, [])[0]?.data ?? [])];
const ones = (length: number) => constant(ndarray(new Float32Array(length).fill(1)));
const key = random.key(5);

test('a share of elements is 0 and the others are scaled up', () => {
  const out = values(() => nn.dropout({ rate: 0.25 }).apply({}, ones(4000), { training: true, key }));
  expect(new Set(out.map((x) => Math.round(x * 1e6) / 1e6))).toEqual(new Set([0, 1.333333]));
  expect(out.filter((x) => x === 0).length / 4000).toBeCloseTo(0.25, 1);
});

test('outside training it is the identity and needs no key', () => {
  const x = ones(3);
  expect(nn.dropout().apply({}, x)).toBe(x);
  expect(nn.dropout().apply({}, x, { training: false })).toBe(x);
});

test('training needs a key', () => {
  const net = nn.sequential({ drop: nn.dropout() });
  expect(() => net.apply({ drop: {} }, ones(3), { training: true })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: dropout "drop": expected context.key when training, got none]`,
  );
});

test('two children of one container drop different elements', () => {
  const drop = (name: string) =>
    values(() => nn.sequential({ [name]: nn.dropout() }).apply({}, ones(100), { training: true, key }));
  expect(drop('a')).not.toEqual(drop('b'));
  expect(drop('a')).toEqual(drop('a'));
});

test('keys that are mapped over give each example its own mask', () => {
  const run = (x: Tensor, own: Tensor) => nn.dropout().apply({}, x, { training: true, key: own });
  const [first, second] = random.split(key) as [Tensor, Tensor];
  const both = values(() => vmap(run)(stack([ones(50), ones(50)]), stack([first, second])));
  expect(both.slice(0, 50)).toEqual(values(() => run(ones(50), first)));
  expect(both.slice(50)).toEqual(values(() => run(ones(50), second)));
});

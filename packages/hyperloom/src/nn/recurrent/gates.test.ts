import { describe, expect, test } from 'vitest';
import { constant, random } from '../../tensor/index.ts';
import { run1 } from '../../tensor/testing.ts';
import * as nn from '../index.ts';
import { biased, dropped, gateBias, gateMatrix, normalised, product } from './gates.ts';

test('matrices of gates have the fans of one gate, and so have biases', () => {
  expect(gateMatrix(5, 7, 4)).toMatchObject({ shape: [5, 28], fanIn: 5, fanOut: 7, role: 'kernel' });
  const bias = gateBias(12, 2, 3, nn.init.blockConstants([0, 1, 3]));
  expect(bias).toMatchObject({ shape: [6], fanIn: 12, fanOut: 2, role: 'bias' });
  expect(run1(() => bias.init(random.key(0), bias))).toEqual([0, 0, 1, 1, 3, 3]);
});

test('each gate is normalised by itself', () => {
  const found = run1(() => normalised(constant([1, 3, 10, 20]), 2));
  const expected = [-1, 1, -1, 1].map((sign, i) => (sign * (i < 2 ? 1 : 5)) / Math.sqrt((i < 2 ? 1 : 25) + 1e-3));
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 6);
  });
});

test('a vector times a matrix, and a bias where there is one', () => {
  const matrix = constant({ dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
  expect(run1(() => product(constant([1, 10]), matrix))).toEqual([41, 52, 63]);
  expect(run1(() => biased(constant([1, 2]), constant([10, 20])))).toEqual([11, 22]);
  expect(run1(() => biased(constant([1, 2]), undefined))).toEqual([1, 2]);
});

test('dropout keeps the mean, by the key alone, and only in training', () => {
  const drop = (training: boolean) =>
    run1(() => dropped('cell', constant(new Array<number>(4000).fill(2)), 0.25, { training, key: random.key(1) }));
  expect(new Set(drop(false))).toEqual(new Set([2]));
  const kept = drop(true);
  expect(new Set(kept.map((value) => value.toFixed(4)))).toEqual(new Set(['0.0000', (2 / 0.75).toFixed(4)]));
  expect(kept.reduce((sum, value) => sum + value, 0) / kept.length).toBeCloseTo(2, 1);
  expect(drop(true)).toEqual(kept);
});

describe('options out of range are named, for every cell', () => {
  const sizes = { in: 2, hidden: 3 };
  const hyper = { ...sizes, hyper: 2, code: 2 };
  const cells: readonly [string, () => unknown][] = [
    ['rnnCell: expected hidden', () => nn.rnnCell({ ...sizes, hidden: 0 })],
    ['gruCell: expected in', () => nn.gruCell({ ...sizes, in: 1.5 })],
    ['gruCell: expected dropout', () => nn.gruCell({ ...sizes, dropout: 1 })],
    ['lstmCell: expected hidden', () => nn.lstmCell({ ...sizes, hidden: -1 })],
    ['lstmCell: expected dropout', () => nn.lstmCell({ ...sizes, dropout: Number.NaN })],
    ['hyperRnnCell: expected code', () => nn.hyperRnnCell({ ...hyper, code: 0 })],
    ['hyperLstmCell: expected hyper', () => nn.hyperLstmCell({ ...hyper, hyper: 0 })],
    ['hyperLstmCell: expected dropout', () => nn.hyperLstmCell({ ...hyper, dropout: 2 })],
  ];
  test.each(cells)('%s', (message, make) => {
    expect(make).toThrow(message);
  });
});

import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { constant, grad, ndarray, type Tensor, trace, vmap } from '../tensor/index.ts';
import * as nn from './index.ts';

const values = (f: () => Tensor) => [...(evaluate(trace(f).program, [])[0]?.data ?? [])];

test('binaryCrossEntropy is finite for large logits and has its gradient at 0', () => {
  const labels = constant([1, 0, 1]);
  const slope = values(() => grad((x: Tensor) => nn.losses.binaryCrossEntropy(x, labels))(constant([0, 0, 1000])));
  [-1 / 6, 1 / 6, 0].forEach((expected, i) => {
    expect(slope[i]).toBeCloseTo(expected, 7);
  });
  expect(values(() => nn.losses.binaryCrossEntropy(constant([1000, -1000, 1000]), labels))[0]).toBeCloseTo(0, 9);
});

test('accuracy counts the first largest logit, one example or a batch', () => {
  const logits = constant(
    ndarray([
      [1, 3, 2],
      [5, 5, 1],
    ]),
  );
  const labels = constant([1, 1], 'int32');
  expect(values(() => vmap(nn.metrics.accuracy)(logits, labels))).toEqual([1, 0]);
  expect(values(() => nn.metrics.accuracy(logits, labels))).toEqual([0.5]);
});

test('targets that do not fit are refused', () => {
  const x = constant([1, 2]);
  expect(() => nn.losses.mse(x, constant(1))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: mse: expected a target of [2], got []]`,
  );
  expect(() => nn.losses.binaryCrossEntropy(x, constant([1]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: binaryCrossEntropy: expected a target of [2], got [1]]`,
  );
  expect(() => nn.losses.crossEntropy(x, constant([1], 'int32'))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: crossEntropy: expected labels [] for logits [2], got [1]]`,
  );
  expect(() =>
    nn.losses.crossEntropy(x, constant(1, 'int32'), { labelSmoothing: 2 }),
  ).toThrowErrorMatchingInlineSnapshot(`[ArgumentError: crossEntropy: expected labelSmoothing from 0 to 1, got 2]`);
  expect(() => nn.losses.huber(x, x, { delta: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: huber: expected a positive delta, got 0]`,
  );
});

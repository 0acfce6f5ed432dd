import * as nn from 'hyperloom/nn';
import { expect, test } from 'vitest';
import type { Trial } from '../recipes/recipe.ts';
import { codeFor } from './weights.ts';

const trial = (parts: Partial<Trial>): Trial => ({
  name: 'main',
  title: 'hypernetwork',
  model: nn.linear({ in: 1, out: 1 }),
  train: () => Promise.reject(new Error('not trained here')),
  measure: () => Promise.resolve({}),
  ...parts,
});
const codes = [
  { name: 'task1', code: 7 },
  { name: 'task2', code: [0, 1] },
];

test('a code is numbers of the right count, the name of an example, or else the first example', () => {
  expect(codeFor(trial({ codeSize: 2 }), '0.5,-1')).toEqual([0.5, -1]);
  expect(codeFor(trial({ codes }), 'task2')).toEqual([0, 1]);
  expect(codeFor(trial({ codes }), undefined)).toBe(7);
  expect(codeFor(trial({}), undefined)).toBeUndefined();
});

test('a code that the model does not take is one line', () => {
  const refused = (parts: Partial<Trial>, text: string | undefined) => expect(() => codeFor(trial(parts), text));
  refused({}, '1').toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --code: expected none for the hypernetwork, got "1"]`,
  );
  refused({ codeSize: 2 }, undefined).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --code: expected 2 numbers with commas between them for the hypernetwork, got none]`,
  );
  refused({ codeSize: 2 }, '1,x').toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --code: expected 2 numbers with commas between them for the hypernetwork, got "1,x"]`,
  );
  refused({ codeSize: 2 }, '1,').toThrow(/got "1,"/);
  refused({ codeSize: 2, codes }, 'task3').toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: --code: expected 2 numbers with commas between them, or task1, task2 for the hypernetwork, got "task3"]`,
  );
});

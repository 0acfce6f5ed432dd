import * as hyper from 'hyperloom/hyper';
import { expect, test } from 'vitest';
import { starts } from './headStarts.ts';
import { missing } from './rows.ts';
import { mlp6 } from './tasks.ts';

test('every head of the library is tried with every scheme, and has a row in docs/heads.md', () => {
  // Its parts take the schemes.
  const compose = 'compose';
  expect(Object.keys(starts).sort()).toEqual(
    Object.keys(hyper.heads)
      .filter((name) => name !== compose)
      .sort(),
  );
  expect(missing(mlp6())).toEqual([]);
});

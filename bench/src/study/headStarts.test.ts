import * as hyper from 'hyperloom/hyper';
import { expect, test } from 'vitest';
import { starts } from './headStarts.ts';
import { missing } from './rows.ts';
import { mlp6 } from './tasks.ts';

test('every head of the library is tried with every scheme, and has a row in docs/heads.md', () => {
  // The parts of the first take the schemes; the others generate nothing but gates.
  const others = ['compose', 'gates', 'widths'];
  expect(Object.keys(starts).sort()).toEqual(
    Object.keys(hyper.heads)
      .filter((name) => !others.includes(name))
      .sort(),
  );
  expect(missing(mlp6())).toEqual([]);
});

import * as hyper from 'hyperloom/hyper';
import { expect, test } from 'vitest';
import { starts } from './headStarts.ts';
import { missing } from './rows.ts';
import { mlp6 } from './tasks.ts';

test('every head of the library is tried with every scheme, and has a row in docs/heads.md', () => {
  // These generate nothing but gates; and the parts of `compose` take the schemes.
  const ofGates = ['gates', 'widths'];
  const others = ['compose', ...ofGates];
  expect(Object.keys(starts).sort()).toEqual(
    Object.keys(hyper.heads)
      .filter((name) => !others.includes(name))
      .sort(),
  );
  expect(missing(mlp6())).toEqual(ofGates);
});

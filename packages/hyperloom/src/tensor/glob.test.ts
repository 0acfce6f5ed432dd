import { expect, test } from 'vitest';
import { glob } from './index.ts';

const paths = ['weight', 'a', 'a.b', 'a.c.b', 'a.c.d.b', 'xweight', 'a.weight', 'a.xweight', 'b.0.weight'];

test.each([
  ['weight', 'weight'],
  ['*', 'weight a xweight'],
  ['**', paths.join(' ')],
  ['**.weight', 'weight a.weight b.0.weight'],
  ['a.**', 'a.b a.c.b a.c.d.b a.weight a.xweight'],
  ['a.**.b', 'a.b a.c.b a.c.d.b'],
  ['a.*.b', 'a.c.b'],
  ['a*', 'a'],
  ['a**', 'a a.b a.c.b a.c.d.b a.weight a.xweight'],
  ['**weight', 'weight xweight a.weight a.xweight b.0.weight'],
  ['*.0.*', 'b.0.weight'],
  ['a?b', ''],
  ['constructor', ''],
])('%s', (pattern, expected) => {
  expect(paths.filter(glob(pattern)).join(' ')).toBe(expected);
});

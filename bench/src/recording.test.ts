import { add, mul, scan, type Tensor, trace } from 'hyperloom/tensor';
import { expect, test } from 'vitest';
import { programNodes } from './recording.ts';

test('nodes in the bodies of loops are counted apart, those of loops within loops too', () => {
  const f32 = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
  const inner = (c: Tensor, x: Tensor) => [mul(add(c, x), c), null] as const;
  const outer = (c: Tensor, xs: Tensor) => [scan(inner, c, xs)[0], null] as const;
  const count = (f: (c: Tensor, xs: Tensor) => unknown, ...shape: number[]) =>
    programNodes(trace(f, f32(), f32(...shape)).program);
  expect(count((c, x) => mul(add(c, x), c))).toEqual({ outside: 2, inside: 0 });
  expect(count((c, xs) => scan(inner, c, xs)[0], 5)).toEqual({ outside: 1, inside: 2 });
  expect(count((c, xs) => scan(outer, c, xs)[0], 3, 5)).toEqual({ outside: 1, inside: 3 });
});

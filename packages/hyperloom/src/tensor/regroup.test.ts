import { expect, test } from 'vitest';
import { mul } from './ops/arithmetic.ts';
import { reshape } from './ops/broadcast.ts';
import { sigmoid, tanh } from './ops/math.ts';
import type { ScanAttrs } from './ops/scan.ts';
import { slice } from './ops/slice.ts';
import { scan } from './scan.ts';
import type { Tensor } from './tensor.ts';
import { distance, numbers, run } from './testing.ts';
import { trace } from './trace.ts';

/** Three factors, of which two are known before the loop. */
const chain = (h: Tensor, { a, b }: { a: Tensor; b: Tensor }) => mul(mul(mul(tanh(h), a), 0.5), b);
const xs = { a: numbers([6, 4], 1), b: numbers([6, 4], 2) };
const start = numbers([4], 3);
const spec = ({ dtype, shape }: typeof start) => ({ dtype, shape });

/** Operations in the loop of a function, and outside of it. */
const operations = (step: (h: Tensor, x: { a: Tensor; b: Tensor }) => readonly [Tensor, Tensor]) => {
  const f = (h: Tensor, a: Tensor, b: Tensor) => scan(step, h, { a, b })[0];
  const { program } = trace(f, spec(start), spec(xs.a), spec(xs.b));
  const { body } = program.nodes.find(({ op }) => op === 'scan')!.attrs as unknown as ScanAttrs;
  return { inside: body.nodes.map(({ op }) => op), outside: program.nodes.map(({ op }) => op) };
};

test('known factors are multiplied before the loop, and the results are the same', () => {
  const step = (h: Tensor, x: { a: Tensor; b: Tensor }) => [chain(h, x), chain(h, x)] as const;
  expect(operations(step).inside).toEqual(['tanh', 'mul']);
  const [found, expected] = run(
    (h, a, b) => {
      let by = h;
      for (let t = 0; t < 6; t++) {
        const at = (x: Tensor) => reshape(slice(x, [[t, t + 1]]), [4]);
        by = chain(by, { a: at(a), b: at(b) });
      }
      return [scan(step, h, { a, b })[0], by];
    },
    start,
    xs.a,
    xs.b,
  );
  expect(distance(found!, expected!)).toBeLessThan(1e-12);
});

test('a product that is read elsewhere in the step stays', () => {
  const step = (h: Tensor, { a, b }: { a: Tensor; b: Tensor }) => {
    const first = mul(tanh(h), a);
    return [mul(sigmoid(first), mul(first, b)), first] as const;
  };
  expect(operations(step).inside).toEqual(['tanh', 'mul', 'sigmoid', 'mul', 'mul']);
  // Of a and b there is no product: it would serve one of the two readers and be one product more.
  expect(operations(step).outside).not.toContain('mul');
});

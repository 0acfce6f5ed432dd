import { afterAll, describe, expect, test } from 'vitest';
import { runOnce } from '../../engine/index.ts';
import { ortEngine } from '../../engine/ort/index.ts';
import { evaluate } from '../../engine/reference/index.ts';
import {
  add,
  cast,
  constant,
  conv,
  mean,
  mul,
  type NdArray,
  ndarray,
  scan,
  sin,
  sub,
  type Tensor,
  tanh,
  trace,
  zerosArray,
} from '../../tensor/index.ts';

const engine = ortEngine({ threads: 1, spinning: false });
afterAll(() => engine.dispose());

/** Numbers of mixed signs. */
const numbers = (shape: readonly number[]): NdArray => {
  const array = zerosArray('float32', shape);
  array.data.forEach((_, i) => {
    array.data[i] = 0.3 * Math.sin(12.9 * (i + 1));
  });
  return array;
};

/** Runs a function by ONNX Runtime, and holds it to the reference engine. */
async function agrees(f: (...args: Tensor[]) => readonly Tensor[], ...args: readonly NdArray[]): Promise<void> {
  const { program } = trace(f as (...args: never[]) => unknown, ...args.map(({ dtype, shape }) => ({ dtype, shape })));
  const expected = evaluate(program, args);
  const found = (await runOnce(engine, f as never, ...(args as never[]))) as unknown as readonly NdArray[];
  expect(found).toHaveLength(expected.length);
  found.forEach(({ dtype, data }, i) => {
    expect(dtype).toBe(expected[i]!.dtype);
    const off = Array.from(data, (value, k) => Math.abs(value - expected[i]!.data[k]!));
    expect(Math.max(...off), `result ${i}`).toBeLessThan(1e-4);
  });
}

describe('a loop by ONNX Runtime', () => {
  test.each([{}, { reverse: true }, { checkpoint: 3 }])('whose steps read nothing: %j', async (options) => {
    const count = (i: Tensor) => [add(i, 2), mul(cast(i, 'float32'), 0.5)] as const;
    await agrees((start) => scan(count, start, null, { length: 7, ...options }), ndarray(Int32Array.of(3), []));
  });

  test('that keeps values from around it as they are', async () => {
    const f = (w: Tensor, x: Tensor) => {
      const step = (h: Tensor, v: Tensor) => [w, { w, v, h, two: constant(2) }] as const;
      const [last, ys] = scan(step, sub(w, 1), x, { checkpoint: 2 });
      return [last, ...Object.values(ys)];
    };
    await agrees(f, numbers([3]), numbers([5, 3]));
  });

  test('that reads a value which is a result too', async () => {
    const f = (v: Tensor, xs: Tensor) => {
      const w = mul(v, 2);
      return [w, ...scan((h: Tensor, x: Tensor) => [tanh(add(mul(sin(h), w), x)), h] as const, v, xs)];
    };
    await agrees(f, numbers([3]), numbers([5, 3]));
  });

  test.each([
    ['and after it', true],
    ['and nowhere else', false],
  ])('with blocked convolutions of a value in it %s', async (_, after) => {
    const padding = [
      [1, 1],
      [1, 1],
    ] as const;
    const f = (x: Tensor, k: Tensor, scales: Tensor) => {
      const step = (h: Tensor, scale: Tensor) => {
        const next = tanh(mul(mean(conv(x, mul(k, h), { padding })), scale));
        return [add(next, 1), next] as const;
      };
      const [last, ys] = scan(step, constant(1), scales);
      return [last, ys, ...(after ? [conv(x, mul(k, last), { padding })] : [])];
    };
    await agrees(f, numbers([1, 16, 24, 24]), numbers([16, 16, 3, 3]), numbers([3]));
  });
});

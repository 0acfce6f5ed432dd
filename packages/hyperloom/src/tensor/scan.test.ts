import { describe, expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { optimize } from '../onnx/passes/optimize.ts';
import { type NdArray, ndarray } from './array.ts';
import { grad } from './grad.ts';
import { add, mul } from './ops/arithmetic.ts';
import { reshape } from './ops/broadcast.ts';
import { cast } from './ops/cast.ts';
import { where } from './ops/compare.ts';
import { stack } from './ops/join.ts';
import { sigmoid, sin, tanh } from './ops/math.ts';
import { matmul } from './ops/matmul.ts';
import { sum } from './ops/reduce.ts';
import { slice } from './ops/slice.ts';
import type { Program } from './program.ts';
import { type ScanOptions, scan } from './scan.ts';
import { constant, type Tensor } from './tensor.ts';
import { distance, numbers } from './testing.ts';
import { trace } from './trace.ts';
import * as tree from './tree.ts';
import { vmap } from './vmap.ts';

const n = 3;
const steps = 7;

const spec = ({ dtype, shape }: NdArray) => ({ dtype, shape });

interface Weights {
  readonly wh: Tensor;
  readonly wx: Tensor;
  readonly b: Tensor;
  readonly h: Tensor;
  readonly c: Tensor;
  readonly x: Tensor;
}

const arrays = {
  wh: numbers([n, n], 1),
  wx: numbers([2, n], 2),
  b: numbers([n], 3),
  h: numbers([n], 4),
  c: numbers([n], 5),
  x: numbers([steps, 2], 6),
};

const row = (v: Tensor, w: Tensor): Tensor => reshape(matmul(reshape(v, [1, -1]), w), [w.shape[1]!]);

/** A step with a gate, a memory, two outputs, and work for before and after the loop. */
const cell =
  ({ wh, wx, b }: Weights) =>
  ({ h, c }: { h: Tensor; c: Tensor }, x: Tensor) => {
    const z = add(add(row(tanh(x), wx), b), row(h, wh));
    const next = add(mul(sigmoid(z), c), mul(0.3, sin(z)));
    const out = tanh(next);
    return [
      { h: out, c: next },
      { y: row(mul(out, z), wh), seen: mul(x, 2) },
    ] as const;
  };

/** The same by a plain loop. */
function unrolled<C, Y>(step: (carry: C, x: Tensor) => readonly [C, Y], start: C, xs: Tensor, reverse = false): [C, Y] {
  const ys: Y[] = [];
  let carry = start;
  const order = Array.from({ length: xs.shape[0]! }, (_, t) => (reverse ? xs.shape[0]! - 1 - t : t));
  for (const t of order) {
    const [next, y] = step(carry, reshape(slice(xs, [[t, t + 1]]), xs.shape.slice(1)));
    carry = next;
    ys[t] = y;
  }
  return [carry, tree.map((_: Tensor, ...all: Tensor[]) => stack(all), ys[0], ...ys) as Y];
}

const run = (f: (...args: never[]) => unknown, ...inputs: readonly unknown[]): number[][] => {
  const { program } = trace(f, ...inputs.map((input) => tree.map(spec, input)));
  const values = inputs.flatMap((input) => tree.leaves<NdArray>(input));
  const plain = evaluate(program, values);
  // The passes must not change anything either.
  evaluate(optimize(program), values).forEach(({ data }, i) => {
    expect(distance(Array.from(data), Array.from(plain[i]!.data))).toBeLessThan(1e-9);
  });
  return plain.map(({ data }) => Array.from(data));
};

function same(found: readonly number[][], expected: readonly number[][]): void {
  expect(found.length).toBe(expected.length);
  found.forEach((values, i) => {
    expect(distance(values, expected[i]!), `result ${i}`).toBeLessThan(1e-9);
  });
}

type Loop = <C, Y>(step: (carry: C, x: Tensor) => readonly [C, Y], start: C, xs: Tensor) => [C, Y];

const byScan =
  (options: ScanOptions = {}): Loop =>
  (step, start, xs) =>
    scan(step, start, xs, options);
const byHand =
  (reverse = false): Loop =>
  (step, start, xs) =>
    unrolled(step, start, xs, reverse);

const forward = (loop: Loop) => (w: Weights) => loop(cell(w), { h: w.h, c: w.c }, w.x);

/** A scalar of everything that a loop gives, uneven in its parts. */
const score = (loop: Loop) => (w: Weights) =>
  tree
    .leaves<Tensor>(forward(loop)(w))
    .map((t, i) => sum(mul(sin(t), i + 1)))
    .reduce((a, b) => add(a, b));

const slope = (loop: Loop) => (w: Weights) => grad(score(loop))(w);

/** The derivative of the length of the gradient: every second derivative takes part. */
const curve = (loop: Loop) => (w: Weights) =>
  grad((own: Weights) =>
    tree
      .leaves<Tensor>(grad(score(loop))(own))
      .map((t) => sum(mul(t, sin(t))))
      .reduce((a, b) => add(a, b)),
  )(w);

const forms: Readonly<Record<string, [ScanOptions, boolean]>> = {
  'as it is': [{}, false],
  'from the last step': [{ reverse: true }, true],
  'stored every third step': [{ checkpoint: 3 }, false],
  'stored every third step, from the last': [{ checkpoint: 3, reverse: true }, true],
  'stored every step': [{ checkpoint: 1 }, false],
};

describe('scan against an unrolled loop', () => {
  for (const [name, [options, reverse]] of Object.entries(forms)) {
    test(`values, ${name}`, () => {
      same(run(forward(byScan(options)), arrays), run(forward(byHand(reverse)), arrays));
    });
    test(`gradients, ${name}`, () => {
      same(run(slope(byScan(options)), arrays), run(slope(byHand(reverse)), arrays));
    });
    test(`second derivatives, ${name}`, () => {
      same(run(curve(byScan(options)), arrays), run(curve(byHand(reverse)), arrays));
    });
  }

  test('over examples, with weights of their own or shared, and gradients of each', () => {
    const many = {
      ...arrays,
      wh: numbers([4, n, n], 7),
      h: numbers([4, n], 8),
      x: numbers([4, steps, 2], 9),
    };
    const axes = { wh: 0, wx: null, b: null, h: 0, c: null, x: 0 };
    for (const f of [forward, slope]) {
      const lifted = (loop: Loop) => (w: Weights) => vmap(f(loop) as (w: Weights) => unknown, { in: [axes] })(w);
      same(run(lifted(byScan()), many), run(lifted(byHand()), many));
      same(run(lifted(byScan({ checkpoint: 2 })), many), run(lifted(byHand()), many));
    }
  });

  test('the gradient of a batch', () => {
    const many = { ...arrays, h: numbers([4, n], 8), x: numbers([4, steps, 2], 9) };
    const axes = { wh: null, wx: null, b: null, h: 0, c: null, x: 0 };
    const total = (loop: Loop) => (w: Weights) =>
      grad((own: Weights) => sum(vmap(score(loop), { in: [axes] })(own)))(w);
    same(run(total(byScan()), many), run(total(byHand()), many));
  });

  test('loops in loops, and vmap in a step', () => {
    const nested = (loop: Loop) => (w: { readonly h: Tensor; readonly x: Tensor; readonly wh: Tensor }) => {
      const outer = (h: Tensor, x: Tensor) => {
        const inner = (g: Tensor, e: Tensor) => {
          const next = tanh(add(mul(g, e), row(g, w.wh)));
          return [next, sum(next)] as const;
        };
        const [last, ys] = loop(inner, h, x);
        const each = vmap((y: Tensor) => mul(sin(y), sum(h)))(ys);
        return [mul(last, 0.5), each] as const;
      };
      return loop(outer, w.h, w.x);
    };
    const own = { h: numbers([n], 1), x: numbers([4, 5], 2), wh: arrays.wh };
    same(run(nested(byScan()), own), run(nested(byHand()), own));
    const total = (loop: Loop) =>
      grad((w: { readonly h: Tensor; readonly x: Tensor; readonly wh: Tensor }) => {
        const [last, ys] = nested(loop)(w);
        return add(sum(mul(last, last)), sum(sin(ys)));
      });
    same(run(total(byScan()), own), run(total(byHand()), own));
    same(run(total(byScan({ checkpoint: 2 })), own), run(total(byHand()), own));
  });
});

test('sequences of different lengths: carries stay and outputs are 0 where the mask is false', () => {
  const lengths = [7, 4, 1];
  const padded = (w: Weights) => {
    const mask = constant(
      ndarray(
        Uint8Array.from({ length: 3 * steps }, (_, i) => Number(i % steps < lengths[Math.floor(i / steps)]!)),
        [3, steps],
        'bool',
      ),
    );
    return vmap((on: Tensor) => scan(cell(w), { h: w.h, c: w.c }, w.x, { mask: on }))(mask);
  };
  const [h, , y] = run(padded, arrays);
  lengths.forEach((length, i) => {
    const short = { ...arrays, x: { ...arrays.x, shape: [length, 2], data: arrays.x.data.slice(0, 2 * length) } };
    const [h0, , y0] = run(forward(byHand()), short);
    expect(distance(h!.slice(i * n, (i + 1) * n), h0!)).toBeLessThan(1e-9);
    const row = y!.slice(i * steps * n, (i + 1) * steps * n);
    expect(distance(row.slice(0, length * n), y0!)).toBeLessThan(1e-9);
    expect(row.slice(length * n).every((value) => value === 0)).toBe(true);
  });
});

test('carries may be whole numbers, and steps may read nothing', () => {
  const count = (start: Tensor) =>
    scan((i: Tensor) => [add(i, 2), mul(cast(i, 'float32'), 0.5)] as const, start, null, { length: 4 });
  const start = ndarray(Int32Array.of(3), []);
  const [last, ys] = run(count, start);
  expect(last).toEqual([11]);
  expect(ys).toEqual([1.5, 2.5, 3.5, 4.5]);
});

/** The operations of a program's loops, in order. */
const loops = (program: Program): string[][] =>
  program.nodes
    .filter(({ op }) => op === 'scan')
    .map(({ attrs }) => (attrs.body as Program).nodes.map(({ op }) => op).filter((op) => op !== 'constant'));

describe('what stands in the loop', () => {
  test('only the way from carry to carry: the products of inputs and outputs with weights are one each', () => {
    const { program } = trace(forward(byScan()), tree.map(spec, arrays));
    const inside = loops(optimize(program));
    expect(inside).toHaveLength(1);
    expect(inside[0]!.filter((op) => op === 'matmul')).toHaveLength(1);
    expect(program.nodes.filter(({ op }) => op === 'matmul')).toHaveLength(2);
  });

  test('a step of training has one loop forward and one back, and no sum over steps in either', () => {
    const many = { ...arrays, h: numbers([4, n], 8), x: numbers([4, steps, 2], 9) };
    const axes = { wh: null, wx: null, b: null, h: 0, c: null, x: 0 };
    const total = (w: Weights) => grad((own: Weights) => sum(vmap(score(byScan()), { in: [axes] })(own)))(w);
    const inside = loops(optimize(trace(total, tree.map(spec, many)).program));
    expect(inside).toHaveLength(2);
    for (const ops of inside) expect(ops.filter((op) => op === 'matmul').length).toBe(1);
  });

  test('gradients of each example share the loop forward too', () => {
    const each = (w: Weights) => vmap(slope(byScan()), { in: [{ x: 0 }] })(w);
    expect(
      loops(optimize(trace(each, tree.map(spec, { ...arrays, x: numbers([4, steps, 2], 9) })).program)),
    ).toHaveLength(2);
  });

  test('elementwise work on many known values stays in the step, on few it goes before', () => {
    const f = (h: Tensor, x: Tensor) =>
      scan((c: Tensor, v: Tensor) => [tanh(add(c, sin(mul(v, 2)))), c] as const, h, x);
    const inside = (size: number) =>
      loops(trace(f, { dtype: 'float32', shape: [size] }, { dtype: 'float32', shape: [5, size] }).program);
    expect(inside(8192)).toEqual([['mul', 'sin', 'add', 'tanh']]);
    expect(inside(8191)).toEqual([['add', 'tanh']]);
  });

  test('what nobody reads goes, carries too', () => {
    const f = (x: Tensor) => {
      const step = (carry: { a: Tensor; b: Tensor }, v: Tensor) =>
        [
          { a: add(carry.a, v), b: tanh(add(carry.b, v)) },
          { y: sin(carry.a), z: carry.b },
        ] as const;
      return scan(step, { a: constant(0, 'float64'), b: constant(0, 'float64') }, x)[1].y;
    };
    const found = optimize(trace(f, { dtype: 'float64', shape: [5] }).program);
    expect(loops(found)).toEqual([['add']]);
  });

  test('steps between checkpoints are stored nowhere: values of all steps are inputs and outputs alone', () => {
    const length = 1000;
    const sizes = (checkpoint?: number) => {
      const own = { ...arrays, x: numbers([length, 2], 6) };
      const { program } = trace(slope(byScan(checkpoint === undefined ? {} : { checkpoint })), tree.map(spec, own));
      return optimize(program)
        .nodes.filter(({ op }) => op === 'scan')
        .map(({ outputs }) => outputs.reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0));
    };
    // Forward: y [n], the product h z and, in the plain form, what each step back needs.
    expect(Math.max(...sizes(25))).toBeLessThan(Math.max(...sizes()) / 2);
  });
});

describe('bad input', () => {
  const x = constant(
    ndarray([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
  );
  const zero = constant([0, 0]);
  test('a carry that is no tensor', () => {
    const step = (total: Tensor, v: Tensor) => [add(total, sum(v)), v] as const;
    expect(() => scan(step, 0 as never, x)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: scan: expected a tensor for the carry, got number]`,
    );
    expect(() =>
      scan(({ a }: { a: Tensor }, v: Tensor) => [{ a }, v] as const, { a: 'zero' } as never, x),
    ).toThrowErrorMatchingInlineSnapshot(`[ArgumentError: scan: expected a tensor for carry.a, got string]`);
  });
  test('a carry that changes', () => {
    expect(() => scan((h: Tensor) => [sum(h), h] as const, zero, x)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: scan: expected the carry as float32[2] after a step, got float32[]]`,
    );
    expect(() =>
      scan(({ h }: { h: Tensor }) => [{ h, c: h } as { h: Tensor }, h] as const, { h: zero }, x),
    ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: scan: expected carry.c as none after a step, got float32[2]]`);
  });
  test('steps that differ, and none', () => {
    const step = (h: Tensor) => [h, h] as const;
    expect(() => scan(step, zero, { a: x, b: zero })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: scan: expected 3 steps along the first axis of xs.b, got [2]]`,
    );
    expect(() => scan(step, zero, null)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: scan: expected xs or a length, got neither]`,
    );
    expect(() => scan(step, zero, x, { length: 4 })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: scan: expected 4 steps along the first axis of xs, got [3, 2]]`,
    );
    expect(() => scan(step, zero, null, { length: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: scan: expected at least 1 step, got 0]`,
    );
  });
  test('options', () => {
    const step = (h: Tensor) => [h, h] as const;
    expect(() => scan(step, zero, x, { checkpoint: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: scan: expected a whole number of steps from 1 on as checkpoint, got 0]`,
    );
    expect(() => scan(step, zero, x, { mask: zero })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: scan: expected a mask bool[3], got float32[2]]`,
    );
    expect(() => scan((h: Tensor) => [h, 3] as never, zero, x)).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: scan: expected tensors as ys, got number]`,
    );
  });
  test('a step that does not return a pair', () => {
    for (const [given, got] of [
      [(h: Tensor) => h, 'a tensor'],
      [() => undefined, 'undefined'],
      [(h: Tensor) => [h, h, h], '3 values'],
    ] as const)
      for (const mask of [{}, { mask: constant([1, 0, 1], 'bool') }])
        expect(() => scan(given as never, zero, x, mask)).toThrow(
          `scan: expected a step to return [carry, y], got ${got}`,
        );
  });
  test('an input that does not fit is an error of the step, with its layer', () => {
    expect(() =>
      scan((h: Tensor, v: Tensor) => [where(v, h, h), h] as const, zero, x),
    ).toThrowErrorMatchingInlineSnapshot(`[DTypeError: where: expected a bool condition, got float32]`);
  });
});

import { describe, expect, it } from 'vitest';
import { grad, pullback, valueAndGrad } from './grad.ts';
import { add, div, mul, square } from './ops/arithmetic.ts';
import { cast, stopGradient } from './ops/cast.ts';
import { split } from './ops/join.ts';
import { exp, log, sin, tanh } from './ops/math.ts';
import { matmul } from './ops/matmul.ts';
import { argmax, sum } from './ops/reduce.ts';
import { constant, placeholder, type Tensor } from './tensor.ts';
import { distance, f64, i32, numbers, run, run1 } from './testing.ts';

describe('values', () => {
  it('of a scalar function and its derivatives up to the third', () => {
    const f = (x: Tensor) => sin(mul(x, 2));
    const all = run(
      (x) => [f(x as Tensor), grad(f)(x as Tensor), grad(grad(f))(x as Tensor), grad(grad(grad(f)))(x as Tensor)],
      f64(0.3),
    );
    const [s, c] = [Math.sin(0.6), Math.cos(0.6)];
    expect(distance(all.flat(), [s, 2 * c, -4 * s, -8 * c])).toBeLessThan(1e-13);
  });

  it('adds up where a tensor is used several times', () => {
    const f = (x: Tensor) => sum(add(mul(x, x), mul(x, 3)));
    expect(run1(grad(f), f64([1, 2]))).toEqual([5, 7]);
  });

  it('stops at the tensors differentiated for, or flows through them', () => {
    const of = (through: boolean) =>
      run((x) => {
        const y = square(x as Tensor);
        const [dx, dy] = pullback([mul(y, y)], [constant(1, 'float64')], [x as Tensor, y], { through });
        return [dx ?? constant(0, 'float64'), dy as Tensor];
      }, f64(3)).flat();
    expect(of(false)).toEqual([0, 18]);
    expect(of(true)).toEqual([108, 18]);
  });

  it('differentiates a small network as finite differences do', () => {
    const loss = (w: Tensor, x: Tensor) => sum(square(tanh(matmul(x, w))));
    const [w, x] = [numbers([3, 2]), numbers([4, 3], 2)];
    const gradient = run1((a, b) => grad(loss)(a, b), w, x);
    const step = 1e-6;
    const shifted = (i: number, by: number) =>
      f64(
        Float64Array.from(w.data, (v, k) => (k === i ? v + by : v)),
        w.shape,
      );
    const differences = gradient.map((_, i) => {
      const [high, low] = [step, -step].map((by) => run1(loss, shifted(i, by), x)[0] as number) as [number, number];
      return (high - low) / (2 * step);
    });
    expect(distance(gradient, differences)).toBeLessThan(1e-8);
  });

  it('gives a Hessian by differentiating a product with the gradient', () => {
    // f = x^2 y: Hessian [[2y, 2x], [2x, 0]], times (1, 10).
    const f = (p: Tensor) => {
      const [x, y] = split(p, [1, 1]) as [Tensor, Tensor];
      return sum(mul(square(x), y));
    };
    const product = (p: Tensor, v: Tensor) => grad((q: Tensor) => sum(mul(grad(f)(q), v)))(p);
    expect(run1(product, f64([3, 5]), f64([1, 10]))).toEqual([70, 6]);
  });
});

describe('trees', () => {
  it('has the form of the first argument, and zeros where nothing depends', () => {
    const f = (p: { a: Tensor; rest: readonly [Tensor, Tensor] }, x: Tensor) => sum(mul(mul(p.a, p.rest[0]), x));
    const all = run(
      (a, b, c, x) => {
        const g = grad(f)({ a: a as Tensor, rest: [b as Tensor, c as Tensor] }, x as Tensor);
        return [g.a, g.rest[0], g.rest[1]];
      },
      f64([2, 3]),
      f64([5, 7]),
      f64([[1], [1]]),
      f64([1, 10]),
    );
    expect(all).toEqual([
      [5, 70],
      [2, 30],
      [0, 0],
    ]);
  });

  it('gives the value too, and hands auxiliary results on', () => {
    const f = (x: Tensor): [Tensor, { doubled: Tensor }] => [sum(square(x)), { doubled: mul(x, 2) }];
    const all = run(
      (x) => {
        const [[value, { doubled }], gradient] = valueAndGrad(f, { aux: true })(x as Tensor);
        return [value, doubled, gradient];
      },
      f64([1, 2]),
    );
    expect(all).toEqual([[5], [2, 4], [2, 4]]);
  });

  it('tells two places of one tensor apart', () => {
    const all = run((x) => {
      const g = grad((p: { a: Tensor; b: Tensor }) => mul(p.a, square(p.b)))({ a: x as Tensor, b: x as Tensor });
      return [g.a, g.b];
    }, f64(3));
    expect(all).toEqual([[9], [18]]);
  });
});

describe('what counts as constant', () => {
  it('captured tensors', () => {
    expect(run1((x) => grad((y: Tensor) => mul(y, x))(x), f64(3))).toEqual([3]);
  });

  it('captured tensors of an outer gradient, until that one asks', () => {
    // d/dx of (d/dy x y^2 at y = x) = d/dx 2 x^2.
    expect(
      run1(
        grad((x: Tensor) => grad((y: Tensor) => mul(x, square(y)))(x)),
        f64(3),
      ),
    ).toEqual([12]);
  });

  it('what stopGradient holds', () => {
    expect(
      run1(
        grad((x: Tensor) => mul(x, stopGradient(square(x)))),
        f64(3),
      ),
    ).toEqual([9]);
    expect(
      run1(
        grad((x: Tensor) => sum(stopGradient(x))),
        f64([3, 4]),
      ),
    ).toEqual([0, 0]);
  });

  it('what passes through integers', () => {
    const f = (x: Tensor) => mul(cast(argmax(x), 'float64'), sum(x));
    expect(run1(grad(f), f64([1, 5, 2]))).toEqual([1, 1, 1]);
  });
});

it('takes pullbacks with any cotangent, each tensor taken as independent', () => {
  const all = run((x) => {
    const y = exp(x as Tensor);
    const z = mul(y, x as Tensor);
    const [dx, dy, none] = pullback(
      [z, y],
      [constant(1, 'float64'), constant(2, 'float64')],
      [x as Tensor, y, constant(0)],
    );
    expect(none).toBeUndefined();
    return [dx as Tensor, dy as Tensor];
  }, f64(0));
  expect(all).toEqual([[1], [2]]);
});

it('keeps a quotient finite beside a branch that is not taken', () => {
  expect(
    run1(
      grad((x: Tensor) => sum(log(div(x, add(x, 1))))),
      f64([1]),
    ),
  ).toEqual([0.5]);
});

it('refuses what has no gradient', () => {
  const x = placeholder({ dtype: 'float32', shape: [2] });
  const whole = placeholder({ dtype: 'int32', shape: [2] });
  expect(() => grad((y: Tensor) => mul(y, 2))(x)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: grad: expected a function that gives a scalar, got shape [2]]`,
  );
  expect(() => grad((y: { w: Tensor }) => sum(y.w))({ w: whole })).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: grad: expected float tensors to differentiate for, got int32]`,
  );
  expect(() => grad((y: Tensor) => sum(cast(y, 'int32')))(x)).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: grad: expected a function that gives a float, got int32]`,
  );
  expect(() => grad(() => sum(x))({})).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: grad: expected at least one tensor to differentiate for, got none]`,
  );
  expect(() => grad((() => 3) as unknown as (y: Tensor) => Tensor)(x)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: grad: expected a function that gives a scalar tensor, got number]`,
  );
  expect(run1((i) => sum(i), i32([1, 2]))).toEqual([3]);
});

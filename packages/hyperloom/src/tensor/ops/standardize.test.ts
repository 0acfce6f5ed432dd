import { expect, it } from 'vitest';
import { programCost } from '../cost.ts';
import { grad } from '../grad.ts';
import { constant, emit, type Tensor } from '../tensor.ts';
import { distance, f64, numbers, run, run1 } from '../testing.ts';
import { trace } from '../trace.ts';
import { add, mul, sub } from './arithmetic.ts';
import { rsqrt, sin } from './math.ts';
import { mean, sum } from './reduce.ts';
import { standardize, standardizeOp } from './standardize.ts';

/** The definition in other operations. */
const written = (x: Tensor): readonly Tensor[] => {
  const along = { axis: -1, keepDims: true };
  const centred = sub(x, mean(x, along));
  const rstd = rsqrt(add(mean(mul(centred, centred), along), 0.1));
  return [mul(centred, rstd), rstd];
};
const whole = (x: Tensor): readonly Tensor[] => emit(standardizeOp, [x], { epsilon: 0.1 });

it('gives rows of mean 0 and variance 1, and what it multiplied by', () => {
  const [y, rstd] = run(
    (x) => emit(standardizeOp, [x], { epsilon: 0 }),
    f64([
      [1, 3],
      [-4, 0],
    ]),
  ) as [number[], number[]];
  expect(y).toEqual([-1, 1, -1, 1]);
  expect(rstd).toEqual([1, 0.5]);
});

it('loses no digits far from 0', () => {
  expect(
    distance(
      run1((x) => standardize(x, 0), f64([1e9 - 1, 1e9 + 1])),
      [-1, 1],
    ),
  ).toBeLessThan(1e-6);
});

it('has the gradients of its definition to third order, of both results', () => {
  const x = numbers([3, 5]);
  const loss =
    (outputs: typeof whole) =>
    (v: Tensor): Tensor => {
      const [y, rstd] = outputs(v) as [Tensor, Tensor];
      return sum(mul(sin(y), add(rstd, mul(rstd, v))));
    };
  const onlyScale =
    (outputs: typeof whole) =>
    (v: Tensor): Tensor =>
      sum(sin(outputs(v)[1]!));
  const next = (f: (v: Tensor) => Tensor) => (v: Tensor) => sum(sin(grad(f)(v)));
  for (const of of [loss, onlyScale]) {
    const orders = (f: (v: Tensor) => Tensor) => [grad(f), grad(next(f)), grad(next(next(f)))];
    orders(of(whole)).forEach((g, i) => {
      expect(distance(run1(g, x), run1(orders(of(written))[i]!, x))).toBeLessThan(1e-9);
    });
  }
});

it('is one operation that goes over its input three times', () => {
  const { program } = trace((x: Tensor) => standardize(x, 1e-5), { dtype: 'float32', shape: [4, 8] });
  expect(program.nodes.map(({ op }) => op)).toEqual(['standardize']);
  expect(programCost(program).elements).toBe(3 * 32);
});

it('says what it takes', () => {
  expect(() => standardize(constant(1), 1)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: standardize: expected at least one axis, got a scalar]`,
  );
  expect(() => standardize(constant([1], 'int32'), 1)).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: standardize: expected floats, got int32]`,
  );
});

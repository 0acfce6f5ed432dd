import { describe, expect, it } from 'vitest';
import { grad } from '../grad.ts';
import { placeholder, type Tensor } from '../tensor.ts';
import { distance, f64, run1 } from '../testing.ts';
import * as math from './math.ts';
import { sum } from './reduce.ts';

const slope = (f: (x: Tensor) => Tensor) => (x: Tensor) => grad((y: Tensor) => sum(f(y)))(x);
const x = [0.3, 1.7, 2.9];

describe.each<[keyof typeof math & string, (x: Tensor) => Tensor, (x: number) => number, (x: number) => number]>([
  ['exp', math.exp, Math.exp, Math.exp],
  ['expm1', math.expm1, Math.expm1, Math.exp],
  ['log', math.log, Math.log, (v) => 1 / v],
  ['log1p', math.log1p, Math.log1p, (v) => 1 / (1 + v)],
  ['sqrt', math.sqrt, Math.sqrt, (v) => 0.5 / Math.sqrt(v)],
  ['rsqrt', math.rsqrt, (v) => v ** -0.5, (v) => -0.5 * v ** -1.5],
  ['tanh', math.tanh, Math.tanh, (v) => 1 / Math.cosh(v) ** 2],
  ['sigmoid', math.sigmoid, (v) => 1 / (1 + Math.exp(-v)), (v) => 1 / (2 + 2 * Math.cosh(v))],
  ['sin', math.sin, Math.sin, Math.cos],
  ['cos', math.cos, Math.cos, (v) => -Math.sin(v)],
])('%s', (_, f, value, derivative) => {
  it('has its value and its slope', () => {
    expect(distance(run1(f, f64(x)), x.map(value))).toBeLessThan(1e-14);
    expect(distance(run1(slope(f), f64(x)), x.map(derivative))).toBeLessThan(1e-13);
  });
});

it('erf agrees with tabulated values on both sides of where its series ends', () => {
  const at = [0, 0.5, 2, 2.5, 3, 10, -0.5];
  const table = [
    0, 0.5204998778130465, 0.9953222650189527, 0.9995930479825551, 0.9999779095030014, 1, -0.5204998778130465,
  ];
  expect(distance(run1(math.erf, f64(at)), table)).toBeLessThan(1e-13);
  expect(run1(slope(math.erf), f64([0]))[0]).toBeCloseTo(2 / Math.sqrt(Math.PI), 14);
});

it('stays finite far out', () => {
  expect(run1(math.sigmoid, f64([-1000, 1000]))).toEqual([0, 1]);
  expect(run1(math.tanh, f64([-1000, 1000]))).toEqual([-1, 1]);
});

it('floor rounds down, with no gradient', () => {
  expect(run1(math.floor, f64([-1.5, 1.5]))).toEqual([-2, 1]);
  expect(run1(slope(math.floor), f64([-1.5, 1.5]))).toEqual([0, 0]);
});

it('pow has both slopes, also at 0', () => {
  expect(run1(math.pow, f64([2, 3]), f64([3, 2]))).toEqual([8, 9]);
  const base = (power: number) =>
    run1(
      slope((v) => math.pow(v, power)),
      f64([0, 3]),
    );
  expect(base(0)).toEqual([0, 0]);
  expect(base(1)).toEqual([1, 1]);
  expect(base(2)).toEqual([0, 6]);
  expect(base(3)).toEqual([0, 27]);
  expect(run1((v, p) => grad((w: Tensor) => sum(math.pow(w, p)))(v), f64([0, 0]), f64([0, 1]))).toEqual([0, 1]);
  expect(
    distance(
      run1(
        slope((p) => math.pow(2, p)),
        f64([3]),
      ),
      [8 * Math.LN2],
    ),
  ).toBeLessThan(1e-14);
  expect(
    run1(
      slope((p) => math.pow(0, p)),
      f64([2]),
    ),
  ).toEqual([0]);
  expect(run1((v) => grad((w: Tensor) => grad((u: Tensor) => math.pow(u, 2))(w))(v), f64(0))).toEqual([2]);
});

it('refuses integers', () => {
  expect(() => math.exp(placeholder({ dtype: 'int32', shape: [] }))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: exp: expected floats, got int32]`,
  );
  expect(() => math.pow(placeholder({ dtype: 'int32', shape: [] }), 2)).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: pow: expected floats, got int32]`,
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  add,
  constant,
  isFloat,
  mul,
  type NdArray,
  type Op,
  type OpName,
  ops,
  placeholder,
  pullback,
  sum,
  type Tensor,
} from '../tensor/index.ts';
import { emit, scalarLike } from '../tensor/tensor.ts';
import { toProgram } from '../tensor/trace.ts';
import { evaluate } from './reference/index.ts';
import { type Sample, samplers } from './samples.suite.ts';

/** Operations that no gradient flows through although they are not flat. */
const exempt: ReadonlySet<OpName> = new Set(['input', 'constant', 'stopGradient']);

/** Numbers without a pattern, for directions and weights. */
const direction = (like: { shape: readonly number[]; dtype: NdArray['dtype'] }, seed: number): NdArray => {
  const size = like.shape.reduce((n, d) => n * d, 1);
  return { ...like, data: Float64Array.from({ length: size }, (_, i) => Math.sin(7.3 * (i + 1) + 1.7 * seed)) };
};

const moved = (x: NdArray, by: NdArray, step: number): NdArray => ({
  ...x,
  data: Float64Array.from(x.data, (value, i) => value + step * by.data[i]!),
});

/** <a, b> over several tensors. */
const inner = (a: readonly Tensor[], b: readonly Tensor[]): Tensor =>
  a.map((x, i) => sum(mul(x, b[i]!))).reduce((total, x) => add(total, x));

const derivative = (y: Tensor, wrt: readonly Tensor[]): Tensor[] =>
  pullback([y], [scalarLike(1, y)], wrt).map((g, i) => g ?? mul(wrt[i]!, 0));

/** One operation as a scalar function of its float inputs, with its first and second derivatives along directions. */
function scalars(op: OpName, { inputs, attrs }: Sample) {
  const own = inputs.map(placeholder);
  const wrt = own.filter((x) => isFloat(x.dtype));
  const results = emit(ops[op] as Op, own, attrs).filter((y) => isFloat(y.dtype));
  if (wrt.length === 0 || results.length === 0) return undefined;
  const weights = results.map((y, i) => constant(direction(y, i)));
  const along = [1, 2].map((seed) => wrt.map((x, i) => direction(x, 10 * seed + i)));
  const value = inner(results, weights);
  const first = inner(
    derivative(value, wrt),
    along[0]!.map((d) => constant(d)),
  );
  const second = inner(
    derivative(first, wrt),
    along[1]!.map((d) => constant(d)),
  );
  const run = (y: Tensor, way: number, step: number): number => {
    let next = 0;
    const arrays = inputs.map((x) => (isFloat(x.dtype) ? moved(x, along[way]![next++]!, step) : x));
    return evaluate(toProgram(own, [y]), arrays)[0]!.data[0]!;
  };
  return { value, first, second, run };
}

const step = 1e-5;

describe('gradients against finite differences along a random direction', () => {
  for (const op of Object.keys(ops) as OpName[]) {
    if (exempt.has(op)) continue;
    test(op, () => {
      const property = fc.property(fc.gen(), (g) => {
        const found = scalars(
          op,
          samplers[op]((arbitrary) => g(() => arbitrary), 'float64'),
        );
        if (found === undefined) return;
        const { value, first, second, run } = found;
        const slope = (y: Tensor, way: number) => (run(y, way, step) - run(y, way, -step)) / (2 * step);
        const close = (exact: number, measured: number) =>
          expect(Math.abs(exact - measured) / Math.max(1, Math.abs(exact))).toBeLessThan(1e-5);
        close(run(first, 0, 0), slope(value, 0));
        close(run(second, 1, 0), slope(first, 1));
      });
      fc.assert(property, { seed: 7, numRuns: 8, endOnFailure: true });
    });
  }
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type NdArray, type Op, type OpName, ops, sizeOf, type Tensor, trace, vmap } from '../tensor/index.ts';
import { emit } from '../tensor/tensor.ts';
import { relativeError } from './contract.suite.ts';
import { evaluate } from './reference/index.ts';
import { type Sample, samplers } from './samples.suite.ts';

/** An array of the same type whose elements are those of `x` in another order: as good an input as x. */
const shuffled = (x: NdArray): NdArray => ({ ...x, data: x.data.toReversed() });

const stacked = (xs: readonly NdArray[]): NdArray => {
  const { dtype, shape, data } = xs[0]!;
  const all = data.slice(0, 0).constructor as new (length: number) => NdArray['data'];
  const out = new all(xs.length * data.length);
  xs.forEach((x, i) => {
    out.set(x.data, i * data.length);
  });
  return { dtype, shape: [xs.length, ...shape], data: out };
};

/** The results of an operation mapped over the inputs that are marked, against one example after the other. */
function check(op: OpName, { inputs, attrs }: Sample, batched: readonly boolean[]): void {
  const f = (...xs: Tensor[]) => emit(ops[op] as Op, xs, attrs);
  const examples = [inputs, inputs.map((x, i) => (batched[i] ? shuffled(x) : x))];
  const whole = inputs.map((x, i) => (batched[i] ? stacked(examples.map((example) => example[i]!)) : x));
  const mapped = vmap(f, { in: batched.map((b) => (b ? 0 : null)) });
  const found = evaluate(trace(mapped, ...whole).program, whole);
  examples.forEach((example, b) => {
    evaluate(trace(f, ...example).program, example).forEach((expected, i) => {
      const size = sizeOf(expected.shape);
      const part = found[i]!.data.slice(b * size, (b + 1) * size);
      expect(found[i]!.shape).toEqual([2, ...expected.shape]);
      expect(relativeError(part, expected.data)).toBeLessThan(1e-12);
    });
  });
}

describe('vmap against a loop, over each choice of batched inputs', () => {
  for (const op of Object.keys(ops) as OpName[]) {
    const fixed = ['input', 'constant', 'iota'].includes(op);
    if (fixed) continue;
    test(op, () => {
      const property = fc.property(fc.gen(), (g) => {
        const sample = samplers[op]((arbitrary) => g(() => arbitrary), 'float32');
        for (let choice = 1; choice < 2 ** sample.inputs.length; choice++)
          check(
            op,
            sample,
            sample.inputs.map((_, i) => (choice >> i) % 2 === 1),
          );
      });
      fc.assert(property, { seed: 11, numRuns: 6, endOnFailure: true });
    });
  }
});

import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import {
  isFloat,
  type NdArray,
  type Op,
  type OpName,
  ops,
  type Program,
  placeholder,
  type Tensor,
  type TypedArray,
} from '../tensor/index.ts';
import { emit } from '../tensor/tensor.ts';
import { toProgram } from '../tensor/trace.ts';
import type { Engine } from './engine.ts';
import { evaluate } from './reference/index.ts';
import { type Sample, samplers } from './samples.suite.ts';

/** Tests that an engine cannot pass, and why. */
export interface Skip {
  readonly reason: string;
  readonly tests: readonly string[];
}

/** The program that applies one operation to its inputs. */
export function programOf(name: OpName, { inputs, attrs }: Sample): Program {
  const own = inputs.map(placeholder);
  const results = emit(ops[name] as Op, own, attrs);
  return toProgram(own, results as Tensor[]);
}

/** The largest difference from what was expected, against the largest expected number; 1 where NaNs differ. */
export function relativeError(found: TypedArray, expected: TypedArray): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let scale = 1e-6;
  let worst = 0;
  expected.forEach((value, i) => {
    if (Object.is(value, found[i]) || value === found[i]) return;
    scale = Math.max(scale, Math.abs(value));
    worst = Math.max(worst, Math.abs(value - found[i]!));
  });
  return Number.isNaN(worst) ? 1 : worst / scale;
}

/** Operations that are no program of their own. */
const notRun: ReadonlySet<string> = new Set(['input']);

/** Each result of an engine against the definition: floats to 1e-4 of the largest, everything else exactly. */
async function compare(engine: Engine, program: Program, inputs: readonly NdArray[]): Promise<void> {
  const executable = await engine.compile(program);
  try {
    const found = await executable.run(inputs);
    evaluate(program, inputs).forEach((expected, i) => {
      const { dtype, shape, data } = found[i]!;
      expect(dtype).toBe(expected.dtype);
      expect(shape).toEqual(expected.shape);
      if (isFloat(dtype)) expect(relativeError(data, expected.data)).toBeLessThan(1e-4);
      else expect(Array.from(data)).toEqual(Array.from(expected.data));
    });
  } finally {
    await executable.dispose();
  }
}

/** Holds an engine to the definitions of all operations, over random inputs. */
export function describeEngine(
  name: string,
  makeEngine: () => Engine,
  { skip = [], runs = 12 }: { skip?: readonly Skip[]; runs?: number } = {},
): void {
  describe(`engine ${name}`, () => {
    const engine = makeEngine();
    afterAll(() => engine.dispose());
    const reasons = new Map(skip.flatMap(({ reason, tests }) => tests.map((title) => [title, reason] as const)));
    for (const op of Object.keys(ops) as OpName[]) {
      if (notRun.has(op)) continue;
      const reason = reasons.get(op);
      test.skipIf(reason !== undefined)(reason === undefined ? op : `${op}: ${reason}`, async () => {
        const property = fc.asyncProperty(fc.gen(), async (g) => {
          const sample = samplers[op]((arbitrary) => g(() => arbitrary), 'float32');
          await compare(engine, programOf(op, sample), sample.inputs);
        });
        await fc.assert(property, { seed: 20160927, numRuns: runs, endOnFailure: true });
      });
    }
  });
}

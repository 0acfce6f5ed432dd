import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPortableOnnx } from '../../onnx/index.ts';
import { complaints, noChecker } from '../../onnx/testing.ts';
import {
  add,
  constant,
  conv,
  isFloat,
  matmul,
  maxPool,
  mul,
  type NdArray,
  type OpName,
  ops,
  type Program,
  relu,
  reshape,
  scan,
  sizeOf,
  sum,
  type Tensor,
  tanh,
  trace,
  zerosArray,
} from '../../tensor/index.ts';
import { programOf, relativeError } from '../contract.suite.ts';
import { evaluate } from '../reference/index.ts';
import { samplers } from '../samples.suite.ts';
import { nodeRuntime } from './node.ts';
import type { Runtime } from './runtime.ts';

let runtime: Runtime;
let folder = '';
const files: string[] = [];
beforeAll(async () => {
  runtime = await nodeRuntime();
  folder = await mkdtemp(join(tmpdir(), 'portable-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** As good an input as x: its elements in another order. */
const turned = (x: NdArray, by: number): NdArray => {
  const at = x.data.length === 0 ? 0 : by % x.data.length;
  const data = x.data.slice();
  data.set(x.data.subarray(at));
  data.set(x.data.subarray(0, at), x.data.length - at);
  return { ...x, data };
};

const stacked = (xs: readonly NdArray[]): NdArray => {
  const [{ dtype, shape, data }] = xs as [NdArray];
  const all = new (data.constructor as Float32ArrayConstructor)(xs.length * data.length) as NdArray['data'];
  xs.forEach((x, i) => {
    all.set(x.data, i * x.data.length);
  });
  return { dtype, shape: [xs.length, ...shape], data: all };
};

/** A file with some inputs as weights, run in one session for batches of two sizes, against the reference. */
async function check(program: Program, inputs: readonly NdArray[], open: readonly boolean[]): Promise<void> {
  const weights = Object.fromEntries(
    program.inputs.flatMap(({ name }, i) => (open[i] ? [] : [[name, inputs[i] as NdArray]])),
  );
  const bytes = toPortableOnnx(program, weights);
  const path = join(folder, `${files.length}.onnx`);
  files.push(path);
  await writeFile(path, bytes);
  const { InferenceSession, Tensor } = runtime.module;
  const session = await InferenceSession.create(bytes, { ...runtime.session, logSeverityLevel: 4 });
  for (const size of open.includes(true) ? [1, 5] : [1]) {
    const examples = Array.from({ length: size }, (_, b) => inputs.map((x, i) => (open[i] ? turned(x, b) : x)));
    const feeds = program.inputs.flatMap(({ name }, i) => {
      if (!open[i]) return [];
      const { dtype, data, shape } = stacked(examples.map((example) => example[i]!));
      return [[name, new Tensor(dtype as 'float32', data as Float32Array, shape)] as const];
    });
    const found = await session.run(Object.fromEntries(feeds));
    examples.forEach((example, b) => {
      evaluate(program, example).forEach((expected, o) => {
        const { data, dims } = found[program.outputs[o]!.name]!;
        const each = sizeOf(expected.shape);
        const own = (data as NdArray['data']).subarray(b * each, (b + 1) * each);
        expect(dims).toEqual(open.includes(true) ? [size, ...expected.shape] : expected.shape);
        if (isFloat(expected.dtype)) expect(relativeError(own, expected.data)).toBeLessThan(1e-4);
        else expect(Array.from(own)).toEqual(Array.from(expected.data));
      });
    });
  }
  await session.release();
}

/** Numbers of mixed signs. */
const waves = (shape: readonly number[], phase: number): NdArray => {
  const array = zerosArray('float32', shape);
  array.data.forEach((_, i) => {
    array.data[i] = Math.sin(12.9 * (i + 1) + phase);
  });
  return array;
};

/** Operator set 17 has no exclusive or of whole numbers, by which uint32 numbers are compared and drawn. */
const needsLaterSet = (op: OpName, inputs: readonly NdArray[]): boolean =>
  op === 'threefry' ||
  (['reduceMax', 'reduceMin', 'argmax', 'argsort'].includes(op) && inputs.some(({ dtype }) => dtype === 'uint32'));

describe('a portable file, batches of 1 and 5, over each choice of weights', () => {
  for (const op of Object.keys(ops) as OpName[]) {
    if (op === 'input') continue;
    test(op, async () => {
      const property = fc.asyncProperty(fc.gen(), async (g) => {
        const { inputs, attrs } = samplers[op]((arbitrary) => g(() => arbitrary), 'float32');
        const program = programOf(op, { inputs, attrs });
        if (needsLaterSet(op, inputs)) {
          expect(() => toPortableOnnx(program)).toThrow(/operator set 17, got BitwiseXor/);
          return;
        }
        for (let choice = 0; choice < 2 ** inputs.length; choice++)
          await check(
            program,
            inputs,
            inputs.map((_, i) => (choice >> i) % 2 === 1),
          );
      });
      await fc.assert(property, { seed: 17, numRuns: 3, endOnFailure: true });
    });
  }

  test('a convolution with a kernel and a bias of each example, and its pool', async () => {
    const inputs = [[2, 8, 8], [3], [3, 4 * 2 * 9], [3, 4]].map((shape, i) => waves(shape, i));
    const f = (image: Tensor, code: Tensor, kernels: Tensor, biases: Tensor) => {
      const of = (head: Tensor, shape: readonly number[]) => reshape(matmul(reshape(code, [1, 3]), head), shape);
      const y = conv(reshape(image, [1, 2, 8, 8]), of(kernels, [4, 2, 3, 3]));
      return maxPool(relu(add(y, of(biases, [4, 1, 1]))), [2, 2], { strides: [2, 2] });
    };
    const program = trace(f as never, ...inputs).program;
    await check(program, inputs, [true, true, false, false]);
    await check(program, inputs, [true, false, false, false]);
    await check(program, inputs, [true, true, true, true]);
  });

  test('a loop, in a graph that is applied along the batch', async () => {
    const inputs = [[2, 1, 3, 3], [1, 1, 4, 4], [2], [2]].map((shape, i) => waves(shape, i));
    const f = (kernel: Tensor, image: Tensor, start: Tensor, own: Tensor) => {
      const scale = mul(own, 0.5);
      // Large, so that the loop reads it from around it.
      const table = constant(waves([40, 2], 5));
      const step = (state: Tensor, row: Tensor) => {
        const next = tanh(add(mul(state, scale), mul(sum(mul(tanh(add(table, state)), row)), 0.02)));
        return [next, mul(next, 0.25)] as const;
      };
      return scan(step, mul(start, 0.25), reshape(conv(image, kernel), [4, 2]));
    };
    const program = trace(f as never, ...inputs).program;
    await check(program, inputs, [true, true, true, false]);
    await check(program, inputs, [true, true, true, true]);
  });

  test.skipIf(noChecker !== undefined)(`pass the checker of ONNX${noChecker ? `: ${noChecker}` : ''}`, () => {
    expect(files.length).toBeGreaterThan(100);
    expect(complaints(files)).toBe('');
  });
});

import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import {
  mean,
  type NdArray,
  ndarray,
  random,
  type Shape,
  sizeOf,
  square,
  type Tensor,
  type TypedArray,
  trace,
  valueAndGrad,
  vmap,
} from '../tensor/index.ts';
import { codes, type Head, heads, hypernetwork } from './index.ts';

/** A hypernetwork of which the tests know no more than that it takes a code of three numbers. */
interface Any {
  readonly spec: unknown;
  init(key: Tensor): never;
  apply(params: never, input: { readonly code: Tensor; readonly input: Tensor }, context?: nn.Context): Tensor;
}
const over = (target: unknown): Any =>
  hypernetwork(target as nn.Module, {
    code: 3,
    head: heads.dense({ hidden: [4] }) as unknown as Head,
  }) as unknown as Any;

const key = random.keyArray(1);
const waves = (shape: Shape, phase: number): NdArray =>
  ndarray(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * phase)),
    shape,
  );
const row = ({ shape: [, ...rest], data }: NdArray, b: number): NdArray =>
  ndarray(data.slice(b * sizeOf(rest), (b + 1) * sizeOf(rest)) as TypedArray, rest);
const run = (f: (...args: never[]) => unknown, ...args: NdArray[]): NdArray[] =>
  evaluate(trace(f, ...args).program, args);

const targets: Readonly<Record<string, readonly [nn.AnyModule, Shape | 'index']>> = {
  linear: [nn.linear({ in: 3, out: 2 }), [3]],
  'linear over points': [nn.linear({ in: 3, out: 2 }), [4, 3]],
  conv1d: [nn.conv1d({ in: 2, out: 3, kernel: 3, padding: 'same' }), [2, 6]],
  'conv2d with stride': [nn.conv2d({ in: 2, out: 3, kernel: 3, stride: 2, padding: 1 }), [2, 5, 5]],
  'conv2d in groups': [nn.conv2d({ in: 4, out: 4, kernel: 2, groups: 2 }), [4, 4, 4]],
  layerNorm: [nn.layerNorm({ shape: 4 }), [2, 4]],
  groupNorm: [nn.groupNorm({ channels: 4, groups: 2 }), [4, 3, 3]],
  batchNorm: [nn.batchNorm({ channels: 2 }), [2, 3]],
  embedding: [nn.embedding({ count: 5, size: 3 }), 'index'],
  residual: [nn.residual(nn.mlp({ in: 3, hidden: [4], out: 3 })), [3]],
  each: [nn.each(nn.conv1d({ in: 1, out: 2, kernel: 2 })), [3, 1, 4]],
  'a whole network': [
    nn.sequential({
      conv: nn.conv2d({ in: 1, out: 2, kernel: 3 }),
      norm: nn.groupNorm({ channels: 2, groups: 1 }),
      relu: nn.relu,
      pool: nn.maxPool({ window: 2 }),
      flatten: nn.flatten,
      fc: nn.linear({ in: 8, out: 3 }),
    }),
    [1, 6, 6],
  ],
};

test.each(Object.entries(targets))(
  '%s: a network for each example of a batch is a loop over networks',
  (_, [target, shape]) => {
    const model = over(target);
    const inputs = shape === 'index' ? ndarray(new Int32Array([4, 0, 2]), [3]) : waves([3, ...shape], 1);
    const cs = waves([3, 3], 2);
    const apply = (k: Tensor, code: Tensor, input: Tensor) => model.apply(model.init(k), { code, input });
    const [whole] = run(
      (k: Tensor, code: Tensor, input: Tensor) => vmap((c: Tensor, x: Tensor) => apply(k, c, x))(code, input),
      key,
      cs,
      inputs,
    );
    for (let b = 0; b < 3; b++) {
      const [one] = run(apply, key, row(cs, b), row(inputs, b));
      const got = row(whole!, b);
      expect(got.shape).toEqual(one!.shape);
      one!.data.forEach((value, i) => {
        expect(got.data[i]).toBeCloseTo(value, 9);
      });
    }
  },
);

/** The shapes of matrix products in a program, which count what it does. */
const products = (f: (...args: never[]) => unknown, ...args: unknown[]): string[] =>
  trace(f, ...args).program.nodes.flatMap(({ op, outputs }) => (op === 'matmul' ? [outputs[0]!.shape.join('x')] : []));

const f32 = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
const keySpec = { dtype: 'uint32', shape: [2] } as const;

test('a code for a group of points generates its weights once, in the forward pass and in the gradient', () => {
  const points = hypernetwork(nn.each(nn.mlp({ in: 2, hidden: [5], out: 1 })), { code: 3, head: heads.dense() });
  const tasks = (k: Tensor, code: Tensor, input: Tensor) => {
    const loss = (params: nn.ParamsOf<typeof points>) =>
      mean(vmap((c: Tensor, x: Tensor) => mean(square(points.apply(params, { code: c, input: x }))))(code, input));
    return valueAndGrad(loss)(points.init(k));
  };
  // Four tasks of sixty points: the head makes 4 times each weight, not 240 times.
  const all = products(tasks, keySpec, f32(4, 3), f32(4, 60, 2));
  const generating = all.filter((shape) => /^(4x10|4x5|4x1x10|4x1x5)$/.test(shape));
  expect(generating.length).toBeGreaterThanOrEqual(3);
  expect(all.filter((shape) => shape.startsWith('240'))).toEqual([]);
  expect(all.filter((shape) => shape.startsWith('4x60x')).length).toBeGreaterThanOrEqual(2);
});

test('a code that the whole batch shares generates its weights once', () => {
  const model = hypernetwork(nn.linear({ in: 7, out: 11 }), {
    code: codes.learned({ size: 3 }),
    head: heads.dense(),
    generate: 'weight',
  });
  const batched = (k: Tensor, input: Tensor) => vmap((x: Tensor) => model.apply(model.init(k), { input: x }))(input);
  expect(products(batched, keySpec, f32(64, 7)).sort()).toEqual(['1x77', '64x11']);
});

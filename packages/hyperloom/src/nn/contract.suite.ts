import { expect } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import {
  constant,
  grad,
  mul,
  type NdArray,
  ndarray,
  random,
  type Shape,
  sizeOf,
  sum,
  type Tensor,
  trace,
  tree,
  vmap,
} from '../tensor/index.ts';
import type * as nn from './index.ts';

/** A layer under the contract. */
export interface LayerCase {
  readonly layer: nn.AnyModule;
  /** Shape of one example, or its integers. */
  readonly input: Shape | { readonly below: number; readonly shape: Shape };
  readonly output: Shape;
}

const batch = 3;

/** Numbers from -1 to 1 that look random and are the same in every run. */
const waves = (shape: Shape, phase: number): NdArray =>
  ndarray(
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * phase)),
    shape,
  );

const inputOf = ({ input }: LayerCase): NdArray => {
  if (!('below' in input)) return waves([batch, ...input], 1);
  const shape = [batch, ...input.shape];
  return ndarray(
    Int32Array.from({ length: sizeOf(shape) }, (_, i) => (7 * i + 3) % input.below),
    shape,
  );
};

const row = ({ shape: [, ...rest], data }: NdArray, b: number): NdArray =>
  ndarray(data.slice(b * sizeOf(rest), (b + 1) * sizeOf(rest)), rest);

const run = <A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: readonly unknown[]): NdArray[] =>
  evaluate(trace(f as (...all: never[]) => unknown, ...args).program, tree.leaves<NdArray>(args));

function expectSame(got: readonly NdArray[], rows: readonly (readonly NdArray[])[]): void {
  got.forEach((whole, i) => {
    rows.forEach((expected, b) => {
      const own = row(whole, b);
      expect(own.shape).toEqual(expected[i]?.shape);
      own.data.forEach((x, at) => {
        expect(x).toBeCloseTo(expected[i]?.data[at] as number, 9);
      });
    });
  });
}

/**
 * What every layer promises: fresh weights fit the spec; a batch of inputs, of weights or of both gives what each example
 * gives; gradients reach every weight that is trained, and those of a batch of weights are those of each.
 */
export function keepsContract(item: LayerCase): void {
  const { layer, output } = item;
  const context = { training: true, key: random.key(1) };
  const apply = (params: unknown, x: Tensor) => layer.apply(params as never, x, context);
  const inputs = inputOf(item);
  const specs = tree.leaves<nn.WeightSpec>(layer.spec);
  const trained = specs.map((spec) => spec.trained);
  const stacked = tree.unflatten(
    layer.spec,
    specs.map(({ shape }, i) => waves([batch, ...shape], i + 2)),
  );
  const paramsAt = (b: number) => tree.map((w: NdArray) => row(w, b), stacked);
  const each = <T>(f: (b: number) => T) => Array.from({ length: batch }, (_, b) => f(b));

  // Fresh weights fit the spec, and every spec is complete.
  const fresh = layer.init(random.key(0));
  expect(tree.paths(fresh)).toEqual(tree.paths(layer.spec));
  expect(tree.leaves<Tensor>(fresh).map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(
    specs.map(({ dtype, shape }) => ({ dtype, shape })),
  );
  for (const { fanIn, fanOut } of specs) expect(Math.min(fanIn, fanOut)).toBeGreaterThan(0);

  // One example; a batch of inputs; of weights; of both.
  const [one] = run(apply, paramsAt(0), row(inputs, 0));
  expect(one?.shape).toEqual(output);
  expectSame(
    run(vmap(apply, { in: [null, 0] }), paramsAt(0), inputs),
    each((b) => run(apply, paramsAt(0), row(inputs, b))),
  );
  expectSame(
    run(vmap(apply), stacked, inputs),
    each((b) => run(apply, paramsAt(b), row(inputs, b))),
  );
  if (specs.length === 0) return;
  expectSame(
    run(vmap(apply, { in: [0, null] }), stacked, row(inputs, 0)),
    each((b) => run(apply, paramsAt(b), row(inputs, 0))),
  );

  // Gradients reach every weight, and those of a batch of weights are those of each.
  const score = grad((params: unknown, x: Tensor) => sum(mul(apply(params, x), constant(waves(output, 9)))));
  const gradients = each((b) => run(score, paramsAt(b), row(inputs, b)));
  for (const own of gradients) expect(own.map(({ data }) => data.some((x) => Math.abs(x) > 1e-9))).toEqual(trained);
  expectSame(run(vmap(score), stacked, inputs), gradients);
}

import { expect, expectTypeOf, it } from 'vitest';
import { constant, type Tensor } from './tensor.ts';
import * as tree from './tree.ts';

const [a, b, c] = [constant(1), constant(2), constant(3)];
const params = { conv: { weight: a, bias: b }, layers: [c, { scale: a }], none: null };

it('maps leaves, keeps the form, and passes their places on', () => {
  expect(tree.map((t: Tensor) => t.dtype, params)).toEqual({
    conv: { weight: 'float32', bias: 'float32' },
    layers: ['float32', { scale: 'float32' }],
    none: null,
  });
  expect(tree.mapWithPath((_: Tensor, path) => path, params)).toEqual({
    conv: { weight: 'conv.weight', bias: 'conv.bias' },
    layers: ['layers.0', { scale: 'layers.1.scale' }],
    none: null,
  });
});

it('maps several trees of one structure together', () => {
  const sums = tree.map((x: number, y: number) => x + y, { p: 1, q: [2, 3] }, { p: 10, q: [20, 30], other: 0 });
  expect(sums).toEqual({ p: 11, q: [22, 33] });
  expect(() => tree.map((x: number) => x, { p: 1, q: [2, 3] }, { p: 1, q: [2] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: tree: expected trees of one structure, got one without q.1]`,
  );
  expect(() => tree.map((x: number) => x, { p: { r: 1 } }, { p: 1 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: tree: expected trees of one structure, got one without p.r]`,
  );
});

it('lists leaves and paths, and builds the tree again', () => {
  expect(tree.leaves(params)).toEqual([a, b, c, a]);
  expect(tree.paths(params)).toEqual(['conv.weight', 'conv.bias', 'layers.0', 'layers.1.scale']);
  expect(tree.flatten(params)).toEqual({ 'conv.weight': a, 'conv.bias': b, 'layers.0': c, 'layers.1.scale': a });
  expect(tree.unflatten(params, tree.leaves(params))).toEqual(params);
  expect(() => tree.unflatten(params, [a])).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: tree: expected 4 leaves, got 1]`,
  );
});

it('takes a single leaf and an empty tree', () => {
  expect(tree.leaves(a)).toEqual([a]);
  expect(tree.paths(a)).toEqual(['']);
  expect(tree.leaves({})).toEqual([]);
  expect(tree.leaves(undefined)).toEqual([]);
});

it('keeps the types of the places', () => {
  const shapes = tree.map((t: Tensor) => t.shape.length, { w: a, list: [b] as const });
  expectTypeOf(shapes.w).toEqualTypeOf<number>();
  expectTypeOf(shapes.list[0]).toEqualTypeOf<number>();
});

import { expect, expectTypeOf, test } from 'vitest';
import { constant, random, type Tensor, tree, zerosArray } from '../tensor/index.ts';
import * as nn from './index.ts';

const cnn = nn.sequential({
  conv: nn.conv2d({ in: 1, out: 2, kernel: 3 }),
  relu: nn.relu,
  pool: nn.maxPool({ window: 2 }),
  flatten: nn.flatten,
  fc: nn.linear({ in: 8, out: 3 }),
});

test('params stand under the names of the layers', () => {
  const params = cnn.init(random.key(0));
  expectTypeOf(params.conv.weight).toEqualTypeOf<Tensor>();
  expectTypeOf(params.fc.bias).toEqualTypeOf<Tensor | undefined>();
  expect(tree.paths(params)).toEqual(['conv.weight', 'conv.bias', 'fc.weight', 'fc.bias']);
  expect(cnn.apply(params, constant(zerosArray('float32', [1, 6, 6]))).shape).toEqual([3]);
});

test('an array of layers has positions for names', () => {
  const net = nn.sequential([nn.linear({ in: 2, out: 3 }), nn.tanh, nn.linear({ in: 3, out: 1, bias: false })]);
  const params = net.init(random.key(0));
  expectTypeOf(params[0].weight).toEqualTypeOf<Tensor>();
  expect(tree.paths(params)).toEqual(['0.weight', '0.bias', '2.weight']);
  expect(net.apply(params, constant([1, 2])).shape).toEqual([1]);
});

test('containers nest, and errors name the way to the layer', () => {
  const net = nn.sequential({ encoder: cnn, head: nn.sequential({ fc: nn.linear({ in: 4, out: 1 }) }) });
  const params = net.init(random.key(0));
  expectTypeOf(params.encoder.conv.weight).toEqualTypeOf<Tensor>();
  const image = constant(zerosArray('float32', [1, 6, 6]));
  expect(() => net.apply(params, image)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: linear "head.fc": expected [..., 4], got [3]]`,
  );
  const odd = { ...params, head: { fc: { weight: constant([1]) } } };
  expect(() => net.apply(odd, image)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: sequential: expected a weight head.fc.weight [4, 1], got [1]]`,
  );
  expect(() => net.apply({} as typeof params, image)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: sequential: expected a weight encoder.conv.weight [2, 1, 3, 3], got none]`,
  );
});

test('names must keep their order and make paths', () => {
  expect(() => nn.sequential({})).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: sequential: expected at least one layer, got none]`,
  );
  expect(() => nn.sequential({ b: nn.relu, 1: nn.tanh })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: sequential: expected names that are not numbers and hold no dots, got "1"]`,
  );
  expect(() => nn.sequential({ 'a.b': nn.relu })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: sequential: expected names that are not numbers and hold no dots, got "a.b"]`,
  );
});

import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { constant, mul, random, type Tensor, trace } from '../tensor/index.ts';
import { ones } from './init.ts';
import { applyChild, countParams, defineModule, type Module, type ParamsOf, pathHash, weight } from './module.ts';

const scale = defineModule({
  name: 'scale',
  spec: { factor: weight({ shape: [2], role: 'scale', init: ones }) },
  apply: ({ factor }, x: Tensor) => mul(x, factor),
});

const valuesOf = (f: () => unknown) => evaluate(trace(f).program, []).map(({ data }) => [...data]);

test('params have the types of the spec', () => {
  const params: ParamsOf<typeof scale> = scale.init(random.key(0));
  const layer: Module = scale;
  expect(params.factor.shape).toEqual([2]);
  expect(layer.name).toBe('scale');
});

test('the weights of a layer depend on its path alone', () => {
  const two = { a: weight({ shape: [3] }), b: { c: weight({ shape: [2] }) } };
  const one = { b: { c: weight({ shape: [2] }) } };
  const make = <S>(spec: S) => defineModule({ name: 'm', spec, apply: (_, x: Tensor) => x }).init(random.key(7));
  expect(valuesOf(() => make(two).b.c)).toEqual(valuesOf(() => make(one).b.c));
  expect(valuesOf(() => make(two).a)[0]?.slice(0, 2)).not.toEqual(valuesOf(() => make(two).b.c)[0]);
});

test('pathHash is 32-bit FNV-1a', () => {
  expect([pathHash(''), pathHash('a'), pathHash('foobar')]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
});

test('countParams adds up sizes', () => {
  expect(countParams(scale.spec)).toBe(2);
  expect(countParams({})).toBe(0);
});

test('errors name the children they come from', () => {
  const run = () => applyChild('outer', scale, scale.init(random.key(0)), constant([1, 2, 3]));
  expect(run).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: mul "outer": expected shapes that broadcast, got [3] and [2]]`,
  );
});

test('weight refuses what is no size', () => {
  expect(() => weight({ shape: [2, 0] })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: weight: expected whole sizes of at least 1, got [2, 0]]`,
  );
  expect(() => weight({ shape: [2, 3], fanIn: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: weight: expected a positive fanIn, got 0]`,
  );
});

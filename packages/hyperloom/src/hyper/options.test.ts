import { expect, test } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import { constant, type NdArray, ndarray, random, type Tensor, trace, tree } from '../tensor/index.ts';
import { codes, heads, hypernetwork } from './index.ts';

const run = (f: (...args: never[]) => unknown, ...args: NdArray[]): number[][] =>
  evaluate(trace(f, ...args).program, args).map(({ data }) => [...data]);
const key = random.keyArray(3);
const target = nn.mlp({ in: 2, hidden: [64], out: 1 });

test('with a base, a network starts as the base whatever the code', () => {
  for (const base of [true, 'frozen'] as const) {
    const model = hypernetwork(target, { code: 3, head: heads.dense({ hidden: [4] }), base });
    const [generated, own] = run(
      (k: Tensor, code: Tensor) => {
        const params = model.init(k);
        return [model.generate(params, code)['layer0.weight'], params.base['layer0.weight']];
      },
      key,
      ndarray([1, -1, 2]),
    );
    expect(generated).toEqual(own);
    expect(generated!.some((v) => v !== 0)).toBe(true);
    const trained = tree.leaves<nn.WeightSpec>(model.spec.base).map((w) => w.trained);
    expect(new Set(trained)).toEqual(new Set([base === true]));
  }
  expect(() =>
    hypernetwork(target, { code: 3, head: heads.dense(), base: { params: { layer0: {} } } }),
  ).toThrowErrorMatchingInlineSnapshot(`[ArgumentError: base: expected layer0.weight [2, 64], got none]`);
  expect(() =>
    hypernetwork(target, { code: 3, head: heads.dense(), base: 'frosen' as never }),
  ).toThrowErrorMatchingInlineSnapshot(`[ArgumentError: base: expected true, 'frozen' or { params }, got "frosen"]`);
  expect(() =>
    hypernetwork(target, { code: 3, head: heads.dense(), base: { params: target.init(random.key(0)) } }),
  ).toThrowErrorMatchingInlineSnapshot(`[ArgumentError: base: expected layer0.weight [2, 64], got no array]`);
});

test('scaled in the target, a head generates unit variance and the network has its own', () => {
  const model = hypernetwork(target, { code: 16, head: heads.dense(), scaling: 'target' });
  const specs = tree.flatten<nn.WeightSpec>(model.spec.head.out);
  const std = (path: string) => specs[path]!.init.std!(specs[path]!);
  // Sixteen inputs of unit second moment: the head's own weights have variance 1/16 for every layer of the target.
  expect(std('layer0.weight.weight')).toBeCloseTo(1 / 4, 12);
  expect(std('layer1.weight.weight')).toBeCloseTo(1 / 4, 12);
  const [w] = run(
    (k: Tensor, code: Tensor) => model.generate(model.init(k), code)['layer0.weight'],
    key,
    ndarray(Array.from({ length: 16 }, (_, i) => (i % 2) * 2 - 1)),
  );
  const variance = w!.reduce((a, v) => a + v * v, 0) / w!.length;
  expect(variance).toBeGreaterThan(0.6);
  expect(variance).toBeLessThan(1.6);
});

test('stored weights of each code are the rows of a table, drawn row by row', () => {
  const make = (count: number) =>
    hypernetwork(target, {
      code: codes.embeddings({ count, size: 2 }),
      head: heads.dense(),
      generate: 'layer0.*',
      perCode: { count, weights: 'layer1.*' },
    });
  const weights = (count: number) => run((k: Tensor) => make(count).init(k).target['layer1.weight'], key)[0]!;
  const few = weights(2);
  expect(weights(3).slice(0, few.length)).toEqual(few);
  const model = make(3);
  const [own] = run((k: Tensor) => {
    const params = model.init(k);
    return (model.materialise(params, constant(1, 'int32')) as { layer1: { weight: Tensor } }).layer1.weight;
  }, key);
  expect(own).toEqual(weights(3).slice(64, 128));
});

test('perCode and scaling are checked', () => {
  const table = codes.embeddings({ count: 3, size: 2 });
  expect(() =>
    hypernetwork(target, {
      code: table,
      head: heads.dense(),
      generate: 'layer0.*',
      perCode: { count: 4, weights: 'layer1.*' },
    }),
  ).toThrowErrorMatchingInlineSnapshot(`[ArgumentError: perCode: expected a count of 3, as of the codes, got 4]`);
  const head = heads.dense();
  expect(() =>
    hypernetwork(target, { code: 2, head, generate: 'layer0.*', perCode: { count: 2, weights: 'layer0.*' } }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: perCode: expected a pattern that matches a stored weight (layer1.weight, layer1.bias), got "layer0.*"]`,
  );
  const model = hypernetwork(target, {
    code: 2,
    head,
    generate: 'layer0.*',
    perCode: { count: 2, weights: 'layer1.*' },
  });
  expect(() => model.materialise(model.init(random.key(0)), constant([1, 2]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: perCode: expected the code to be an int32 scalar, the row of its weights]`,
  );
  expect(() => hypernetwork(target, { code: 2, head, scaling: 'both' as never })).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: hypernetwork: expected scaling head or target, got both]`,
  );
});

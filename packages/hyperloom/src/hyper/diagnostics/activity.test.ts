import { expect, test } from 'vitest';
import { runOnce } from '../../engine/index.ts';
import { referenceEngine } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import { type NdArray, ndarray, random, type Tensor, trace } from '../../tensor/index.ts';
import { codes, defineHead, type Head, heads, hypernetwork, probeActivity, readActivity } from '../index.ts';

/** A head that generates the given values whatever the code. */
const fixed = (values: Readonly<Record<string, NdArray>>): Head =>
  defineHead({
    name: 'fixed',
    spec: () => ({}),
    apply: (_: never, __: Tensor, target) =>
      Object.fromEntries(
        Object.keys(target).map((path) => [path, nn.init.values(values[path]!)(random.key(0), target[path]!)]),
      ),
  }) as never;

const activity = async (target: unknown, head: Head, xs: NdArray) => {
  const model = hypernetwork(target as nn.Module, { code: 1, head });
  const measured = await runOnce(
    referenceEngine(),
    (c: Tensor, x: Tensor) => probeActivity(model, model.init(random.key(0)), { codes: c, inputs: x }),
    ndarray(new Float32Array(xs.shape[0]!).fill(1), [xs.shape[0]!, 1]),
    xs,
  );
  return readActivity(measured);
};

test('units that no example activates are dead', async () => {
  const target = nn.mlp({ in: 1, hidden: [4], out: 1 });
  const weights = {
    'layer0.weight': ndarray([[1, -1, 0, 0]]),
    'layer0.bias': ndarray([0, 0, -1, 1]),
    'layer1.weight': ndarray([[1], [1], [1], [1]]),
    'layer1.bias': ndarray([0]),
  };
  const { layers, warnings } = await activity(target, fixed(weights), ndarray([[-1], [1], [2], [3]]));
  // Of four examples the first unit is flat for one, the second for three, the third for all, the fourth for none.
  expect(layers).toEqual([{ layer: 'layer0', activation: 'relu', units: 4, stuck: 1, flat: 8 / 16 }]);
  expect(warnings).toEqual([]);
  const buried = { ...weights, 'layer0.bias': ndarray([-9, -9, -9, -9]) };
  expect((await activity(target, fixed(buried), ndarray([[-1], [1], [2], [3]]))).warnings).toEqual([
    'layer0: 4 of 4 relu units are dead for every example.',
  ]);
});

test('the units of a feature map are its channels, and a layer in a container has its name', async () => {
  const target = nn.sequential({ conv: nn.conv2d({ in: 1, out: 2, kernel: 1 }), squash: nn.tanh });
  const weights = {
    'conv.weight': ndarray([1, 100], [2, 1, 1, 1]),
    'conv.bias': ndarray([0, 0]),
  };
  const xs = ndarray([0.1, 0.2, 0.3, 9], [1, 1, 2, 2]);
  const { layers, warnings } = await activity(target, fixed(weights), xs);
  expect(layers).toEqual([{ layer: 'squash', activation: 'tanh', units: 2, stuck: 1, flat: expect.closeTo(5 / 8, 6) }]);
  expect(warnings).toEqual([]);
});

test('a group of points under one code has the units of one point', async () => {
  const target = nn.each(nn.mlp({ in: 1, hidden: [2], out: 1 }));
  const weights = {
    'layer0.weight': ndarray([[1, 1]]),
    'layer0.bias': ndarray([0, -9]),
    'layer1.weight': ndarray([[1], [1]]),
    'layer1.bias': ndarray([0]),
  };
  const { layers } = await activity(target, fixed(weights), ndarray([1, -1, 2, 3, 4, 5], [2, 3, 1]));
  expect(layers).toEqual([
    { layer: 'layer0', activation: 'relu', units: 2, stuck: 1, flat: expect.closeTo(7 / 12, 6) },
  ]);
});

test('the layers of a head are seen, with and without a code', () => {
  const target = nn.mlp({ in: 2, hidden: [4, 3], out: 1 });
  const layersOf = (code: unknown, source: unknown) => {
    const model = hypernetwork(target as nn.Module, {
      code: code as never,
      head: heads.dense({ hidden: [5, 6] }) as never,
    });
    const { output } = trace(
      (c: Tensor, x: Tensor) => probeActivity(model, model.init(random.key(0)), { codes: source && c, inputs: x }),
      { dtype: 'float32', shape: [7, 3] },
      { dtype: 'float32', shape: [7, 2] },
    );
    return Object.entries(output as Record<string, { shape: readonly number[] }>).map(([name, { shape }]) => [
      name,
      shape,
    ]);
  };
  const expected = [
    ['head:relu', [5]],
    ['head:relu 2', [6]],
    ['layer0:relu', [4]],
    ['layer1:relu', [3]],
  ];
  const probe = Object.fromEntries(expected.map(([name]) => [name as string, ndarray([0, 1])]));
  expect(readActivity(probe).layers.map(({ layer }) => layer)).toEqual(['head', 'head 2', 'layer0', 'layer1']);
  expect(layersOf(3, true)).toEqual(expected);
  expect(layersOf(codes.learned({ size: 3 }), undefined)).toEqual(expected);
});

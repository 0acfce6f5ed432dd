import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { compileFunction, runOnce } from '../../engine/index.ts';
import { nodeRuntime, ortEngine } from '../../engine/ort/index.ts';
import { evaluate } from '../../engine/reference/index.ts';
import { exportNetwork } from '../../io/index.ts';
import { keepsContract, type LayerCase } from '../../nn/contract.suite.ts';
import * as nn from '../../nn/index.ts';
import {
  constant,
  grad,
  mul,
  type NdArray,
  ndarray,
  random,
  sizeOf,
  sum,
  type Tensor,
  trace,
  tree,
  vmap,
} from '../../tensor/index.ts';
import { numbers } from '../../tensor/testing.ts';
import {
  condConv2d,
  dyConv2d,
  dynamic,
  dynamicFilter2d,
  fullConv2d,
  heads,
  type Probed,
  varianceProbe,
  varianceReport,
} from '../index.ts';

const engine = ortEngine({ threads: 1, spinning: false });
afterAll(() => engine.dispose());

const untyped = (layer: unknown): nn.AnyModule => layer as nn.AnyModule;
const means = (channels: number, size: number) =>
  nn.sequential({ pool: nn.globalAvgPool, fc: nn.linear({ in: channels, out: size }) });

/** Layers, an input and an output of each. */
const cases: Readonly<Record<string, LayerCase>> = {
  condConv2d: {
    layer: untyped(condConv2d({ in: 2, out: 3, kernel: 3, padding: 'same', experts: 3 })),
    input: [2, 4, 5],
    output: [3, 4, 5],
  },
  'condConv2d of groups': {
    layer: untyped(condConv2d({ in: 4, out: 4, kernel: 3, groups: 2, stride: 2, padding: 1, bias: false, experts: 2 })),
    input: [4, 5, 5],
    output: [4, 3, 3],
  },
  dyConv2d: {
    layer: untyped(dyConv2d({ in: 4, out: 3, kernel: [3, 2], reduction: 2, temperature: 2 })),
    input: [4, 4, 4],
    output: [3, 2, 3],
  },
  'dyConv2d of a schedule': {
    layer: untyped(dyConv2d({ in: 4, out: 2, kernel: 3, reduction: 2, temperature: { from: 9, to: 1, steps: 4 } })),
    input: [4, 4, 4],
    output: [2, 2, 2],
  },
  fullConv2d: {
    layer: untyped(fullConv2d({ in: 2, out: 3, kernel: 3, padding: 'same', dilation: 2 })),
    input: [2, 4, 5],
    output: [3, 4, 5],
  },
  dynamicFilter2d: {
    layer: untyped(dynamicFilter2d({ in: 4, out: 3, kernel: 3, groups: 2, reduction: 1 })),
    input: [4, 3, 4],
    output: [3, 3, 4],
  },
  'dynamicFilter2d strided': {
    layer: untyped(dynamicFilter2d({ in: 4, out: 3, kernel: 5, stride: 2, reduction: 1, bias: false })),
    input: [4, 4, 6],
    output: [3, 2, 3],
  },
  'dynamic depthwise': {
    layer: untyped(
      dynamic(nn.conv2d({ in: 3, out: 3, kernel: 3, groups: 3, padding: 1 }), {
        encode: means(3, 4),
        size: 4,
        normalize: true,
        head: heads.dense(),
        generate: 'weight',
      }),
    ),
    input: [3, 4, 4],
    output: [3, 4, 4],
  },
  'dynamic linear': {
    layer: untyped(
      dynamic(nn.linear({ in: 4, out: 3 }), {
        encode: nn.linear({ in: 4, out: 2 }),
        size: 2,
        head: heads.lowRank({ rank: 1 }),
      }),
    ),
    input: [4],
    output: [3],
  },
};
const named = Object.entries(cases).map(([name, item]) => ({ name, item }));

test.each(named)('$name keeps the contract of layers', ({ item }) => {
  keepsContract(item);
});

interface Flat {
  readonly shape: number[];
  readonly data: number[];
}
interface Golden {
  readonly x: Flat;
  readonly params: Record<string, Flat>;
  readonly cotangent: Flat;
  readonly output: Flat;
  readonly grads: Record<string, Flat>;
}
const goldens = (
  JSON.parse(readFileSync(new URL('../../../goldens/dynamic.json', import.meta.url), 'utf8')) as {
    readonly cases: Record<string, Golden>;
  }
).cases;
const f64 = ({ shape, data }: Flat): NdArray => ndarray(Float64Array.from(data), shape);

const likePyTorch: Readonly<Record<string, nn.AnyModule>> = {
  condConv2d: untyped(condConv2d({ in: 2, out: 4, kernel: 3, stride: 2, padding: 1, experts: 3 })),
  dyConv2d: untyped(dyConv2d({ in: 2, out: 4, kernel: 3, groups: 2, temperature: 4 })),
  fullConv2d: untyped(fullConv2d({ in: 2, out: 4, kernel: 3, padding: 'same', code: 3 })),
  dynamicFilter2d: untyped(dynamicFilter2d({ in: 4, out: 3, kernel: 3, groups: 2, reduction: 0.5 })),
  'dynamicFilter2d strided': untyped(
    dynamicFilter2d({ in: 6, out: 2, kernel: 5, groups: 3, reduction: 0.25, stride: 2 }),
  ),
};

test.each(Object.keys(goldens))('%s gives the values and gradients of PyTorch', (name) => {
  const { x, params, cotangent, output, grads } = goldens[name]!;
  const layer = likePyTorch[name]!;
  const weights = tree.mapWithPath((_, path) => f64(params[path]!), layer.spec as unknown);
  const run = (p: { readonly weights: unknown; readonly x: Tensor }): Tensor =>
    vmap((one: Tensor) => layer.apply(p.weights as never, one))(p.x);
  const both = (p: { readonly weights: unknown; readonly x: Tensor }) => ({
    y: run(p),
    grads: grad((own: typeof p) => sum(mul(run(own), constant(f64(cotangent)))))(p),
  });
  const args = { weights, x: f64(x) };
  const [y, ...gradients] = evaluate(trace(both, args as never).program, tree.leaves<NdArray>(args));
  const expected = [...tree.paths(layer.spec).map((path) => grads[path]!), grads.x!];
  expect(gradients).toHaveLength(expected.length);
  [y!, ...gradients].forEach((got, i) => {
    const { shape, data } = i === 0 ? output : expected[i - 1]!;
    expect(got.shape).toEqual(shape);
    data.forEach((v, at) => {
      expect(Math.abs(got.data[at]! - v), `${i} ${at}`).toBeLessThan(1e-9 * (1 + Math.abs(v)));
    });
  });
});

test.each(named)('$name: gradients along a direction are those of finite differences', ({ item: { layer, input } }) => {
  const args = {
    params: tree.map(({ shape }: nn.WeightSpec) => numbers(shape, 3), layer.spec as unknown),
    x: numbers(input as number[], 4),
  };
  const untrained = new Set(
    Object.entries(tree.flatten<nn.WeightSpec>(layer.spec)).flatMap(([path, { trained }]) =>
      trained ? [] : [`params.${path}`],
    ),
  );
  const score = ({ params, x }: { readonly params: unknown; readonly x: Tensor }): Tensor => {
    const y = layer.apply(params as never, x);
    return sum(mul(y, constant(numbers(y.shape, 5))));
  };
  const along = tree.mapWithPath(
    ({ shape }: NdArray, path) => (untrained.has(path) ? mulled(numbers(shape, 6), 0) : numbers(shape, 6)),
    args,
  );
  const moved = (step: number) =>
    tree.map(
      (a: NdArray, d: NdArray) => ndarray(a.data.map((v, i) => v + step * d.data[i]!) as Float64Array, a.shape),
      args,
      along,
    );
  const f = trace(score as never, args as never).program;
  const slope =
    (evaluate(f, tree.leaves(moved(1e-5)))[0]!.data[0]! - evaluate(f, tree.leaves(moved(-1e-5)))[0]!.data[0]!) / 2e-5;
  const directions = tree.leaves<NdArray>(along);
  const gradients = evaluate(trace(grad(score as never), args as never).program, tree.leaves<NdArray>(args));
  const expected = gradients.reduce(
    (total, { data }, i) => total + Array.from(data).reduce((n, v, at) => n + v * directions[i]!.data[at]!, 0),
    0,
  );
  expect(Math.abs(slope - expected)).toBeLessThan(1e-5 * (1 + Math.abs(expected)));
});

const mulled = ({ shape, data }: NdArray, by: number): NdArray =>
  ndarray(data.map((v) => v * by) as Float64Array, shape);

/** Layers of one kind that take and give 16 channels. */
const kinds: Readonly<Record<string, () => nn.AnyModule>> = {
  full: () => untyped(fullConv2d({ in: 16, out: 16, kernel: 3, padding: 'same', init: nn.init.kaimingNormal() })),
  sigmoid: () =>
    untyped(condConv2d({ in: 16, out: 16, kernel: 3, padding: 'same', experts: 4, init: nn.init.kaimingNormal() })),
  softmax: () =>
    untyped(dyConv2d({ in: 16, out: 16, kernel: 3, padding: 'same', init: nn.init.kaimingNormal(), temperature: 34 })),
  filters: () => untyped(dynamicFilter2d({ in: 16, out: 16, kernel: 3, groups: 2, init: nn.init.kaimingNormal() })),
};
const plain = (kernel: number) => () =>
  nn.conv2d({ in: 16, out: 16, kernel, padding: 'same', init: nn.init.kaimingNormal() });
const deep = (layer: () => nn.AnyModule) =>
  nn.sequential(
    Object.fromEntries(
      Array.from({ length: 4 }, (_, i) => [
        [`conv${i}`, layer()],
        [`relu${i}`, nn.relu],
      ]).flat(),
    ),
  );

describe('first activations of four layers are those of ordinary ones', () => {
  const keys = 40;
  const images = ndarray(
    Float32Array.from(numbers([4, 16, 6, 6], 7).data, (v) => 1.4 * v),
    [4, 16, 6, 6],
  );
  const measured = async (layer: () => nn.AnyModule) => {
    const probe = varianceProbe(deep(layer) as unknown as Probed);
    const f = await compileFunction(engine, probe as never, random.keyArray(0), { input: images });
    const samples: never[] = [];
    for (let key = 0; key < keys; key++)
      samples.push((await f(...([random.keyArray(key), { input: images }] as never[]))) as never);
    await f.dispose();
    return varianceReport(samples).layers.map(({ path, activation }) => [path, activation.model] as const);
  };
  // The random numbers that a local filter starts with are those of its mixing layer.
  const ordinary = { filters: measured(plain(1)), others: measured(plain(3)) };

  test.each(Object.keys(kinds))('%s', async (kind) => {
    const reference = new Map(await (kind === 'filters' ? ordinary.filters : ordinary.others));
    const own = (await measured(kinds[kind]!)).filter(([path]) => path.startsWith('relu'));
    expect(own).toHaveLength(4);
    for (const [path, value] of own) {
      const ratio = value / reference.get(path)!;
      if (process.env.SPREAD) console.log(kind, path, ratio);
      expect(ratio, path).toBeGreaterThan(0.5);
      expect(ratio, path).toBeLessThan(2);
    }
  });
});

test.each(Object.keys(kinds))('a net with a layer of the kind %s is exported for batches of any size', async (kind) => {
  const net = nn.sequential({
    conv: nn.conv2d({ in: 1, out: 16, kernel: 3, padding: 'same' }),
    relu: nn.relu,
    dynamic: kinds[kind]!(),
    pool: nn.globalAvgPool,
    fc: nn.linear({ in: 16, out: 3 }),
  }) as unknown as nn.AnyModule;
  const params = await runOnce(engine, (key: Tensor) => net.init(key) as never, random.keyArray(3));
  const bytes = exportNetwork(net as never, params, { dtype: 'float32', shape: [1, 6, 6] });
  const { module, session: options } = await nodeRuntime();
  const session = await module.InferenceSession.create(bytes, { ...options, logSeverityLevel: 4 });
  for (const batch of [1, 5]) {
    const x = ndarray(Float32Array.from(numbers([batch, 1, 6, 6], batch).data), [batch, 1, 6, 6]);
    const own = await runOnce(
      engine,
      ((p: never, images: Tensor) => vmap((one: Tensor) => net.apply(p, one))(images)) as never,
      ...([params, x] as never[]),
    );
    const { output } = await session.run({ input: new module.Tensor('float32', x.data as Float32Array, x.shape) });
    expect(output!.dims).toEqual([batch, 3]);
    const { data } = own as unknown as NdArray;
    for (const [i, value] of data.entries()) expect((output!.data as Float32Array)[i]).toBeCloseTo(value, 4);
  }
  await session.release();
});

describe('what a layer tells of itself', () => {
  const image = ndarray(Float32Array.from(numbers([8, 6, 6], 2).data), [8, 6, 6]);
  const x = constant(image);

  test('the coefficients of a mixture are those that mix', () => {
    const layer = dyConv2d({ in: 8, out: 2, kernel: 3, experts: 3 });
    const params = layer.init(random.key(2));
    const own = (input: Tensor) => {
      const { weight } = layer.weights(params, input);
      const alpha = layer.coefficients(params, input);
      const experts = params.head.experts.weight!.weight;
      return { weight, alpha, experts };
    };
    const [weight, alpha, experts] = evaluate(trace(own as never, image as never).program, [image]);
    expect([...alpha!.data].reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    const size = sizeOf(weight!.shape);
    weight!.data.forEach((w, i) => {
      const mixed = [0, 1, 2].reduce((total, k) => total + alpha!.data[k]! * experts!.data[k * size + i]!, 0);
      expect(w).toBeCloseTo(mixed, 6);
    });
  });

  test('filters are those of each place', () => {
    const layer = dynamicFilter2d({ in: 8, out: 2, kernel: 3, groups: 4 });
    expect(layer.filters(layer.init(random.key(0)), x).shape).toEqual([4, 3, 3, 6, 6]);
    expect(layer.filterMultiplyAdds([8, 6, 6])).toBe(8 * 9 * 36);
  });

  test('errors say what was expected', () => {
    const filters = (options: object) => () => dynamicFilter2d({ in: 4, out: 2, kernel: 3, ...options });
    expect(filters({ kernel: 4 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: dynamicFilter2d: expected an odd kernel, got 4]`,
    );
    expect(filters({ groups: 3 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: dynamicFilter2d: expected in / groups to be a whole number of at least 1, got 1.3333333333333333]`,
    );
    expect(filters({ stride: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: dynamicFilter2d: expected stride to be a whole number of at least 1, got 0]`,
    );
    expect(filters({ reduction: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: dynamicFilter2d: expected a positive reduction, got 0]`,
    );
    const strided = dynamicFilter2d({ in: 8, out: 2, kernel: 3, stride: 4 });
    expect(() => strided.apply(strided.init(random.key(0)), x)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: dynamicFilter2d: expected sizes that 4 divides, got [8, 6, 6]]`,
    );
    const narrow = dynamicFilter2d({ in: 4, out: 2, kernel: 3 });
    expect(() => narrow.apply(narrow.init(random.key(0)), x)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: dynamicFilter2d: expected [4, H, W], got [8, 6, 6]]`,
    );
    expect(() => dyConv2d({ in: 4, out: 2, kernel: 3, reduction: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: dyConv2d: expected a positive reduction, got -1]`,
    );
    expect(() => condConv2d({ in: 4, out: 2, kernel: 3, experts: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.experts: expected a count of at least 1, got 0]`,
    );
    const encode = nn.linear({ in: 4, out: 2 });
    expect(() =>
      dynamic(nn.linear({ in: 4, out: 1 }), { encode, head: heads.dense() }),
    ).toThrowErrorMatchingInlineSnapshot(`[ArgumentError: codes.encoder: expected a size of at least 1, got 0]`);
    const conv = condConv2d({ in: 4, out: 2, kernel: 3 });
    expect(() => conv.apply(conv.init(random.key(0)), x)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: codes.encoder "code": expected globalAvgPool to give [4], got [8]]`,
    );
  });
});

test('the code of a layer whose whole kernel is generated has a quarter of the channels, and at least 4', () => {
  const size = (channels: number) => fullConv2d({ in: channels, out: 2, kernel: 1 }).spec.code.fc.weight.shape[1];
  expect([2, 16, 18, 40].map(size)).toEqual([4, 4, 5, 10]);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batches } from '../data/index.ts';
import { runOnce } from '../engine/index.ts';
import { ortEngine, runOnnxFile } from '../engine/ort/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { costed, heads, hypernetwork } from '../hyper/index.ts';
import { describeModel, restoreModel } from '../io/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import { cumsum, type NdArray, ndarray, random, type Tensor, tree } from '../tensor/index.ts';
import { compact, exportRun, openCheckpoint, openRun, train } from './index.ts';
import type { Trainable } from './model.ts';

const engine = referenceEngine();
const f32 = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;

/** A small network with gates, and the shape of what it reads. */
interface Sample {
  readonly module: nn.AnyModule;
  readonly input: readonly number[];
}

const chain = (layers: readonly nn.AnyModule[]): nn.AnyModule =>
  nn.sequential(layers as never) as unknown as nn.AnyModule;

const activation = fc.constantFrom<nn.AnyModule>(nn.relu, nn.tanh, nn.silu, nn.gelu);

/** A convolution, what may come between, and its gate. */
const block = (from: number, to: number): fc.Arbitrary<nn.AnyModule> =>
  fc
    .record({ kernel: fc.constantFrom(1, 3), norm: fc.boolean(), activation, first: fc.boolean() })
    .map(({ kernel, norm, activation: f, first }) =>
      chain([
        nn.conv2d({ in: from, out: to, kernel, padding: 'same' }),
        ...(norm ? [nn.batchNorm({ channels: to })] : []),
        ...(first ? [nn.gate({ channels: to }), f] : [f, nn.gate({ channels: to })]),
      ]),
    );

/** A body that a gate may skip. */
const residual = (channels: number): fc.Arbitrary<nn.AnyModule> =>
  fc
    .integer({ min: 1, max: 4 })
    .chain((wide) => block(channels, wide).map((body) => ({ wide, body })))
    .map(({ wide, body }) => {
      const layers = chain([body, nn.conv2d({ in: wide, out: channels, kernel: 1 }), nn.gate()]);
      return nn.residual(layers as never) as unknown as nn.AnyModule;
    });

const pools = [nn.maxPool({ window: 2 }), nn.avgPool({ window: 2 })];

const images: fc.Arbitrary<Sample> = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 5 }), fc.integer({ min: 2, max: 5 }))
  .chain(([a, b, c]) =>
    fc
      .record({
        first: block(a, b),
        pool: fc.constantFrom(...pools),
        second: block(b, c),
        bodies: fc.array(residual(c), { maxLength: 2 }),
        flat: fc.boolean(),
      })
      .map(({ first, pool, second, bodies, flat }) => ({
        input: [a, 6, 6],
        module: chain([
          first,
          pool,
          second,
          ...bodies,
          ...(flat ? [nn.flatten, nn.linear({ in: c * 9, out: 6 })] : [nn.globalAvgPool, nn.linear({ in: c, out: 6 })]),
          nn.gate({ channels: 6 }),
          nn.relu,
          nn.linear({ in: 6, out: 3 }),
        ]),
      })),
  );

/** Weights from a seed; gates are 0 or 1, one of each at least open. */
async function weightsOf(
  module: Trainable,
  seed: number,
  gates: (i: number, path: string, shape: readonly number[]) => number,
) {
  const drawn = await runOnce(engine, (key: Tensor) => module.init(key) as never, random.keyArray(seed));
  return tree.mapWithPath((array: NdArray, path) => {
    const values = Float32Array.from(array.data, (x, i) => {
      if (path.endsWith('gate')) return gates(i, path, array.shape);
      return path.endsWith('variance') ? 1 + 0.1 * i : x + 0.1 * Math.sin(i + path.length);
    });
    return ndarray(values, array.shape);
  }, drawn as unknown);
}

const inputOf = (shape: readonly number[]) =>
  ndarray(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 12.9898)),
    shape,
  );

const worst = (a: unknown, b: unknown): number => {
  const [x, y] = [a, b].map((array) => [...(array as NdArray).data]);
  return x!.reduce((most, value, i) => Math.max(most, Math.abs(value - y![i]!)), 0);
};

/** Bits of a seed: gates of layers may all be closed, of channels the first is open. */
const bit = (seed: number) => (i: number, path: string, shape: readonly number[]) =>
  i === 0 && shape.length > 0 ? 1 : (Math.imul(seed ^ (i * 7919) ^ (path.length * 104729), 2654435761) >>> 28) & 1;

describe('compact', () => {
  test('gives the same output with as many multiply-adds as were expected', async () => {
    await fc.assert(
      fc.asyncProperty(images, fc.integer({ min: 1, max: 1e6 }), async ({ module, input }, seed) => {
        const params = await weightsOf(module, seed, bit(seed));
        const run = openRun(module as Trainable, params, engine);
        const small = await compact(run, { input: f32(...input) });
        const x = inputOf(input);
        const again = openRun(small.module, small.params, engine);
        expect(worst(await run.apply(x), await again.apply(x))).toBeLessThan(1e-5);

        const priced = openRun(
          costed(module as never, { input: f32(...input) }) as unknown as Trainable,
          params,
          engine,
        );
        const { cost } = (await priced.apply(x)) as { cost: NdArray };
        expect(cost.data[0]! * small.multiplyAdds.before).toBeCloseTo(small.multiplyAdds.after, 1);
      }),
      { numRuns: 25 },
    );
  });

  test('cuts the network of a code, which ONNX Runtime runs, and which is saved, exported and trained on', async () => {
    const target = chain([
      nn.conv2d({ in: 1, out: 8, kernel: 3, padding: 'same' }),
      nn.batchNorm({ channels: 8 }),
      nn.gate({ channels: 8 }),
      nn.relu,
      nn.maxPool({ window: 2 }),
      nn.flatten,
      nn.linear({ in: 8 * 16, out: 3 }),
    ]);
    const head = heads.compose({ '**.gate': heads.widths(), '**': heads.dense() });
    const model = hypernetwork(target as never, {
      code: 1,
      head,
      generate: ['**.weight', '**.gate'],
    }) as unknown as Trainable;
    const input = { code: f32(1), input: f32(1, 8, 8) };
    const ort = ortEngine({ threads: 1, spinning: false });
    const params = await runOnce(engine, (key: Tensor) => model.init(key) as never, random.keyArray(1));
    const run = openRun(model, params, ort);
    const small = await compact(run, { code: [0.5], input });
    expect(small.multiplyAdds).toEqual({ before: 64 * 9 * 8 + 128 * 3, after: 64 * 9 * 4 + 64 * 3 });
    expect(small.removed).toMatchObject({ '0.weight': 36, '0.bias': 4, '1.mean': 4, '2.gate': 8, '6.weight': 192 });

    const x = inputOf([1, 8, 8]);
    const expected = (await run.apply({ code: [0.5], input: x })) as NdArray;
    const again = openRun(small.module, small.params, ort);
    expect(worst(expected, await again.apply(x))).toBeLessThan(1e-5);

    const folder = await mkdtemp(join(tmpdir(), 'compact-'));
    const path = join(folder, 'small.onnx');
    await writeFile(path, await exportRun(again, { form: 'baked' }));
    const [out] = await runOnnxFile(path, [{ input: { ...x, shape: [1, 1, 8, 8] } }]);
    expect(worst(expected, { ...out!.output!, shape: [3] })).toBeLessThan(1e-5);

    // One step at a rate of almost 0 leaves the weights where they were, which is where training starts.
    const saved = join(folder, 'checkpoint.safetensors');
    const tuned = await train(small.module, {
      data: batches({ input: inputOf([4, 1, 8, 8]), target: inputOf([4, 3]) }, { size: 4 }),
      loss: nn.losses.mse,
      optimizer: optim.sgd(1e-9),
      steps: 1,
      engine: ort,
      checkpoint: { path: saved, every: 1 },
    });
    const reopened = await openCheckpoint(saved, ort);
    expect(worst(expected, await tuned.apply(x))).toBeLessThan(1e-5);
    expect(worst(expected, await reopened.apply(x))).toBeLessThan(1e-5);
    await ort.dispose();
    await rm(folder, { recursive: true });
  });

  test('a network without gates loses what weights of 0 make useless, and keeps a bias of 0', async () => {
    const net = nn.mlp({ in: 2, hidden: [4], out: 1 });
    // Unit 1 is read by nothing, unit 3 reads nothing and adds nothing.
    const params = {
      layer0: {
        weight: ndarray([
          [1, 2, -3, 0],
          [3, 4, 5, 0],
        ]),
        bias: ndarray([0, 1, 0, 0]),
      },
      layer1: { weight: ndarray([[1], [0], [2], [7]]), bias: ndarray([0]) },
    };
    const run = openRun(net as Trainable, params, engine);
    const small = await compact(run, { input: f32(2) });
    expect(tree.map(({ shape }: NdArray) => shape.join(), small.params)).toEqual({
      layer0: { weight: '2,2', bias: '2' },
      layer1: { weight: '2,1', bias: '1' },
    });
    const x = ndarray([1, -0.5]);
    expect(worst(await run.apply(x), await openRun(small.module, small.params, engine).apply(x))).toBeLessThan(1e-6);
  });

  test('a costed model is saved with its cost; what it generates is cut and exported as ever', async () => {
    const net = chain([nn.linear({ in: 2, out: 4 }), nn.gate({ channels: 4 }), nn.linear({ in: 4, out: 1 })]);
    const head = heads.compose({ '**.gate': heads.widths(), '**': heads.dense() });
    const input = { code: f32(1), input: f32(2) };
    const model = costed(hypernetwork(net as never, { code: 1, head }) as never, { input }) as unknown as Trainable;
    const params = await runOnce(engine, (key: Tensor) => model.init(key) as never, random.keyArray(1));
    const restored = restoreModel(describeModel(model, input)) as Trainable;
    const example = { code: [0.25], input: [1, 2] };
    const first = (await openRun(model, params, engine).apply(example)) as { output: NdArray; cost: NdArray };
    const run = openRun(restored, params, engine);
    expect(await run.apply(example)).toEqual(first);
    expect(first.cost.data[0]).toBeCloseTo(0.25, 6);
    const small = await compact(run, { code: [0.25] });
    expect(small.multiplyAdds).toEqual({ before: 12, after: 3 });
    expect(worst(first.output, await openRun(small.module, small.params, engine).apply([1, 2]))).toBeLessThan(1e-6);
    expect((await exportRun(run, { form: 'baked', code: [0.25] })).length).toBeGreaterThan(100);
  });

  test('grouped norms lose whole groups, kernels that are shut lose channels, unknown layers keep all', async () => {
    const cut = async (layers: readonly nn.AnyModule[], gates: Readonly<Record<string, readonly number[]>>) => {
      const module = chain(layers) as unknown as Trainable;
      const params = await weightsOf(module, 5, (i, path) => gates[path]?.[i] ?? 1);
      const run = openRun(module, params, engine);
      const small = await compact(run, { input: f32(2, 5, 5) });
      const x = inputOf([2, 5, 5]);
      const again = openRun(small.module, small.params, engine);
      expect(worst(await run.apply(x), await again.apply(x))).toBeLessThan(1e-5);
      const shapes = tree.flatten<NdArray>(small.params);
      return Object.fromEntries(Object.entries(shapes).map(([path, { shape }]) => [path, shape.join()]));
    };
    const first = nn.conv2d({ in: 2, out: 6, kernel: 1 });
    const last = nn.conv2d({ in: 6, out: 2, kernel: 1 });
    const norm = nn.groupNorm({ channels: 6, groups: 3 });
    // Channels 0 and 1 are a group; of the second, one channel stays, and so does the other.
    const shut = { '2.gate': [0, 0, 0, 1, 1, 1] };
    const grouped = await cut([first, norm, nn.gate({ channels: 6 }), last], shut);
    expect(grouped).toMatchObject({ '0.weight': '4,2,1,1', '1.scale': '4', '3.weight': '2,4,1,1' });
    const kernels = { '0.gate': [1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1] };
    const bare = nn.conv2d({ in: 2, out: 6, kernel: 1, bias: false });
    expect(await cut([nn.kernelGate(bare) as unknown as nn.AnyModule, nn.relu, last], kernels)).toMatchObject({
      '2.weight': '2,4,1,1',
    });
    const mixing = nn.defineModule({ name: 'mixing', spec: {}, apply: (_: unknown, x: Tensor) => cumsum(x, 0) });
    expect(await cut([first, nn.gate({ channels: 6 }), mixing, last], { '1.gate': [0, 1, 1, 0, 1, 1] })).toMatchObject({
      '0.weight': '6,2,1,1',
    });
  });

  test('says what it needs', async () => {
    const run = openRun(
      nn.linear({ in: 1, out: 1 }) as Trainable,
      { weight: ndarray([[1]]), bias: ndarray([0]) },
      engine,
    );
    await expect(compact(run)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: compact: expected the types of an input of linear, got none]`,
    );
  });
});

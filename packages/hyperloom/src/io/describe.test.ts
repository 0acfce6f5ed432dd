import { describe, expect, test } from 'vitest';
import { batches } from '../data/index.ts';
import { compileFunction, runOnce } from '../engine/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { codes, heads, hypernetwork } from '../hyper/index.ts';
import * as nn from '../nn/index.ts';
import { adam } from '../optim/index.ts';
import {
  type Aval,
  constant,
  mul,
  type NdArray,
  ndarray,
  random,
  type Tensor,
  tree,
  vmap,
  zerosArray,
} from '../tensor/index.ts';
import { train } from '../train/index.ts';
import { type Describable, describeModel } from './describe.ts';
import { type RestoredHypernetwork, type RestoredModel, restoreModel } from './restore.ts';
import { bytesOf, messageOf } from './testing.ts';

const engine = referenceEngine();
const f32 = (...shape: number[]): Aval => ({ dtype: 'float32', shape });

/** The model again, from what a file would hold of it. */
function again(model: Describable, input: unknown): RestoredModel {
  const { json, arrays } = describeModel(model, input);
  return restoreModel({ json: JSON.parse(JSON.stringify(json)), arrays });
}

/** Numbers that fit a tree of types. */
const filled = (avals: unknown, rows?: number): unknown =>
  tree.map(({ dtype, shape }: Aval) => {
    const array = zerosArray(dtype, rows === undefined ? shape : [rows, ...shape]);
    for (let i = 0; i < array.data.length; i++) array.data[i] = dtype === 'int32' ? i % 2 : Math.sin(3 * i + 1);
    return array;
  }, avals);

const convNet = () =>
  nn.sequential({
    conv: nn.conv2d({ in: 1, out: 4, kernel: 3 }),
    norm: nn.batchNorm({ channels: 4 }),
    relu: nn.relu,
    drop: nn.dropout({ rate: 0.3 }),
    flatten: nn.flatten,
    fc: nn.linear({ in: 64, out: 2 }),
  });

const table = ndarray(
  Float32Array.from({ length: 300 }, (_, i) => Math.cos(i)),
  [100, 3],
);
const looked = nn.defineModule({
  name: 'looked',
  spec: { scale: nn.weight({ shape: [3], role: 'scale', init: nn.init.ones }) },
  apply: ({ scale }, rows: Tensor) => mul(mul(rows, scale), constant(table)),
});

const dense = heads.dense({ hidden: [6] });
const coded = { code: f32(4), input: f32(3) };
const upper = () => hypernetwork(nn.mlp({ in: 3, hidden: [5], out: 2 }), { code: 4, head: heads.dense() });

const models: Record<string, { model: Describable; input: unknown }> = {
  mlp: { model: nn.mlp({ in: 3, hidden: [5], out: 2 }), input: f32(3) },
  'batch norm and dropout': { model: convNet(), input: f32(1, 6, 6) },
  'a large constant': { model: looked as Describable, input: f32(100, 3) },
  hypernetwork: { model: upper(), input: coded },
  'no code': {
    model: hypernetwork(convNet(), { head: heads.layerwise({ embedding: 4 }), generate: 'conv.weight' }),
    input: { input: f32(1, 6, 6) },
  },
  'task codes, a row for each': {
    model: hypernetwork(convNet(), {
      code: codes.embeddings({ count: 2, size: 4 }),
      head: dense,
      generate: ['conv.*', 'fc.*'],
      base: 'frozen',
      scaling: 'target',
      perCode: { count: 2, weights: 'norm.*' },
    }),
    input: { code: { dtype: 'int32', shape: [] }, input: f32(1, 6, 6) },
  },
  'two levels': {
    model: hypernetwork(upper(), { code: 2, head: heads.dense() }),
    input: { code: f32(2), input: coded },
  },
};

describe('a restored model', () => {
  for (const [name, { model, input }] of Object.entries(models)) {
    test(`${name}: draws, runs and trains as the described one`, async () => {
      const copy = again(model, input);
      const strip = (spec: unknown) => tree.map(({ init: _, ...rest }: nn.WeightSpec) => rest, spec);
      expect(strip(copy.spec)).toEqual(strip(model.spec));
      expect(tree.leaves<nn.WeightSpec>(copy.spec).map((w) => w.init.std?.(w))).toEqual(
        tree.leaves<nn.WeightSpec>(model.spec).map((w) => w.init.std?.(w)),
      );
      const key = random.keyArray(5);
      const params = await runOnce(engine, (k: Tensor) => model.init(k) as Tensor, key);
      expect(await runOnce(engine, (k: Tensor) => copy.init(k) as Tensor, key)).toEqual(params);

      const rows = filled(input, 3);
      const batch = (m: Describable, training: boolean) => async () => {
        const run = (p: unknown, inputs: unknown, k: Tensor) =>
          vmap(
            (one: unknown) => {
              const updates: Record<string, Tensor> = {};
              const update = (path: string, delta: Tensor) => {
                updates[path] = delta;
              };
              const context = training ? { training, key: k, update } : { training };
              return [m.apply(p as never, one as never, context), updates];
            },
            { name: 'batch' },
          )(inputs);
        const compiled = await compileFunction(engine, run as never, params, rows, key);
        return (await (compiled as unknown as (...xs: unknown[]) => Promise<[unknown, object]>)(params, rows, key)) as [
          NdArray,
          Record<string, NdArray>,
        ];
      };
      for (const training of [false, true]) {
        const expected = await batch(model, training)();
        expect(await batch(copy, training)()).toEqual(expected);
        expect(Math.max(...expected[0].data)).toBeGreaterThan(0);
      }
    });
  }

  test('gives the same weights for a code', async () => {
    const { model, input } = models['task codes, a row for each']!;
    const own = model as unknown as RestoredHypernetwork;
    const copy = again(model, input) as RestoredHypernetwork;
    expect(Object.keys(copy.generated)).toEqual(Object.keys(own.generated));
    expect(copy.generated['conv.weight']?.role).toBe('kernel');
    for (const task of [0, 1]) {
      const weights = (m: RestoredHypernetwork) =>
        runOnce(
          engine,
          (k: Tensor, t: Tensor) => {
            const params = m.init(k) as never;
            return [m.generate(params, t as never), m.materialise(params, t as never)] as unknown as Tensor;
          },
          random.keyArray(1),
          ndarray(task, undefined, 'int32'),
        );
      expect(await weights(copy)).toEqual(await weights(own));
    }
  });

  test('trains on, bit for bit, and is a target', async () => {
    const { input } = models.hypernetwork!;
    const copy = again(upper(), input);
    const data = batches(
      {
        input: filled(input, 16),
        target: ndarray(
          Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)),
          [16, 2],
        ),
      } as never,
      { size: 8 },
    );
    const options = { data, loss: nn.losses.mse, optimizer: adam(1e-2), steps: 4, engine } as const;
    const [found, expected] = [await train(copy, options), await train(upper(), options)];
    expect(tree.leaves<NdArray>(found.params).map(bytesOf)).toEqual(tree.leaves<NdArray>(expected.params).map(bytesOf));
    const above = hypernetwork(copy as never as nn.Module, { code: 2, head: heads.dense() });
    const same = hypernetwork(upper() as never as nn.Module, { code: 2, head: heads.dense() });
    expect(tree.paths(above.spec)).toEqual(tree.paths(same.spec));
  });

  test('keeps large constants out of the text', () => {
    const { model, input } = models['a large constant']!;
    const { json, arrays } = describeModel(model, input);
    expect(arrays).toEqual({ constant0: table });
    expect(JSON.stringify(json).length).toBeLessThan(6000);
  });

  test('says what is wrong', async () => {
    const { json, arrays } = describeModel(models['a large constant']!.model, f32(100, 3));
    const plain = json as Record<string, never>;
    expect([
      await messageOf(() => restoreModel({ json: null, arrays })),
      await messageOf(() => restoreModel({ json: { ...plain, version: 9 }, arrays })),
      await messageOf(() => restoreModel({ json: { ...plain, spec: 3 } as never, arrays }, 'run')),
      await messageOf(() => restoreModel({ json, arrays: {} })),
      await messageOf(() => {
        const copy = again(nn.linear({ in: 3, out: 2 }), f32(3));
        copy.apply({ weight: constant([1]) } as never, constant([1]) as never);
      }),
      await messageOf(() => {
        const copy = again(nn.dropout(), f32(3));
        copy.apply({} as never, constant([1, 2, 3]) as never, { training: true });
      }),
    ]).toMatchInlineSnapshot(`
      [
        "FormatError: model "model": expected a hyperloom.model, got another kind of value",
        "FormatError: model "model": expected version 1, got 9",
        "FormatError: model "run": expected a spec of 1 weights, got another",
        "FormatError: model "model": program: expected a constant "constant0" beside the text, got none",
        "ArgumentError: linear: expected weight bias, got none",
        "ArgumentError: dropout: expected context.key when training, got none",
      ]
    `);
  });
});

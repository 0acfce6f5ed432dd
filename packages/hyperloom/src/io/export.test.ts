import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runOnce } from '../engine/index.ts';
import { ortEngine, runOnnxFile } from '../engine/ort/index.ts';
import { codes, heads, hypernetwork } from '../hyper/index.ts';
import * as nn from '../nn/index.ts';
import { complaints, noChecker } from '../onnx/testing.ts';
import { type Aval, type NdArray, ndarray, random, sizeOf, type Tensor, tree, zerosArray } from '../tensor/index.ts';
import type { Describable } from './describe.ts';
import { type Exportable, exportGenerator, exportNetwork } from './export.ts';

const engine = ortEngine({ threads: 1, spinning: false });
let folder = '';
const files: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await engine.dispose();
});

const f32 = (...shape: number[]): Aval => ({ dtype: 'float32', shape });
const mlp = nn.mlp({ in: 3, hidden: [16, 16], out: 2, activation: nn.tanh });
const conv = (inputs: number) =>
  nn.conv2d({ in: inputs, out: 16, kernel: 7, padding: 3, init: nn.init.kaimingNormal() });
const cnn = nn.sequential({
  conv1: conv(1),
  norm: nn.batchNorm({ channels: 16 }),
  relu1: nn.relu,
  pool1: nn.maxPool({ window: 2 }),
  conv2: conv(16),
  group: nn.groupNorm({ channels: 16, groups: 4 }),
  relu2: nn.relu,
  pool2: nn.avgPool({ window: 2 }),
  drop: nn.dropout(),
  flatten: nn.flatten,
  fc: nn.linear({ in: 16 * 9, out: 5 }),
});

type Any = Describable & Exportable & { readonly target: Describable };
const dense = heads.dense({ hidden: [8] });
const models: Record<string, { model: Any; input: { code?: unknown; input: unknown } }> = {
  'mlp, all weights generated': {
    model: hypernetwork(mlp, { code: 4, head: dense }) as unknown as Any,
    input: { code: f32(4), input: f32(3) },
  },
  'cnn, a kernel generated for each example': {
    model: hypernetwork(cnn, { code: 4, head: dense, generate: 'conv2.*' }) as unknown as Any,
    input: { code: f32(4), input: f32(1, 12, 12) },
  },
  'cnn, a kernel generated without a code': {
    model: hypernetwork(cnn, { head: heads.layerwise({ embedding: 4 }), generate: 'conv2.weight' }) as unknown as Any,
    input: { input: f32(1, 12, 12) },
  },
  'task codes, a frozen base, scaling in the target': {
    model: hypernetwork(mlp, {
      code: codes.embeddings({ count: 3, size: 4 }),
      head: dense,
      base: 'frozen',
      scaling: 'target',
    }) as unknown as Any,
    input: { code: { dtype: 'int32', shape: [] }, input: f32(3) },
  },
  'points as the code, a group of inputs under each': {
    model: hypernetwork(nn.each(mlp), {
      code: codes.setEncoder({ in: 2, hidden: [8], size: 4 }),
      head: heads.chunked({ chunk: 50, embedding: 4 }),
    }) as unknown as Any,
    input: { code: { points: f32(6, 2), mask: f32(6) }, input: f32(7, 3) },
  },
  'two levels, whose weights have one name': {
    model: hypernetwork(hypernetwork(nn.linear({ in: 3, out: 2 }), { code: 4, head: dense }), {
      code: 2,
      head: dense,
    }) as unknown as Any,
    input: { code: f32(2), input: { code: f32(4), input: f32(3) } },
  },
};

/** Numbers for one example, another for each row. */
const example = (avals: unknown, row: number): unknown =>
  tree.map(({ dtype, shape }: Aval) => {
    const array = zerosArray(dtype, shape);
    for (let i = 0; i < array.data.length; i++)
      array.data[i] = dtype === 'int32' ? row % 3 : Math.sin(3 * i + 1 + 0.37 * row);
    return array;
  }, avals);

/** Arrays one upon another, by name. */
function stacked(rows: readonly Record<string, NdArray>[]): Record<string, NdArray> {
  return Object.fromEntries(
    Object.entries(rows[0]!).map(([name, { dtype, shape }]) => {
      const all = zerosArray(dtype, [rows.length, ...shape]);
      rows.forEach((row, i) => {
        all.data.set(row[name]!.data, i * sizeOf(shape));
      });
      return [name, all];
    }),
  );
}

/** The greatest difference of a row from what the library gives, in units of the greatest number there, at least 1. */
function error(found: NdArray, row: number | undefined, expected: NdArray): number {
  const size = sizeOf(expected.shape);
  const own = row === undefined ? found.data : found.data.subarray(row * size, (row + 1) * size);
  expect(own.length).toBe(size);
  let [scale, worst] = [1, 0];
  expected.data.forEach((x, i) => {
    scale = Math.max(scale, Math.abs(x));
    worst = Math.max(worst, Math.abs(x - own[i]!));
  });
  return worst / scale;
}

const sizes = [1, 5];

async function save(bytes: Uint8Array): Promise<string> {
  const path = join(folder, `${files.length}.onnx`);
  await writeFile(path, bytes);
  files.push(path);
  return path;
}

/** Runs a file in a fresh process for batches of both sizes, and holds every row to the library. */
async function compare(
  bytes: Uint8Array,
  inputs: unknown,
  library: (inputs: never) => Promise<Readonly<Record<string, NdArray>>>,
): Promise<void> {
  const path = await save(bytes);
  const rows = sizes.map((size) => Array.from({ length: size }, (_, row) => example(inputs, row)));
  const found = await runOnnxFile(
    path,
    rows.map((batch) => stacked(batch.map((one) => tree.flatten<NdArray>(one)))),
  );
  for (const [i, batch] of rows.entries()) {
    for (const [row, one] of batch.entries()) {
      for (const [name, expected] of Object.entries(await library(one as never))) {
        const output = found[i]![name]!;
        const isRow = output.shape.length > expected.shape.length;
        if (isRow) expect(output.shape[0]).toBe(batch.length);
        expect(error(output, isRow ? row : undefined, expected)).toBeLessThan(1e-5);
      }
    }
  }
}

describe('exported files, in a process of their own', () => {
  for (const [name, { model, input }] of Object.entries(models)) {
    const initial = () => runOnce(engine, (key: Tensor) => model.init(key) as Tensor, random.keyArray(3));
    /** The library's own answer. */
    const call = (f: (params: never, inputs: never) => unknown, params: unknown, inputs: unknown) =>
      runOnce(engine, f as never, params as never, inputs as never) as Promise<unknown>;

    test(`${name}: dynamic`, async () => {
      const params = await initial();
      const apply = (p: never, inputs: never) => ({ output: model.apply(p, inputs, { training: false }) });
      await compare(
        exportNetwork(model, params, input),
        input,
        async (one) => (await call(apply, params, one)) as Record<string, NdArray>,
      );
    });

    test(`${name}: generator and baked`, async () => {
      const params = await initial();
      const weights = (p: never, { code }: { code?: never }) => model.materialise(p, code);
      const inputs = input.code === undefined ? {} : { code: input.code };
      const bytes = exportGenerator(model, params, input.code);
      if (input.code !== undefined)
        await compare(bytes, inputs, async (one) => tree.flatten<NdArray>(await call(weights as never, params, one)));
      else {
        const [found] = await runOnnxFile(await save(bytes), [{}]);
        const expected = tree.flatten<NdArray>(await call(weights as never, params, {}));
        expect(Object.keys(found!)).toEqual(Object.keys(expected));
        for (const path of Object.keys(expected))
          expect(error(found![path]!, undefined, expected[path]!)).toBeLessThan(1e-5);
      }
      const baked = await call(weights as never, params, example(inputs, 4));
      const apply = (p: never, one: never) => ({ output: model.target.apply(p, one, { training: false }) });
      const one = 'dtype' in (input.input as object) ? { input: input.input } : input.input;
      await compare(exportNetwork(model.target, baked, input.input), one, async (inputs) => {
        const own = one === input.input ? inputs : (inputs as { input: never }).input;
        return (await call(apply as never, baked, own)) as Record<string, NdArray>;
      });
    });
  }

  test.skipIf(noChecker !== undefined)(`pass the checker of ONNX${noChecker ? `: ${noChecker}` : ''}`, () => {
    expect(files).toHaveLength(3 * Object.keys(models).length);
    expect(complaints(files)).toBe('');
  });

  test('a file that is not there, or an input that does not fit, is named', async () => {
    const path = await save(
      exportNetwork(nn.linear({ in: 2, out: 1 }), { weight: ndarray([[1], [2]]), bias: ndarray([3]) }, f32(2)),
    );
    const [sum] = await runOnnxFile(path, [
      {
        input: ndarray([
          [1, 1],
          [2, 2],
        ]),
      },
    ]);
    expect([...sum!.output!.data]).toEqual([6, 9]);
    await expect(runOnnxFile(join(folder, 'none.onnx'), [])).rejects.toThrow(/EngineError|ort: ".*none.onnx"/);
    await expect(runOnnxFile(path, [{ input: ndarray([[1]]) }])).rejects.toThrow(/ort: .*input/);
  });
});

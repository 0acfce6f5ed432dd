import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, runOnce } from '../../engine/index.ts';
import { nodeRuntime } from '../../engine/ort/index.ts';
import { referenceEngine } from '../../engine/reference/index.ts';
import {
  describeModel,
  exportGenerator,
  exportNetwork,
  type RestoredHypernetwork,
  restoreModel,
} from '../../io/index.ts';
import { complaints, noChecker } from '../../onnx/testing.ts';
import { type Aval, type NdArray, sizeOf, type Tensor, tree } from '../../tensor/index.ts';
import { heads } from '../index.ts';
import { keyArray, overZoo, zoo, zooCodes, zooInputs } from '../zoo.suite.ts';
import type { HeadSample } from './contract.suite.ts';

const engine: Engine = referenceEngine();
const batch = 3;
const all = await Promise.all(
  Object.keys(heads).map(async (name) => {
    const { samples } = (await import(`./${name}.suite.ts`)) as { samples: readonly HeadSample[] };
    return { name, sample: samples[0]! };
  }),
);
const pairs = all.flatMap(({ name, sample }) =>
  Object.keys(zoo)
    .filter((target) => !sample.skip?.targets.includes(target))
    .map((target) => ({ name, sample, target })),
);

let folder = '';
const files: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heads-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** One example of a batch. */
const row = (arrays: unknown, b: number): unknown =>
  tree.map(({ dtype, shape, data }: NdArray): NdArray => {
    const own = shape.slice(1);
    return { dtype, shape: own, data: data.slice(b * sizeOf(own), (b + 1) * sizeOf(own)) as NdArray['data'] };
  }, arrays);

const apply = (f: unknown, ...args: unknown[]): Promise<unknown> => runOnce(engine, f as never, ...(args as never[]));

/** A file over a batch, each output against what the library gives for each example. */
async function compare(bytes: Uint8Array, inputs: unknown, expected: readonly unknown[]): Promise<void> {
  files.push(join(folder, `${files.length}.onnx`));
  await writeFile(files.at(-1)!, bytes);
  const { module, session: options } = await nodeRuntime();
  const session = await module.InferenceSession.create(bytes, { ...options, logSeverityLevel: 4 });
  const feeds = Object.entries(tree.flatten<NdArray>(inputs)).map(([name, { dtype, data, shape }]) => [
    name,
    new module.Tensor(dtype as 'float32', data as Float32Array, shape),
  ]);
  const found = await session.run(Object.fromEntries(feeds));
  await session.release();
  expected.forEach((one, b) => {
    for (const [name, { data, shape }] of Object.entries(tree.flatten<NdArray>(one))) {
      const output = found[name]!;
      const start = output.dims.length > shape.length ? b * data.length : 0;
      const own = (output.data as Float32Array).subarray(start, start + data.length);
      expect(own.length).toBe(data.length);
      const scale = Math.max(1, ...Array.from(data, Math.abs));
      own.forEach((x, i) => {
        expect(Math.abs(x - data[i]!) / scale, `${name}[${i}]`).toBeLessThan(1e-5);
      });
    }
  });
}

describe.each(pairs)('$name over $target', ({ sample, target }) => {
  const entry = zoo[target]!();
  const size = sample.code ?? 6;
  const model = overZoo(sample.head, size, entry);
  const coded = size === 0 ? {} : { code: zooCodes(size, batch) };
  const inputs = { ...coded, input: zooInputs(entry.input, batch) };
  const example = tree.map(({ dtype, shape }: Aval): Aval => ({ dtype, shape: shape.slice(1) }), inputs) as {
    readonly code?: Aval;
  };
  const asDescribed = model as unknown as RestoredHypernetwork;
  const initial = () => apply((key: Tensor) => model.init(key), keyArray(7));

  test('restored from its description, it generates and runs the same', async () => {
    const { json, arrays } = describeModel(asDescribed, example);
    const copy = restoreModel({ json: JSON.parse(JSON.stringify(json)), arrays });
    const params = await initial();
    expect(await apply((key: Tensor) => copy.init(key), keyArray(7))).toEqual(params);
    const seen = (m: RestoredHypernetwork) =>
      apply(
        (p: never, one: { code?: never }) => [m.generate(p, one.code), m.apply(p, one as never)],
        params,
        row(inputs, 1),
      );
    expect(await seen(copy as RestoredHypernetwork)).toEqual(await seen(asDescribed));
  });

  test('exported, it does what the library does', async () => {
    const params = await initial();
    const outputs: unknown[] = [];
    const weights: unknown[] = [];
    for (let b = 0; b < batch; b++) {
      const run = (p: never, one: { code?: never }) => [
        { output: asDescribed.apply(p, one as never) },
        tree.flatten(asDescribed.materialise(p, one.code)),
      ];
      const [output, own] = (await apply(run, params, row(inputs, b))) as [unknown, unknown];
      outputs.push(output);
      weights.push(own);
    }
    await compare(exportNetwork(asDescribed, params, example), inputs, outputs);
    await compare(exportGenerator(asDescribed, params, example.code), coded, weights);
  });
});

test.skipIf(noChecker !== undefined)(`pass the checker of ONNX${noChecker ? `: ${noChecker}` : ''}`, () => {
  expect(files).toHaveLength(2 * pairs.length);
  expect(complaints(files)).toBe('');
});

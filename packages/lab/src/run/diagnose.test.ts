import { evalBatches } from 'hyperloom/data';
import { runOnce } from 'hyperloom/engine';
import { referenceEngine } from 'hyperloom/engine/reference';
import { codes, defineHead, type Head, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { mul, type NdArray, ndarray, random, type Tensor } from 'hyperloom/tensor';
import { openRun, type Trainable } from 'hyperloom/train';
import { expect, test } from 'vitest';
import type { Trial } from '../recipes/recipe.ts';
import { type Diagnosis, diagnose } from './diagnose.ts';

const engine = referenceEngine();
const target = nn.mlp({ in: 2, hidden: [6], out: 1 });
const wave = (rows: number, columns: number, seed: number): NdArray =>
  ndarray(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed)),
    [rows, columns],
  );

/** A dense head that sees the code times a factor. */
function dulled(factor: number): Head {
  const dense = heads.dense();
  return defineHead({ ...dense, apply: (params, code, spec) => dense.apply(params, mul(code, factor), spec) }) as never;
}

async function diagnosed(model: unknown, trial: Partial<Trial>): Promise<Diagnosis> {
  const trainable = model as Trainable;
  const params = await runOnce(engine, () => trainable.init(random.key(1)) as unknown);
  const run = openRun(trainable, params, engine);
  const found = await diagnose({ name: 'main', title: 'main', model: trainable, ...trial } as Trial, run);
  await run.dispose();
  return found;
}

const withCode = (factor: number) => hypernetwork(target as nn.Module, { code: 3, head: dulled(factor) });
const examples = evalBatches({ input: { code: wave(10, 3, 1), input: wave(10, 2, 2) }, target: wave(10, 1, 3) }, 16);

test('a code that is multiplied by zero is warned of, one that matters is not', async () => {
  const dead = await diagnosed(withCode(0), { examples });
  // Its weights are all zeros, so that no unit is active either.
  expect(dead.warnings).toEqual([
    'The code does not matter: it moves no generated weight.',
    'layer0: 6 of 6 relu units are dead for every example.',
  ]);
  const alive = await diagnosed(withCode(1), { examples });
  expect(alive.warnings).toEqual([]);
  expect(alive.sensitivity!.outputs).toBeGreaterThan(0.3);
  // 10 examples, though batches have 16 rows.
  expect(alive.activity!.layers.map(({ layer, units }) => [layer, units])).toEqual([['layer0', 6]]);
  expect(alive.activity!.layers[0]!.flat * 60).toBeCloseTo(Math.round(alive.activity!.layers[0]!.flat * 60), 5);
});

test('without examples, example codes meet the example input', async () => {
  const found = await diagnosed(withCode(1), {
    exampleInput: [0.5, -1],
    codeSize: 3,
    codes: [
      { name: 'a', code: [1, 0, 0] },
      { name: 'b', code: [0, 1, 0] },
      { name: 'c', code: [0.9, 0.1, 0] },
    ],
  });
  expect(found.sensitivity!.outputs).toBeGreaterThan(0.3);
  expect(found.codes.map(({ path }) => path)).toEqual(['example codes']);
  expect(found.codes[0]!.neighbours.map(({ neighbours }) => neighbours[0]!.name)).toEqual(['c', 'c', 'a']);
});

test('tables of learned codes are found, with the names that the recipe gives', async () => {
  const model = hypernetwork(target as nn.Module, {
    code: codes.embeddings({ count: 3, size: 4 }),
    head: heads.dense() as never,
  });
  const rows = ['x', 'y', 'z'].map((name, i) => ({ name, code: ndarray(new Int32Array([i]), []) }));
  const { codes: tables, sensitivity } = await diagnosed(model, { exampleInput: [0.5, -1], codes: rows });
  expect(tables.map(({ path, names }) => [path, names])).toEqual([['code.table', ['x', 'y', 'z']]]);
  expect(tables[0]!.projection.points).toHaveLength(3);
  expect(sensitivity!.outputs).toBeGreaterThan(0.1);
});

test('a model without a code has units and no sensitivity; a linear one has neither', async () => {
  const net = hypernetwork(target as nn.Module, { head: heads.layerwise({ embedding: 2 }) as never });
  const found = await diagnosed(net, { exampleInput: [0.5, -1] });
  expect(found.sensitivity).toBeUndefined();
  expect(found.activity!.layers).toHaveLength(1);
  const line = hypernetwork(nn.linear({ in: 2, out: 1 }) as nn.Module, {
    head: heads.layerwise({ embedding: 2 }) as never,
  });
  expect(await diagnosed(line, { exampleInput: [0.5, -1] })).toEqual({ codes: [], warnings: [] });
  const generated = (k: Tensor) => net.generate(net.init(k) as never);
  expect(Object.keys((await runOnce(engine, generated as never, random.keyArray(0))) as object)).toHaveLength(4);
});

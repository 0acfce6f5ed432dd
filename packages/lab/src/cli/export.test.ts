import { access, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { batches } from 'hyperloom/data';
import { referenceEngine } from 'hyperloom/engine/reference';
import { codes, heads, hypernetwork } from 'hyperloom/hyper';
import { decodeSafetensors, readBytes } from 'hyperloom/io';
import * as nn from 'hyperloom/nn';
import { adam } from 'hyperloom/optim';
import { type NdArray, ndarray, tree } from 'hyperloom/tensor';
import { type Run, type Trainable, train } from 'hyperloom/train';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { addExport } from './export.ts';

const engine = referenceEngine();
const wave = (...shape: number[]): NdArray =>
  ndarray(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(2 * i)),
    shape,
  );
const net = nn.mlp({ in: 2, hidden: [6], out: 1 });
const tasks = ndarray(Int32Array.from({ length: 8 }, (_, i) => i % 3));

let root = '';
const runs: Record<string, Run<Trainable>> = {};

/** The folder of a run, of which no recipe knows the model. */
async function folderOf(name: string, model: Trainable, input: unknown, files = ['checkpoint']): Promise<void> {
  const path = join(root, name);
  await mkdir(path);
  await writeFile(join(path, 'config.json'), JSON.stringify({ recipe: 'gone', settings: {}, seed: 0, steps: null }));
  for (const [i, file] of files.entries())
    runs[name] = await train(model, {
      data: batches({ input, target: wave(8, 1) }, { size: 4 }),
      loss: nn.losses.mse,
      optimizer: adam(1e-2),
      steps: 2 + i,
      engine,
      checkpoint: { path: join(path, `${file}.safetensors`), every: 100 },
    });
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'export-'));
  const head = heads.dense({ hidden: [4] });
  await folderOf('coded', hypernetwork(net, { code: 3, head }), { code: wave(8, 3), input: wave(8, 2) }, [
    'checkpoint.main.task1',
    'checkpoint.main.task2',
  ]);
  const byTask = hypernetwork(net, { code: codes.embeddings({ count: 3, size: 4 }), head });
  await folderOf('tasks', byTask, { code: tasks, input: wave(8, 2) });
  await folderOf('plain', net, wave(8, 2));
  const gated = nn.sequential({
    fc: nn.linear({ in: 2, out: 6 }),
    open: nn.gate({ channels: 6 }),
    out: nn.linear({ in: 6, out: 1 }),
  });
  const widths = heads.compose({ '**.gate': heads.widths(), '**': heads.dense() });
  await folderOf('gated', hypernetwork(gated, { code: 1, head: widths }), { code: wave(8, 1), input: wave(8, 2) });
  await folderOf('empty', net, wave(8, 2), []);
});
afterAll(() => rm(root, { recursive: true }));

/** What the command prints, or the message that it ends with. */
async function command(...args: string[]): Promise<string> {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const program = new Command().exitOverride();
  addExport(program);
  const [run, ...rest] = args as [string, ...string[]];
  try {
    await program.parseAsync(['export', join(root, run), '--threads', '1', ...rest], { from: 'user' });
    return written.mock.calls.map(([text]) => text).join('');
  } catch (error) {
    return (error as Error).message.replaceAll(root, '').replace(/(expected a recipe) \(.*?\)/, '$1');
  } finally {
    written.mockRestore();
  }
}
const to = (name: string): string => join(root, name);

test('each form is written, and agrees with the library in a process of its own', async () => {
  const done = async (...args: string[]) => {
    const { error, bytes, out, ...rest } = JSON.parse(await command(...args, '--json'));
    expect(error).toBeLessThan(1e-5);
    expect((await readBytes(out)).length).toBe(bytes);
    return rest;
  };
  const input = { input: ['batch', 2] };
  const output = { output: ['batch', 1] };
  expect(await done('coded', '--code', '0.1,-0.2,3', '--out', to('baked.onnx'))).toEqual({
    event: 'done',
    form: 'baked',
    inputs: input,
    outputs: output,
  });
  expect(await done('coded', '--form', 'generator', '--out', to('generator.onnx'))).toMatchObject({
    inputs: { code: ['batch', 3] },
    outputs: { 'layer0.weight': ['batch', 2, 6], 'layer1.bias': ['batch', 1] },
  });
  expect(await done('coded', '--form', 'dynamic', '--out', to('dynamic.onnx'))).toMatchObject({
    inputs: { code: ['batch', 3], ...input },
    outputs: output,
  });
  expect(await done('tasks', '--code', '2', '--out', to('task.onnx'))).toMatchObject({ inputs: input });
  expect(await done('tasks', '--form', 'dynamic', '--out', to('tasks.onnx'))).toMatchObject({
    inputs: { code: ['batch'], ...input },
  });
  expect(await done('plain', '--out', to('plain.onnx'))).toMatchObject({ inputs: input, outputs: output });
  expect(await command('plain', '--out', to('plain.onnx'))).toMatch(
    /batch x 2\n.*batch x 1\n\nin a process of its own/,
  );
});

test('of several phases the last is exported, weights alone too', async () => {
  const printed = await command('coded', '--code', '1,2,3', '--out', to('weights.safetensors'));
  expect(printed).toMatch(/^4 weights, .* bytes, written to /);
  const { tensors } = decodeSafetensors(await readBytes(to('weights.safetensors')), 'weights');
  const { params } = await runs.coded!.materialise([1, 2, 3]);
  const expected = tree.flatten<NdArray>(params);
  expect(Object.keys(tensors).sort()).toEqual(Object.keys(expected).sort());
  for (const [path, { data }] of Object.entries(tensors))
    data.forEach((x, i) => {
      expect(x).toBeCloseTo(expected[path]!.data[i]!, 6);
    });
  expect(
    await command(join('coded', 'checkpoint.main.task1.safetensors'), '--form', 'dynamic', '--out', to('a.onnx')),
  ).toMatch(/written to/);
});

test('a compact file holds the smaller network of a code, and agrees with the whole one', async () => {
  const args = ['gated', '--code', '0.5', '--compact', '--out'];
  const { multiplyAdds, error } = JSON.parse(await command(...args, to('compact.onnx'), '--json'));
  expect(multiplyAdds).toEqual({ before: 18, after: 9 });
  expect(error).toBeLessThan(1e-5);
  expect(await command(...args, to('compact.onnx'))).toMatch(/\n18 multiply-adds for one example before, 9 compact\n/);
  expect(await command(...args, to('compact.safetensors'))).toMatch(/^4 weights/);
  const { tensors } = decodeSafetensors(await readBytes(to('compact.safetensors')), 'weights');
  expect(tensors['fc.weight']!.shape).toEqual([2, 3]);
});

test('misuse is one line, and leaves no file', async () => {
  const out = ['--out', to('none.onnx')];
  const before = await readdir(root);
  expect([
    await command('coded', '--form', 'whole', ...out),
    await command('coded', ...out),
    await command('coded', '--code', '1,2', ...out),
    await command('coded', '--code', 'first', ...out),
    await command(join('coded', 'checkpoint.main.task1.safetensors'), ...out),
    await command('coded', '--form', 'generator', '--code', '1,2,3', ...out),
    await command('coded', '--form', 'generator', '--out', to('none.safetensors')),
    await command('tasks', '--code', '1.5', ...out),
    await command('tasks', '--code', '7', ...out),
    await command('tasks', '--code', '-1', ...out),
    await command('coded', '--form', 'dynamic', '--compact', ...out),
    await command('plain', '--out', to('none.onx')),
    await command('plain', '--code', '1', ...out),
    await command('plain', '--form', 'dynamic', ...out),
    await command('plain', '--out', join(root, 'no', 'folder.onnx')),
    await command('empty', ...out),
    await command('nothing', ...out),
  ]).toMatchInlineSnapshot(`
    [
      "export: expected a form (baked, generator, dynamic), got "whole"",
      "expected a recipe, got "gone"",
      "code: expected float32 [3], got float32 [2]",
      "expected a recipe, got "gone"",
      "code: expected float32 [3], got none",
      "export: expected no code for generator, which reads it when it runs",
      "--out: expected a file .onnx for the form generator, got /none.safetensors",
      "code: expected int32 [], got 1.5",
      "ort: run: code/gather/Gather: indices element out of data bounds, idx=7 must be within the inclusive range [-3,2]",
      "--code: expected the position of a code, from 0 upwards, got -1",
      "--compact: expected the form baked, got dynamic",
      "--out: expected a file .onnx or .safetensors, got /none.onx",
      "code: expected none, for the model reads none",
      "export: expected a hypernetwork for dynamic, got mlp",
      "cannot write "/no/folder.onnx": no such file or folder (ENOENT)",
      "expected a run with a checkpoint, got /empty, which has none yet; go on with: hyperloom train gone --out /empty --resume",
      "expected a folder with a run, got /nothing, which has no config.json",
    ]
  `);
  expect(await readdir(root)).toEqual(before);
  await expect(access(to('none.onnx'))).rejects.toThrow();
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { FormatError, type NdArray, ndarray } from '../tensor/index.ts';
import {
  type Checkpoint,
  type CheckpointContent,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  restoreTree,
  saveCheckpoint,
} from './checkpoint.ts';
import type { Json } from './json.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
import { arrays, messageOf, sameBits } from './testing.ts';

const params = {
  conv1: {
    weight: ndarray([
      [1, 2],
      [3, 4],
    ]),
    bias: ndarray([0, 0]),
  },
  layers: [ndarray([5])],
};
const key = ndarray(new Uint32Array([1, 2]));
const content: CheckpointContent = {
  trees: { params, key, optimizer: [] },
  step: 120,
  config: { lr: 1e-3, name: 'mnist' },
  state: { best: 0.1 },
};

const decode = (bytes: Uint8Array) => decodeCheckpoint(bytes, 'x.safetensors');

/** Whether two checkpoints say the same, whatever the spaces in their headers. */
const sameContent = (a: Checkpoint, b: Checkpoint): boolean =>
  JSON.stringify([a.step, a.config, a.state]) === JSON.stringify([b.step, b.config, b.state]) &&
  JSON.stringify(Object.keys(a.trees)) === JSON.stringify(Object.keys(b.trees)) &&
  Object.entries(a.trees).every(([name, flat]) => {
    const other = b.trees[name] ?? {};
    return (
      Object.keys(flat).length === Object.keys(other).length &&
      Object.entries(flat).every(([path, array]) => other[path] !== undefined && sameBits(array, other[path]))
    );
  });

describe('encodeCheckpoint', () => {
  it('gives back its content', async () => {
    const found = await decode(await encodeCheckpoint(content));
    expect(found).toEqual({
      trees: {
        params: { 'conv1.weight': params.conv1.weight, 'conv1.bias': params.conv1.bias, 'layers.0': params.layers[0] },
        key: { '': key },
        optimizer: {},
      },
      step: 120,
      config: { lr: 1e-3, name: 'mnist' },
      state: { best: 0.1 },
      name: 'x.safetensors',
    });
    expect(restoreTree(found, 'params', params)).toEqual(params);
    expect(restoreTree(found, 'key', key)).toEqual(key);
    expect(restoreTree(found, 'optimizer', [])).toEqual([]);
  });

  it('is a safetensors file with readable names', async () => {
    const { tensors, metadata } = decodeSafetensors(await encodeCheckpoint(content), 'x');
    expect(Object.keys(tensors).sort()).toEqual(['key', 'params/conv1.bias', 'params/conv1.weight', 'params/layers.0']);
    expect(metadata.hyperloom).toMatchInlineSnapshot(
      `"{"format":"hyperloom.checkpoint","version":1,"trees":["params","key","optimizer"],"step":120,"config":{"lr":0.001,"name":"mnist"},"state":{"best":0.1}}"`,
    );
  });

  it('gives back any trees and settings, bit for bit', async () => {
    const names = fc.string({ minLength: 1, maxLength: 5 }).filter((name) => !/[./]/.test(name));
    const { json } = fc.letrec<{ json: Json }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 3 },
        fc.constant(null),
        fc.boolean(),
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('json'), { maxKeys: 3 }),
      ),
    }));
    const forests = fc.dictionary(names, fc.dictionary(names, fc.oneof(arrays, fc.array(arrays, { maxLength: 2 }))), {
      maxKeys: 3,
    });
    await fc.assert(
      fc.asyncProperty(forests, json, fc.maxSafeNat(), async (trees, config, step) => {
        const found = await decode(await encodeCheckpoint({ trees, config, step }));
        expect(found.step).toBe(step);
        expect(JSON.stringify(found.config)).toBe(JSON.stringify(config));
        for (const [name, tree] of Object.entries(trees)) {
          const restored: unknown = restoreTree(found, name, tree);
          for (const [path, value] of Object.entries(tree)) {
            const other = (restored as Record<string, NdArray | NdArray[]>)[path];
            const pair = [value, other].map((item) => (Array.isArray(item) ? item : [item as NdArray]));
            expect(pair[0]!.every((array, i) => sameBits(array, pair[1]![i]!))).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('refuses what it could not give back', async () => {
    const refused = async (change: Partial<CheckpointContent>) =>
      messageOf(() => encodeCheckpoint({ ...content, ...change }));
    expect(await refused({ config: { schedule: [{ lr: Number.NaN }] } })).toMatchInlineSnapshot(
      `"ArgumentError: checkpoint "config.schedule.0.lr": expected a value that JSON can hold"`,
    );
    expect(await refused({ state: Number.POSITIVE_INFINITY })).toMatchInlineSnapshot(
      `"ArgumentError: checkpoint "state": expected a value that JSON can hold"`,
    );
    expect(await refused({ config: new Date() as unknown as Json })).toMatchInlineSnapshot(
      `"ArgumentError: checkpoint "config": expected a value that JSON can hold"`,
    );
    expect(await refused({ step: -1 })).toMatchInlineSnapshot(
      `"ArgumentError: checkpoint: expected a step of 0 or above, got -1"`,
    );
    expect(await refused({ trees: { 'a/b': params } })).toMatchInlineSnapshot(
      `"ArgumentError: checkpoint: expected the name of a tree without "/", got "a/b""`,
    );
    expect(await refused({ trees: { a: { b: 3 } } })).toMatchInlineSnapshot(
      `"ArgumentError: checkpoint "a/b": expected an array"`,
    );
    expect(await refused({ trees: { a: { 'b.c': key, b: { c: key } } } })).toMatchInlineSnapshot(
      `"ArgumentError: checkpoint "a/b.c": expected one array, got two"`,
    );
  });
});

describe('decodeCheckpoint', () => {
  it('gives the content or a FormatError, whatever happens to the bytes', async () => {
    const bytes = await encodeCheckpoint(content);
    const original = await decode(bytes);
    const attempt = async (damaged: Uint8Array) => {
      const found = await decode(damaged).catch((error: unknown) => error);
      if (!(found instanceof FormatError)) expect(sameContent(found as Checkpoint, original)).toBe(true);
    };
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = bytes.slice();
        damaged[at] = damaged[at]! ^ change;
        await attempt(damaged);
      }),
      { numRuns: 600 },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (end) => {
        await expect(decode(bytes.subarray(0, end))).rejects.toThrow(FormatError);
      }),
    );
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), attempt));
  });

  it('refuses other files by what they are', async () => {
    const bytes = await encodeCheckpoint(content);
    const { tensors, metadata } = decodeSafetensors(bytes, 'x');
    const header = JSON.parse(metadata.hyperloom!) as Record<string, Json>;
    const refused = (hyperloom?: Json) =>
      messageOf(() =>
        decode(
          encodeSafetensors(
            tensors,
            hyperloom === undefined ? {} : { ...metadata, hyperloom: JSON.stringify(hyperloom) },
          ),
        ),
      );
    expect(await refused()).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected a hyperloom.checkpoint, got a plain safetensors file"`,
    );
    expect(await refused({ ...header, format: 'another' })).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected a hyperloom.checkpoint, got another kind of file"`,
    );
    expect(await refused(7)).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected a hyperloom.checkpoint, got another kind of file"`,
    );
    expect(await refused({ ...header, version: 2 })).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected version 1, got 2"`,
    );
    expect(await refused({ ...header, step: 121 })).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected the content that was written, got a changed one"`,
    );
    expect(await messageOf(() => decode(new TextEncoder().encode('\x89PNG\r\n\x1a\n....')))).toMatchInlineSnapshot(
      `"FormatError: safetensors "x.safetensors": expected a safetensors file, got one whose header would have 1876326794660972994 bytes"`,
    );
    expect(await messageOf(() => decode(bytes.subarray(0, bytes.length - 1)))).toMatchInlineSnapshot(
      `"FormatError: safetensors "x.safetensors": expected 36 bytes of data, got 35"`,
    );
  });
});

describe('restoreTree', () => {
  it('names what does not fit', async () => {
    const checkpoint = await decode(await encodeCheckpoint(content));
    const { conv1, layers } = params;
    const refused = (name: string, spec: unknown) => messageOf(() => restoreTree(checkpoint, name, spec));
    expect(await refused('state', params)).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected a tree "state", got params, key, optimizer"`,
    );
    expect(await refused('params', { conv1, layers: [...layers, key] })).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected "params/layers.1", which is missing"`,
    );
    expect(await refused('params', { layers })).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected no "params/conv1.bias", which is there, and 1 more"`,
    );
    expect(await refused('params', { conv1: { ...conv1, bias: ndarray([1, 2, 3]) }, layers })).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected "params/conv1.bias" as float32 [3], got float32 [2]"`,
    );
    expect(await refused('key', ndarray([1, 2]))).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected "key" as float32 [2], got uint32 [2]"`,
    );
    expect(await refused('key', { a: key })).toMatchInlineSnapshot(
      `"FormatError: checkpoint "x.safetensors": expected "key/a", which is missing"`,
    );
  });
});

describe('saveCheckpoint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hyperloom-checkpoint-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('writes a file that loads', async () => {
    const path = join(folder, 'a.safetensors');
    await saveCheckpoint(path, content);
    const found = await loadCheckpoint(path);
    expect(found.name).toBe(path);
    expect(sameContent(found, await decode(await encodeCheckpoint(content)))).toBe(true);
  });

  it('names the file that does not load', async () => {
    const path = join(folder, 'b.safetensors');
    expect((await messageOf(() => loadCheckpoint(path))).replace(folder, 'FOLDER')).toMatchInlineSnapshot(
      `"FileError: cannot read "FOLDER/b.safetensors": no such file or folder (ENOENT)"`,
    );
    writeFileSync(path, 'hello');
    expect((await messageOf(() => loadCheckpoint(path))).replace(folder, 'FOLDER')).toMatchInlineSnapshot(
      `"FormatError: safetensors "FOLDER/b.safetensors": expected a safetensors file of at least 8 bytes, got 5"`,
    );
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { appViolations, cycles, importsOf, readImports, repository, rooms, roomViolations } from './imports.ts';

const source = (name: string) => readImports(join(repository, 'packages', name, 'src'));
const manifest = (name: string) => JSON.parse(readFileSync(join(repository, 'packages', name, 'package.json'), 'utf8'));

describe('the library', () => {
  const imports = source('hyperloom');

  it('keeps to the table of rooms', () => {
    expect(roomViolations(imports)).toEqual([]);
  });

  it('has no import cycle', () => {
    expect(cycles(imports)).toEqual([]);
  });

  it('declares every package that a room may import', () => {
    const { dependencies, devDependencies } = manifest('hyperloom');
    const declared = Object.keys({ ...dependencies, ...devDependencies });
    const wanted = imports.filter((one) => one.external && Object.values(rooms).some((r) => r.npm.includes(one.to)));
    expect(
      wanted.map((one) => one.to).filter((name) => !declared.includes(name) && name !== 'onnxruntime-web'),
    ).toEqual([]);
  });
});

describe('the lab', () => {
  const imports = source('lab');

  it('imports its declared packages and its own files', () => {
    expect(appViolations(imports, Object.keys(manifest('lab').dependencies))).toEqual([]);
  });

  it('has no import cycle', () => {
    expect(cycles(imports)).toEqual([]);
  });
});

describe('the rule itself', () => {
  const read = (files: Record<string, string>) =>
    Object.entries(files).flatMap(([path, text]) => importsOf(path, text));

  it('names the file, what it imports and what its room may import', () => {
    const bad = read({
      'nn/linear.ts': `import { ort } from '../engine/ort/index.ts';\nimport type { Op } from '../tensor/tensor.ts';`,
      'tensor/array.ts': `export type { Linear } from '../nn/linear.ts';\nimport { readFile } from 'node:fs/promises';`,
      'hyper/head.ts': `type T = import('../optim/adam.ts').State;`,
      'engine/engine.ts': `import 'onnxruntime-node';`,
      'train/loop.ts': `const { ort } = await import('../engine/ort/index.ts');\nimport lodash from 'lodash/fp';`,
      'engine/default.ts': `import { ort } from './ort/index.ts';`,
      'garage/car.ts': `import '../tensor/tensor.ts';`,
      'nn/linear.test.ts': `import { ort } from '../engine/ort/index.ts';\nimport 'onnxruntime-node';`,
      'io/read.ts': `import '../../../lab/src/cli/main.ts';`,
    });
    expect(roomViolations(bad).join('\n')).toMatchInlineSnapshot(`
      "nn/linear.ts imports engine/ort: room nn may import tensor only
      tensor/array.ts imports nn: room tensor may import nothing
      tensor/array.ts imports node:fs/promises: room tensor may import no node: modules
      hyper/head.ts imports optim: room hyper may import tensor, nn only
      engine/engine.ts imports onnxruntime-node: room engine may import no npm packages
      train/loop.ts imports engine/ort: room train may import tensor, optim, data, io, engine only
      train/loop.ts imports lodash: room train may import no npm packages
      engine/default.ts imports engine/ort: room engine may import tensor, onnx only
      garage/car.ts: expected a room of the table in checks/imports.ts, got garage
      nn/linear.test.ts imports onnxruntime-node: only room engine/ort may
      io/read.ts imports ../../lab/src/cli/main.ts: expected a file inside src"
    `);
  });

  it('lets the default engine load ONNX Runtime when first used', () => {
    expect(roomViolations(read({ 'engine/default.ts': `const ort = await import('./ort/index.ts');` }))).toEqual([]);
  });

  it('finds cycles of values and passes over types', () => {
    const loop = read({
      'tensor/a.ts': `import { b } from './b.ts';`,
      'tensor/b.ts': `export * from './c.ts';`,
      'tensor/c.ts': `import { a } from './a.ts';`,
      'tensor/d.ts': `import type { a } from './e.ts';`,
      'tensor/e.ts': `import { d } from './d.ts';`,
    });
    expect(cycles(loop)).toMatchInlineSnapshot(`
      [
        "tensor/a.ts -> tensor/b.ts -> tensor/c.ts -> tensor/a.ts",
      ]
    `);
  });

  it('holds an app to its declared packages', () => {
    const bad = read({ 'cli/main.ts': `import express from 'express';\nimport { train } from 'hyperloom/train';` });
    expect(appViolations(bad, ['hyperloom']).join('\n')).toMatchInlineSnapshot(
      `"cli/main.ts imports express: expected a dependency of its package.json"`,
    );
  });
});

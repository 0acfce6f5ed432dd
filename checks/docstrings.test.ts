import { rmSync } from 'node:fs';
import ts from 'typescript';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { codeBlocks, examplesOf, guideExamples, moduleOf, typeErrors, writeExamples } from './examples.ts';
import { compilerOptions, entryPoints, publicExports, undocumented } from './exports.ts';

const entries = entryPoints().map(([, file]) => file);
const library = ts.createProgram(entries, compilerOptions());
const exports = publicExports(library);
const examples = [...examplesOf(exports), ...guideExamples(exports)];
const { folder, files } = writeExamples(examples, exports);
const withExamples = ts.createProgram([...entries, ...files], compilerOptions(), undefined, library);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('public exports', () => {
  it('have a docstring', () => {
    expect(undocumented(exports, library.getTypeChecker())).toEqual([]);
  });

  it('have examples', () => {
    expect(examples.length).toBeGreaterThan(0);
  });
});

describe('examples', () => {
  it.each(examples.map(({ title }, i) => [title, files[i] as string] as const))('%s', async (_, file) => {
    expect(typeErrors(withExamples, file)).toEqual([]);
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    await import(file).finally(() => log.mockRestore());
  });
});

describe('the extraction itself', () => {
  it('takes fenced TypeScript, or everything when there is no fence', () => {
    expect(codeBlocks('\nconst a = 1;\n')).toEqual(['const a = 1;']);
    expect(codeBlocks('text\n```ts\nconst a = 1;\n```\n```sh\nls\n```\n')).toEqual(['const a = 1;']);
  });

  it('adds the imports that an example leaves out', () => {
    const symbol = exports[0]?.symbol as ts.Symbol;
    const offer = (name: string, specifier: string, isValue = true) => ({
      name,
      path: name,
      specifier,
      symbol,
      isValue,
    });
    const offers = [
      offer('relu', 'hyperloom/nn'),
      offer('relu', 'hyperloom/tensor'),
      offer('Tensor', 'hyperloom/tensor', false),
      offer('constant', 'hyperloom/tensor'),
    ];
    const code = 'const f = (x: Tensor) => relu(x);\nconst constant = { relu: 1 };\nf.constant;\nnn.relu;';
    expect(moduleOf({ code, from: offers[1] as (typeof offers)[0] }, offers)).toMatchInlineSnapshot(`
      "import { type Tensor } from 'hyperloom/tensor';
      import * as nn from 'hyperloom/nn';
      import { relu } from 'hyperloom/tensor';
      const f = (x: Tensor) => relu(x);
      const constant = { relu: 1 };
      f.constant;
      nn.relu;
      export {};
      "
    `);
  });
});

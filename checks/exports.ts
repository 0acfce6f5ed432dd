import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { repository } from './imports.ts';

/** A name that a program can import from the library. */
export interface PublicExport {
  readonly name: string;
  /** Where it is imported from, such as `hyperloom/tensor`. */
  readonly specifier: string;
  /** The name within a namespace export, such as `random.normal`; otherwise `name`. */
  readonly path: string;
  readonly symbol: ts.Symbol;
  readonly isValue: boolean;
}

const library = join(repository, 'packages/hyperloom');

/** The compiler's options as tsconfig.json gives them. */
export function compilerOptions(): ts.CompilerOptions {
  const path = join(repository, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, (file) => readFileSync(file, 'utf8'));
  return ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, repository).options;
}

/** The subpaths of package.json's `exports` that have a source, as `[specifier, file]`; missing files are left out. */
export function entryPoints(): [specifier: string, file: string][] {
  const { name, exports } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'));
  return Object.entries<{ source?: string }>(exports)
    .flatMap(([subpath, { source }]): [string, string][] =>
      source ? [[name + subpath.slice(1), join(library, source)]] : [],
    )
    .filter(([, file]) => existsSync(file));
}

/** Every export of every entry point, and the exports of exported namespaces (`export * as random`). */
export function publicExports(program: ts.Program): PublicExport[] {
  const checker = program.getTypeChecker();
  return entryPoints().flatMap(([specifier, file]) => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    return module ? exportsOf(module, checker, specifier, '') : [];
  });
}

function exportsOf(module: ts.Symbol, checker: ts.TypeChecker, specifier: string, prefix: string): PublicExport[] {
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const { name } = exported;
    const isValue = (symbol.flags & ts.SymbolFlags.Value) !== 0;
    const one: PublicExport = { name, specifier, path: prefix + name, symbol, isValue };
    const isNamespace = (symbol.flags & ts.SymbolFlags.ValueModule) !== 0;
    return isNamespace ? [one, ...exportsOf(symbol, checker, specifier, `${prefix}${name}.`)] : [one];
  });
}

/** The declarations of a symbol in the library's own sources. */
export const declarationsOf = (symbol: ts.Symbol): ts.Declaration[] =>
  (symbol.declarations ?? []).filter((d) => !ts.isSourceFile(d) && d.getSourceFile().fileName.startsWith(library));

/** `tensor/array.ts:12`, for messages. */
export function place(node: ts.Node, position = node.getStart()): string {
  const source = node.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(position);
  return `${relative(join(library, 'src'), source.fileName).replaceAll('\\', '/')}:${line + 1}`;
}

/** Public exports with no docstring, one line each. A namespace is documented by its members. */
export function undocumented(exports: readonly PublicExport[], checker: ts.TypeChecker): string[] {
  const lines = exports.flatMap(({ path, symbol }) => {
    const [declaration] = declarationsOf(symbol);
    if (!declaration || symbol.getDocumentationComment(checker).length > 0) return [];
    return [`${place(declaration)} ${path}: expected a docstring`];
  });
  return [...new Set(lines)].sort();
}

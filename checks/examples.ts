import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { declarationsOf, type PublicExport, place } from './exports.ts';
import { repository } from './imports.ts';

/** One `@example` block, ready to be compiled and run as a module of its own. */
export interface Example {
  /** Where it stands and what it shows: `tensor/array.ts:19 ndarray`. */
  readonly title: string;
  readonly code: string;
  readonly from: PublicExport;
}

/** The `@example` blocks of public exports and of their members, each once. */
export function examplesOf(exports: readonly PublicExport[]): Example[] {
  const found = new Map<string, Example>();
  for (const from of exports) {
    for (const declaration of declarationsOf(from.symbol)) {
      for (const tag of exampleTags(declaration)) {
        const title = `${place(tag)} ${from.path}`;
        const at = place(tag);
        codeBlocks(tagText(tag)).forEach((code, i) => {
          if (!found.has(`${at}.${i}`))
            found.set(`${at}.${i}`, { title: i ? `${title} (${i + 1})` : title, code, from });
        });
      }
    }
  }
  return [...found.values()];
}

function exampleTags(declaration: ts.Node): ts.JSDocTag[] {
  const members =
    ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration) ? declaration.members : [];
  return [declaration, ...members].flatMap((node) => ts.getJSDocTags(node)).filter((t) => t.tagName.text === 'example');
}

/** The text after `@example`, without the comment's own stars. */
function tagText(tag: ts.JSDocTag): string {
  const raw = tag.getSourceFile().text.slice(tag.tagName.end, tag.end);
  return raw.replace(/\*\/\s*$/, '').replace(/^[ \t]*\* ?/gm, '');
}

/** The code of an example: all of it, or its fenced TypeScript blocks when it has fences. Other languages are not run. */
export function codeBlocks(text: string): string[] {
  if (!text.includes('```')) return [text.trim()];
  return [...text.matchAll(/```(\w*)\n([\s\S]*?)```/g)].flatMap(([, language, code]) =>
    ['', 'ts', 'typescript', 'js'].includes(language ?? '') ? [(code ?? '').trim()] : [],
  );
}

/**
 * An example with the imports that it leaves out: every public name that it uses and does not declare.
 * A name that several entry points export comes from the example's own, then from the root, then from the first.
 * A name that none exports may be an entry point's: `nn` is all of `hyperloom/nn`.
 */
export function moduleOf(example: Pick<Example, 'code' | 'from'>, exports: readonly PublicExport[]): string {
  const { used, declared } = names(example.code);
  const lines: string[] = [];
  for (const name of [...used].filter((n) => !declared.has(n)).sort()) {
    const offers = exports.filter((e) => e.path === name);
    const order = [example.from.specifier, 'hyperloom'];
    const offer = order.flatMap((s) => offers.filter((o) => o.specifier === s))[0] ?? offers[0];
    if (offer) lines.push(`import { ${offer.isValue ? '' : 'type '}${name} } from '${offer.specifier}';`);
    else if (exports.some((e) => e.specifier === `hyperloom/${name}`)) {
      lines.push(`import * as ${name} from 'hyperloom/${name}';`);
    }
  }
  return `${[...lines, example.code, 'export {};'].join('\n')}\n`;
}

/** The programs of the guides in `docs/`, which import what they use. */
export function guideExamples(exports: readonly PublicExport[]): Example[] {
  const folder = join(repository, 'docs');
  const from = exports.find(({ specifier }) => specifier === 'hyperloom')!;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) =>
      [...readFileSync(join(folder, name), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code], i) => ({
        title: `docs/${name} (${i + 1})`,
        code: code!,
        from,
      })),
    );
}

/** Identifiers that a text uses, and those that it declares or imports. Property names are neither. */
function names(code: string): { used: Set<string>; declared: Set<string> } {
  const used = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isProperty =
        (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        (ts.isPropertyAssignment(parent) && parent.name === node);
      const isDeclared =
        'name' in parent && parent.name === node && !isProperty && !ts.isShorthandPropertyAssignment(parent);
      if (isDeclared) declared.add(node.text);
      else if (!isProperty) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('example.ts', code, ts.ScriptTarget.ESNext, true));
  return { used, declared };
}

/** Writes each example as a module in a fresh folder that git ignores, and returns the folder and the files in order. */
export function writeExamples(examples: readonly Example[], exports: readonly PublicExport[]) {
  const parent = join(repository, '.examples');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'run-'));
  const files = examples.map((example, i) => {
    const file = join(folder, `example${i}.ts`);
    writeFileSync(file, moduleOf(example, exports));
    return file;
  });
  return { folder, files };
}

/** The compiler's complaints about one file, one line each. */
export const typeErrors = (program: ts.Program, file: string): string[] => {
  const source = program.getSourceFile(file);
  const all = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  return all.map((d) => ts.flattenDiagnosticMessageText(d.messageText, ' '));
};

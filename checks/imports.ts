import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import ts from 'typescript';

/** What a room may import. Tests are held to the npm rule only: they compare rooms with each other. */
export interface RoomRule {
  readonly rooms: readonly string[];
  readonly npm: readonly string[];
  /** Whether `node:` modules may be imported; rooms without them run in a page as they are. */
  readonly node: boolean;
}

/** One import, as written in a file: `from` and `to` are paths inside `src`, or `to` is a package name. */
export interface Import {
  readonly from: string;
  readonly to: string;
  readonly external: boolean;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

/** The table of the design, row by row. `root` is src/index.ts. */
export const rooms: Readonly<Record<string, RoomRule>> = {
  tensor: { rooms: [], npm: [], node: false },
  onnx: { rooms: ['tensor'], npm: ['onnx-buf', '@bufbuild/protobuf'], node: false },
  engine: { rooms: ['tensor', 'onnx'], npm: [], node: false },
  'engine/reference': { rooms: ['tensor', 'onnx', 'engine'], npm: [], node: false },
  'engine/ort': {
    rooms: ['tensor', 'onnx', 'engine'],
    npm: ['onnxruntime-node', 'onnxruntime-web', 'onnxruntime-common'],
    node: true,
  },
  nn: { rooms: ['tensor'], npm: [], node: false },
  optim: { rooms: ['tensor'], npm: [], node: false },
  hyper: { rooms: ['tensor', 'nn'], npm: [], node: false },
  data: { rooms: ['tensor'], npm: [], node: true },
  io: { rooms: ['tensor', 'onnx'], npm: [], node: true },
  train: { rooms: ['tensor', 'optim', 'data', 'io', 'engine'], npm: [], node: true },
  rl: { rooms: ['tensor', 'nn', 'hyper', 'optim', 'engine', 'train'], npm: [], node: false },
  root: {
    rooms: ['tensor', 'nn', 'hyper', 'optim', 'train', 'rl', 'data', 'io', 'onnx', 'engine', 'engine/reference'],
    npm: [],
    node: false,
  },
};

/** Imports that the table does not give, each with its reason. */
export const exceptions: readonly { from: string; room: string; dynamic: true; reason: string }[] = [
  {
    from: 'engine/default.ts',
    room: 'engine/ort',
    dynamic: true,
    reason: 'the default engine is loaded when first used, so that the library has no hard dependency on it',
  },
];

/** The room of a path inside `src`: the longest name of the table that it lies in. */
export function roomOf(path: string, table: Readonly<Record<string, RoomRule>> = rooms): string {
  const inside = Object.keys(table).filter((room) => path.startsWith(`${room}/`));
  return (
    inside.sort((a, b) => b.length - a.length)[0] ?? (path.includes('/') ? (path.split('/')[0] as string) : 'root')
  );
}

/** Tests, and what only tests import: `testing.ts` and `*.suite.ts`. */
const isTest = (path: string): boolean => /(\.(test|suite)|(^|\/)testing)\.ts$/.test(path);

/** Every import of a source text: static, re-exported, dynamic and `import('x').T` in a type. */
export function importsOf(from: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean, dynamic: boolean): void => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return;
    const external = !specifier.text.startsWith('.');
    const to = external ? packageName(specifier.text) : posix.join(posix.dirname(from), specifier.text);
    found.push({ from, to, external, typeOnly, dynamic });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node.importClause), false);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly, false);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true, false);
    else if (ts.isCallExpression(node) && isLoad(node.expression)) add(node.arguments[0], false, true);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(from, text, ts.ScriptTarget.ESNext));
  return found;
}

const isLoad = (callee: ts.Node): boolean =>
  callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');

function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return !clause.name && !!named && ts.isNamedImports(named) && named.elements.every((e) => e.isTypeOnly);
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** What is wrong with the imports of the library, one line each. */
export function roomViolations(imports: readonly Import[]): string[] {
  return imports.flatMap((one) => {
    const room = roomOf(one.from);
    const rule = rooms[room];
    if (!rule) return [`${one.from}: expected a room of the table in checks/imports.ts, got ${room}`];
    const problem = one.external ? packageProblem(one, room, rule) : roomProblem(one, room, rule);
    return problem ? [problem] : [];
  });
}

function packageProblem({ from, to }: Import, room: string, rule: RoomRule): string | undefined {
  if (rule.npm.includes(to)) return undefined;
  if (isTest(from))
    return to.startsWith('onnxruntime-') ? `${from} imports ${to}: only room engine/ort may` : undefined;
  if (!to.startsWith('node:'))
    return `${from} imports ${to}: room ${room} may import ${listed(rule.npm, 'npm packages')}`;
  return rule.node ? undefined : `${from} imports ${to}: room ${room} may import no node: modules`;
}

function roomProblem({ from, to, dynamic }: Import, room: string, rule: RoomRule): string | undefined {
  const target = roomOf(to);
  if (to.startsWith('..')) return `${from} imports ${to}: expected a file inside src`;
  if (isTest(from) || target === room || rule.rooms.includes(target)) return undefined;
  if (exceptions.some((e) => e.from === from && e.room === target && e.dynamic === dynamic)) return undefined;
  return `${from} imports ${target}: room ${room} may import ${listed(rule.rooms, '')}`;
}

const listed = (names: readonly string[], what: string): string =>
  names.length ? `${names.join(', ')} only` : what ? `no ${what}` : 'nothing';

/** Import cycles among files, each as `a.ts -> b.ts -> a.ts`. Imports of types alone do not count: they vanish. */
export function cycles(imports: readonly Import[]): string[] {
  const edges = new Map<string, string[]>();
  for (const { from, to, external, typeOnly } of imports) {
    if (!external && !typeOnly) edges.set(from, [...(edges.get(from) ?? []), to]);
  }
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(' -> '));
    if (start >= 0 || done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return found;
}

/** Imports of a package outside the library: npm packages must be declared, and files stay inside its `src`. */
export function appViolations(imports: readonly Import[], declared: readonly string[]): string[] {
  return imports.flatMap(({ from, to, external }) => {
    if (!external) return to.startsWith('..') ? [`${from} imports ${to}: expected a file inside src`] : [];
    if (to.startsWith('node:') || declared.includes(to) || isTest(from)) return [];
    return [`${from} imports ${to}: expected a dependency of its package.json`];
  });
}

/** Every import of every TypeScript file below a folder. */
export function readImports(src: string): Import[] {
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
    .flatMap((path) => importsOf(path, readFileSync(join(src, path), 'utf8')));
}

/** The folder of the repository. */
export const repository = dirname(import.meta.dirname);

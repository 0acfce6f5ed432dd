import {
  ArgumentError,
  type Aval,
  FormatError,
  type Mapped,
  type NdArray,
  sameShape,
  showShape,
  tree,
} from '../tensor/index.ts';
import type { ModelDescription } from './describe.ts';
import { readBytes, writeAtomic } from './file.ts';
import { type Json, lossyPath } from './json.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

/** The version of the layout that is written. Readers refuse any other by its number. */
export const checkpointVersion = 1;
const format = 'hyperloom.checkpoint';

/** What a checkpoint is made of. */
export interface CheckpointContent {
  /** Trees of arrays by name, such as `params`, `optimizer` and `key`. A tree may be a single array or empty. */
  readonly trees: Readonly<Record<string, unknown>>;
  /** Steps taken. */
  readonly step: number;
  /** The settings of the run. */
  readonly config: Json;
  /** What else a run carries on the host, such as its best validation loss. Default null. */
  readonly state?: Json;
  /** The model whose weights they are, so that no code is needed to use them. */
  readonly model?: ModelDescription;
}

/** What a checkpoint holds. */
export interface Checkpoint {
  /** The arrays of each tree by path: `trees.params['conv1.weight']`. See {@link restoreTree}. */
  readonly trees: Readonly<Record<string, Readonly<Record<string, NdArray>>>>;
  readonly step: number;
  readonly config: Json;
  readonly state: Json;
  readonly model?: ModelDescription;
  /** The file, for errors. */
  readonly name: string;
}

/**
 * A checkpoint as bytes: a safetensors file with tensors `params/conv1.weight`, a versioned JSON header under the
 * metadata key `hyperloom`, and the SHA-256 of both, so that any later change is noticed.
 * @throws ArgumentError when a leaf is no array, two have one path, or a setting is not JSON (NaN, say)
 * @example
 * const bytes = await encodeCheckpoint({ trees: { params: { w: ndarray([1, 2]) } }, step: 10, config: { lr: 0.1 } });
 * const { step, trees } = await decodeCheckpoint(bytes, 'run.safetensors'); // 10, { params: { w } }
 */
export async function encodeCheckpoint(content: CheckpointContent): Promise<Uint8Array> {
  const { step, config, state = null, model } = content;
  const { trees } = withConstants(content);
  if (!isStep(step)) throw new ArgumentError(`checkpoint: expected a step of 0 or above, got ${step}`);
  const lossy = lossyPath({ config, state, ...(model && { model: model.json }) });
  if (lossy !== undefined) throw new ArgumentError(`checkpoint "${lossy}": expected a value that JSON can hold`);
  const tensors = Object.fromEntries(Object.entries(trees).flatMap(([name, leaves]) => named(name, leaves)));
  const header = {
    format,
    version: checkpointVersion,
    trees: Object.keys(trees),
    step,
    config,
    state,
    ...(model && { model: model.json }),
  };
  const hyperloom = JSON.stringify(header);
  return encodeSafetensors(tensors, { hyperloom, sha256: await digest(tensors, hyperloom) });
}

/** The tree in which a model's constants stand. */
const constants = 'model';

function withConstants({ trees, model }: CheckpointContent): Pick<CheckpointContent, 'trees'> {
  if (constants in trees) throw new ArgumentError(`checkpoint: expected another name for a tree, got "${constants}"`);
  return { trees: model === undefined ? trees : { ...trees, [constants]: model.arrays } };
}

function named(name: string, leaves: unknown): [string, NdArray][] {
  if (name === '' || name.includes('/')) {
    throw new ArgumentError(`checkpoint: expected the name of a tree without "/", got "${name}"`);
  }
  const paths = tree.paths(leaves);
  tree.leaves<NdArray>(leaves).forEach((leaf, i) => {
    const path = paths[i] as string;
    if (!ArrayBuffer.isView(leaf.data)) throw new ArgumentError(`checkpoint "${name}/${path}": expected an array`);
    if (paths.indexOf(path) !== i) throw new ArgumentError(`checkpoint "${name}/${path}": expected one array, got two`);
  });
  return tree.leaves<NdArray>(leaves).map((leaf, i) => [paths[i] === '' ? name : `${name}/${paths[i]}`, leaf]);
}

/** Covers names, types, shapes and data, in the one order that the encoder writes, and the header's text. */
async function digest(tensors: Readonly<Record<string, NdArray>>, hyperloom: string): Promise<string> {
  const bytes = encodeSafetensors(tensors, { hyperloom });
  const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Reads a checkpoint from bytes.
 * @param name what to call the file in errors
 * @throws FormatError when it is no checkpoint, of another version, or not what was written
 */
export async function decodeCheckpoint(bytes: Uint8Array, name: string): Promise<Checkpoint> {
  const { tensors, metadata } = decodeSafetensors(bytes, name);
  const error = (message: string) => new FormatError(`checkpoint "${name}": ${message}`);
  const { hyperloom, sha256 } = metadata;
  if (hyperloom === undefined) throw error(`expected a ${format}, got a plain safetensors file`);
  const header = parsed(hyperloom);
  if (header?.format !== format) throw error(`expected a ${format}, got another kind of file`);
  if (header.version !== checkpointVersion) {
    throw error(`expected version ${checkpointVersion}, got ${JSON.stringify(header.version)}`);
  }
  if (sha256 !== (await digest(tensors, hyperloom)))
    throw error('expected the content that was written, got a changed one');
  if (!isHeader(header)) throw error('expected trees, step, config and state in its header, got others');
  const { trees: names, step, config, state, model } = header;
  const trees = names.map((tree) => [tree, Object.fromEntries(inTree(tensors, tree))] as const);
  const { [constants]: arrays = {}, ...rest } = Object.fromEntries(trees);
  return { trees: rest, step, config, state, ...(model !== undefined && { model: { json: model, arrays } }), name };
}

interface Header {
  readonly trees: readonly string[];
  readonly step: number;
  readonly config: Json;
  readonly state: Json;
  readonly model?: Json;
}

const isHeader = (header: Partial<Record<string, unknown>>): header is Partial<Record<string, unknown>> & Header =>
  Array.isArray(header.trees) &&
  header.trees.every((name) => typeof name === 'string') &&
  isStep(header.step as number) &&
  header.config !== undefined &&
  header.state !== undefined;

function parsed(text: string): Partial<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Partial<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function inTree(tensors: Readonly<Record<string, NdArray>>, name: string): [string, NdArray][] {
  return Object.entries(tensors).flatMap(([key, array]): [string, NdArray][] => {
    if (key === name) return [['', array]];
    return key.startsWith(`${name}/`) ? [[key.slice(name.length + 1), array]] : [];
  });
}

/**
 * Writes a checkpoint to a file, whole or not at all (see {@link writeAtomic}). Node only.
 * @throws ArgumentError as {@link encodeCheckpoint}
 * @throws FileError when the file system refuses
 * @example
 * const save = (params: { w: NdArray }) =>
 *   saveCheckpoint('run/checkpoint.safetensors', { trees: { params }, step: 100, config: { seed: 7 } });
 */
export async function saveCheckpoint(path: string, content: CheckpointContent): Promise<void> {
  await writeAtomic(path, await encodeCheckpoint(content));
}

/**
 * Reads a checkpoint from a file. Node only.
 * @throws FileError when the file system refuses
 * @throws FormatError when the file is truncated, damaged, foreign or of another version
 * @example
 * const resume = async () => {
 *   const checkpoint = await loadCheckpoint('run/checkpoint.safetensors');
 *   return restoreTree(checkpoint, 'params', { w: { dtype: 'float32', shape: [2] } });
 * };
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  return decodeCheckpoint(await readBytes(path), path);
}

/**
 * A tree of a checkpoint in the form of `spec`, a tree of types and shapes (arrays, tensors and weight specs are such).
 * @throws FormatError when the tree or one of its arrays is missing, extra, or of another type or shape
 * @example
 * const bytes = await encodeCheckpoint({ trees: { params: { w: ndarray([1, 2]) } }, step: 0, config: null });
 * const checkpoint = await decodeCheckpoint(bytes, 'run.safetensors');
 * const params = restoreTree(checkpoint, 'params', { w: { dtype: 'float32', shape: [2] } }); // { w: NdArray }
 */
export function restoreTree<const S>(checkpoint: Checkpoint, name: string, spec: S): Mapped<S, Aval, NdArray> {
  const error = (message: string) => new FormatError(`checkpoint "${checkpoint.name}": ${message}`);
  const full = (path: string) => (path === '' ? name : `${name}/${path}`);
  const flat = Object.hasOwn(checkpoint.trees, name) ? checkpoint.trees[name] : undefined;
  if (flat === undefined) {
    throw error(`expected a tree "${name}", got ${Object.keys(checkpoint.trees).join(', ') || 'none'}`);
  }
  const expected = new Set(tree.paths(spec));
  const extra = Object.keys(flat).filter((path) => !expected.has(path));
  const missing = [...expected].filter((path) => !Object.hasOwn(flat, path));
  if (missing.length > 0) throw error(`expected "${full(missing[0]!)}", which is missing${more(missing)}`);
  if (extra.length > 0) throw error(`expected no "${full(extra[0]!)}", which is there${more(extra)}`);
  return tree.mapWithPath((want: Aval, path): NdArray => {
    const array = flat[path]!;
    if (array.dtype !== want.dtype || !sameShape(array.shape, want.shape)) {
      const show = ({ dtype, shape }: Aval) => `${dtype} ${showShape(shape)}`;
      throw error(`expected "${full(path)}" as ${show(want)}, got ${show(array)}`);
    }
    return array;
  }, spec);
}

const more = (paths: readonly string[]): string => (paths.length > 1 ? `, and ${paths.length - 1} more` : '');

const isStep = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

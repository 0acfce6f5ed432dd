import type { NdArray } from './array.ts';
import { allocate } from './dtype.ts';
import { FormatError } from './errors.ts';
import { ops } from './ops/index.ts';
import type { Program, ProgramNode, ValueId } from './program.ts';
import { type Aval, isShape, sameShape, showShape, sizeOf } from './shape.ts';
import type { Attr, Op } from './tensor.ts';

const format = 'hyperloom-program';
const version = 1;

/*
 * JSON has no arrays of numbers that are exact and small, and no infinities. Attributes that hold these, or a program,
 * are written as an object with one tagged key.
 */
const tags = { array: '$array', kept: '$kept', number: '$number', program: '$program' } as const;

/** Values that JSON holds without loss. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Keeps a constant elsewhere: gives the name under which it will be found, or undefined to write it into the text. */
export type Keep = (array: NdArray) => string | undefined;

/** Finds a constant that was kept elsewhere. */
export type Find = (name: string) => NdArray | undefined;

/**
 * A program as text: JSON with one operation a line, so that it diffs. Constants are base64 of their little-endian bytes.
 * @example
 * const { program } = trace((x: Tensor) => mul(x, 2), { dtype: 'float32', shape: [3] });
 * const copy = parseProgram(serializeProgram(program));
 */
export function serializeProgram(program: Program): string {
  const { inputs, nodes, outputs } = encode(program);
  const lines = (values: readonly Json[]) => values.map((value) => `\n  ${JSON.stringify(value)}`).join(',');
  return `{"format":"${format}","version":${version},
"inputs":[${lines(inputs)}
],"nodes":[${lines(nodes)}
],"outputs":[${lines(outputs)}
]}
`;
}

/**
 * The program of a text from {@link serializeProgram}, checked: every operation is known, reads values that are there
 * already, and gives the types that are written down.
 * @throws FormatError for anything else, with the operation at fault
 * @example
 * const text = serializeProgram(trace((x: Tensor) => exp(x), { dtype: 'float32', shape: [3] }).program);
 * console.log(showProgram(parseProgram(text)));
 */
export function parseProgram(text: string): Program {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError('program: expected JSON, got other text', { cause });
  }
  const { format: foundFormat, version: foundVersion } = (json ?? {}) as Record<string, unknown>;
  if (foundFormat !== format) throw new FormatError(`program: expected format "${format}", got ${show(foundFormat)}`);
  if (foundVersion !== version)
    throw new FormatError(`program: expected version ${version}, got ${show(foundVersion)}`);
  return decodeProgram(json);
}

/**
 * A program as a value of JSON, for a larger document.
 * @param keep where constants go that are not to be written out
 * @example
 * const { program } = trace((x: Tensor) => mul(x, 2), { dtype: 'float32', shape: [3] });
 * const copy = decodeProgram(encodeProgram(program));
 */
export const encodeProgram = (program: Program, keep: Keep = () => undefined): Json => ({ ...encode(program, keep) });

/**
 * The program of a value from {@link encodeProgram}, checked as by {@link parseProgram}.
 * @throws FormatError for anything else
 */
export function decodeProgram(json: unknown, find: Find = () => undefined): Program {
  try {
    return decode(json, find);
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError('program: expected inputs, operations and results, got a damaged text', { cause });
  }
}

const show = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value));

function encode({ inputs, nodes, outputs }: Program, keep: Keep = () => undefined) {
  return {
    inputs: inputs.map(({ id, name, dtype, shape }): Json => ({ id, name, dtype, shape })),
    nodes: nodes.map(
      (node): Json => ({
        op: node.op,
        inputs: node.inputs,
        attrs: encodeAttr(node.attrs, keep),
        outputs: node.outputs.map(({ id, dtype, shape }) => ({ id, dtype, shape })),
        scope: node.scope,
      }),
    ),
    outputs: outputs.map(({ id, name }): Json => ({ id, name })),
  };
}

function encodeAttr(value: Attr, keep: Keep): Json {
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { [tags.number]: Object.is(value, -0) ? '-0' : String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Attr) => encodeAttr(item, keep));
  if (isArray(value)) {
    const name = keep(value);
    if (name !== undefined) return { [tags.kept]: name };
    return { [tags.array]: { dtype: value.dtype, shape: value.shape, data: toBase64(value) } };
  }
  if (isProgram(value)) return { [tags.program]: encode(value, keep) };
  const plain = Object.entries(value as { readonly [key: string]: Attr | undefined });
  return Object.fromEntries(
    plain.flatMap(([key, item]) => (item === undefined ? [] : [[key, encodeAttr(item, keep)]])),
  );
}

const isArray = (value: object): value is NdArray => 'data' in value && ArrayBuffer.isView(value.data);
const isProgram = (value: object): value is Program => 'nodes' in value && 'outputs' in value;

function toBase64({ data }: NdArray): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  // In pieces: a call takes only so many arguments.
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

function decodeArray({ dtype, shape, data }: { dtype: NdArray['dtype']; shape: number[]; data: string }): NdArray {
  checkAval({ dtype, shape }, 'a constant');
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const out = allocate(dtype, sizeOf(shape));
  if (bytes.length !== out.byteLength)
    throw new FormatError(`program: expected ${out.byteLength} bytes in a constant, got ${bytes.length}`);
  new Uint8Array(out.buffer).set(bytes);
  return { dtype, shape, data: out };
}

function decodeAttr(value: Json, find: Find): Attr {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => decodeAttr(item, find));
  const tagged = value as { readonly [key: string]: Json };
  if (tags.number in tagged) return Number(tagged[tags.number]);
  if (tags.array in tagged) return decodeArray(tagged[tags.array] as Parameters<typeof decodeArray>[0]);
  if (tags.kept in tagged) {
    const array = find(String(tagged[tags.kept]));
    if (array !== undefined) return array;
    throw new FormatError(`program: expected a constant ${show(tagged[tags.kept])} beside the text, got none`);
  }
  if (tags.program in tagged) return decode(tagged[tags.program], find);
  return Object.fromEntries(Object.entries(tagged).map(([key, item]) => [key, decodeAttr(item, find)]));
}

function checkAval({ dtype, shape }: Aval, where: string): void {
  if (!['float32', 'float64', 'int32', 'uint32', 'bool'].includes(dtype) || !Array.isArray(shape) || !isShape(shape))
    throw new FormatError(`program: expected a type and a shape for ${where}, got ${show({ dtype, shape })}`);
}

/** Rebuilds a program of which only the JSON is known to be sound. */
function decode(json: unknown, find: Find): Program {
  const { inputs, nodes, outputs } = json as { [K in keyof Program]: Json[] };
  if (![inputs, nodes, outputs].every(Array.isArray))
    throw new FormatError('program: expected lists of inputs, nodes and outputs, got something else');
  const values: Aval[] = [];
  const define = (value: Aval & { id: ValueId }, where: string) => {
    checkAval(value, where);
    if (value.id !== values.length)
      throw new FormatError(`program: expected id ${values.length} for ${where}, got ${value.id}`);
    values.push({ dtype: value.dtype, shape: value.shape });
  };
  const known = (id: ValueId, where: string): Aval => {
    const value = values[id];
    if (value === undefined) throw new FormatError(`program: expected a value known before ${where}, got ${show(id)}`);
    return value;
  };
  for (const input of inputs) define(input as unknown as Program['inputs'][number], 'an input');
  const decoded = nodes.map((node, i) => {
    const where = `operation ${i}`;
    const read = {
      ...(node as object),
      attrs: decodeAttr((node as { attrs?: Json }).attrs ?? {}, find),
    } as ProgramNode;
    checkTypes(
      read,
      read.inputs.map((id) => known(id, where)),
      where,
    );
    for (const output of read.outputs) define(output, where);
    return read;
  });
  for (const output of outputs) known((output as { id: number }).id, 'the results');
  return { inputs, nodes: decoded, outputs } as unknown as Program;
}

function checkTypes(node: ProgramNode, inputs: readonly Aval[], where: string): void {
  if (!Object.hasOwn(ops, node.op))
    throw new FormatError(`program: expected a known operation, got ${show(node.op)} in ${where}`);
  let expected: readonly Aval[];
  try {
    expected = (ops[node.op] as Op).infer(inputs, node.attrs);
  } catch (cause) {
    throw new FormatError(`program: expected inputs and options that fit ${node.op} in ${where}, got others`, {
      cause,
    });
  }
  const text = (avals: readonly Aval[]) => avals.map(({ dtype, shape }) => `${dtype}${showShape(shape)}`).join(', ');
  const same =
    expected.length === node.outputs.length &&
    expected.every((aval, i) => aval.dtype === node.outputs[i]?.dtype && sameShape(aval.shape, node.outputs[i].shape));
  if (!same)
    throw new FormatError(`program: expected ${text(expected)} from ${node.op} in ${where}, got ${text(node.outputs)}`);
}

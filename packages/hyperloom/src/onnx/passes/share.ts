import type { Attr, NdArray, Program, ValueId } from '../../tensor/index.ts';
import { rewrite } from './rewrite.ts';

/** Constants of more elements are told apart by identity: comparing them costs more than sharing saves. */
const largestCompared = 1024;

const isArray = (value: object): value is NdArray => 'data' in value && 'dtype' in value;

/** Numbers for large arrays: the same for the same data. */
const numbers = new WeakMap<object, number>();
let count = 0;

function numberOf({ data }: NdArray): number {
  const number = numbers.get(data) ?? count++;
  numbers.set(data, number);
  return number;
}

/** Options as text, the same for equal options whatever the order of their keys. */
export function asText(value: Attr | undefined): string {
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  if (Array.isArray(value)) return `[${value.map(asText).join()}]`;
  if (isArray(value)) {
    const content =
      value.data.length > largestCompared
        ? `#${numberOf(value)}`
        : Array.from(value.data, (x) => (Object.is(x, -0) ? '-0' : x)).join();
    return `${value.dtype}[${value.shape.join()}]${content}`;
  }
  const entries = Object.entries(value as { readonly [key: string]: Attr | undefined }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return `{${entries.map(([key, item]) => `${key}:${asText(item)}`).join()}}`;
}

/** The program with equal operations on equal values done once, whatever layer they were traced in. */
export function share(program: Program): Program {
  const seen = new Map<string, readonly ValueId[]>();
  return rewrite(program, (node, to) => {
    const key = `${node.op}(${node.inputs.join()})${asText(node.attrs)}`;
    const known = seen.get(key);
    if (known !== undefined) return known;
    const results = to.emit(node.op, node.inputs, node.attrs);
    seen.set(key, results);
    return results;
  });
}

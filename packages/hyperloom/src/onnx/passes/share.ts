import type { Attr, NdArray, Program, ValueId } from '../../tensor/index.ts';
import { rewrite } from './rewrite.ts';

/** Constants of more elements are told apart by identity: comparing them costs more than sharing saves. */
const largestCompared = 1024;

const isArray = (value: object): value is NdArray => 'data' in value && 'dtype' in value;

/** Options as text, the same for equal options whatever the order of their keys. */
function canonical(value: Attr | undefined, identity: (array: NdArray) => number): string {
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  if (Array.isArray(value)) return `[${value.map((item: Attr) => canonical(item, identity)).join()}]`;
  if (isArray(value)) {
    const content =
      value.data.length > largestCompared
        ? `#${identity(value)}`
        : Array.from(value.data, (x) => (Object.is(x, -0) ? '-0' : x)).join();
    return `${value.dtype}[${value.shape.join()}]${content}`;
  }
  const entries = Object.entries(value as { readonly [key: string]: Attr | undefined }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return `{${entries.map(([key, item]) => `${key}:${canonical(item, identity)}`).join()}}`;
}

/** The program with equal operations on equal values done once, whatever layer they were traced in. */
export function share(program: Program): Program {
  const seen = new Map<string, readonly ValueId[]>();
  const identities = new Map<unknown, number>();
  const identity = ({ data }: NdArray): number => {
    const known = identities.get(data) ?? identities.size;
    identities.set(data, known);
    return known;
  };
  return rewrite(program, (node, to) => {
    const key = `${node.op}(${node.inputs.join()})${canonical(node.attrs, identity)}`;
    const known = seen.get(key);
    if (known !== undefined) return known;
    const results = to.emit(node.op, node.inputs, node.attrs);
    seen.set(key, results);
    return results;
  });
}

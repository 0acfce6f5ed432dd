import type { Program } from './program.ts';
import { type Aval, showShape, sizeOf } from './shape.ts';
import type { Attr } from './tensor.ts';

const showAval = ({ dtype, shape }: Aval): string => `${dtype}${showShape(shape)}`;

function showAttr(value: Attr | undefined): string {
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) return `[${value.map(showAttr).join(', ')}]`;
    if ('nodes' in value) return `{\n${showProgram(value as Program).replace(/^/gm, '    ')}\n  }`;
    if ('data' in value && 'shape' in value) {
      const { data, shape } = value as { data: ArrayLike<number>; shape: readonly number[] };
      const shown = Array.from({ length: Math.min(4, data.length) }, (_, i) =>
        String(Number(data[i]!.toPrecision(6))),
      ).join(', ');
      return sizeOf(shape) > 4 ? `[${shown}, ...]` : shape.length === 0 ? shown : `[${shown}]`;
    }
    return `{${Object.entries(value)
      .map(([k, v]) => `${k}: ${showAttr(v)}`)
      .join(', ')}}`;
  }
  return String(value);
}

/**
 * A program as text, one operation a line, with types, options and the layer that each came from.
 * @example
 * console.log(showProgram(trace((x: Tensor) => add(x, 1), { dtype: 'float32', shape: [2] }).program));
 */
export function showProgram({ inputs, nodes, outputs }: Program): string {
  const head = `program(${inputs.map((input) => `%${input.id} ${input.name}: ${showAval(input)}`).join(', ')})`;
  const lines = nodes.map((node) => {
    const attrs = Object.entries(node.attrs)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${showAttr(value)}`)
      .join(' ');
    const call = [node.op, ...node.inputs.map((id) => `%${id}`), attrs].filter((part) => part !== '').join(' ');
    return `  ${node.outputs.map((output) => `%${output.id}: ${showAval(output)}`).join(', ')} = ${call}${node.scope === '' ? '' : `  # ${node.scope}`}`;
  });
  return [head, ...lines, `  return ${outputs.map((output) => `%${output.id} ${output.name}`).join(', ')}`].join('\n');
}

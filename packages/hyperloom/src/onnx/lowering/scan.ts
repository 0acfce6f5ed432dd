import { zerosArray } from '../../tensor/index.ts';
import type { Lowerings } from './lowering.ts';

/** A loop, as the operator Scan. What is the same in all steps is read from the graph around the body. */
export const scan = {
  scan: ({ b, inputs, outputs, attrs, body }) => {
    const { fixed, carries, length, reverse } = attrs;
    const around = new Map(attrs.body.inputs.slice(0, fixed).map(({ id }, i) => [id, inputs[i]!.within()]));
    const own = body(attrs.body, around);
    const read = inputs.slice(fixed).map((x) => x.name());
    // Scan counts its steps by what it reads of each: where a step reads nothing, by bits that nobody looks at.
    const bits = read.length === carries ? [b.array(zerosArray('bool', [length]))] : [];
    const bit = bits.map(() => ({ name: b.unique('step'), dtype: 'bool' as const, shape: [] }));
    const graph = { ...own, inputs: [...own.inputs, ...bit] };
    const scanned = read.length + bits.length - carries;
    const directions = (key: string, count: number) =>
      count > 0 && reverse ? { [key]: new Array<number>(count).fill(1) } : {};
    return b.nodes(
      'Scan',
      [...read, ...bits],
      {
        body: { graph },
        num_scan_inputs: scanned,
        ...directions('scan_input_directions', scanned),
        ...directions('scan_output_directions', outputs.length - carries),
      },
      { outputs: outputs.length },
    );
  },
} satisfies Partial<Lowerings>;

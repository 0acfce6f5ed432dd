import type { Lowerings } from './lowering.ts';

/** A loop, as the operator Scan. What is the same in all steps is read from the graph around the body. */
export const scan = {
  scan: ({ b, inputs, outputs, attrs, body }) => {
    const { fixed, carries, reverse } = attrs;
    const around = new Map(attrs.body.inputs.slice(0, fixed).map(({ id }, i) => [id, inputs[i]!]));
    const graph = body(attrs.body, around);
    const directions = (key: string, count: number) =>
      count > 0 && reverse ? { [key]: new Array<number>(count).fill(1) } : {};
    const read = inputs.slice(fixed).map((x) => x.name());
    return b.nodes(
      'Scan',
      read,
      {
        body: { graph },
        num_scan_inputs: read.length - carries,
        ...directions('scan_input_directions', read.length - carries),
        ...directions('scan_output_directions', outputs.length - carries),
      },
      { outputs: outputs.length },
    );
  },
} satisfies Partial<Lowerings>;

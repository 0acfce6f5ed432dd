import type { Activation } from '../../nn/index.ts';
import { constant, type NdArray, ndarray, type Op, ops, trace } from '../../tensor/index.ts';

/** Half-width of the range that is summed over, in standard deviations, and the number of places in it. */
const reach = 8;
const places = 801;

/**
 * The mean square of an activation of normal numbers with mean 0: what enters the layer after it. By the trapezoid rule.
 * @param std the standard deviation of what goes in
 */
export function secondMoment(activation: Activation, std: number): number {
  const z = Float64Array.from({ length: places }, (_, i) => (i / (places - 1)) * 2 * reach - reach);
  const input = constant(
    ndarray(
      z.map((v) => v * std),
      [places],
    ),
  );
  const { program } = trace(() => activation.apply({}, input));
  const values: NdArray[] = [];
  for (const { op, inputs, attrs, outputs } of program.nodes) {
    const results = (ops[op] as Op).eval(
      inputs.map((id) => values[id]!),
      attrs,
    );
    outputs.forEach(({ id }, i) => {
      values[id] = results[i]!;
    });
  }
  const y = values[program.outputs[0]!.id]!.data;
  const density = z.map((v) => Math.exp((-v * v) / 2));
  return density.reduce((s, p, i) => s + p * y[i]! ** 2, 0) / density.reduce((s, p) => s + p, 0);
}

import type { NdArray } from 'hyperloom/tensor';
import type { CharacterStrip } from '../report/passage.ts';

/** Gates in the order of the cell's rows. */
const gates = ['input gate i', 'forget gate f', 'output gate o', 'candidate g'] as const;

/** Scales [T, 4 hidden] to the change at each step but the first of each gate's, over their mean length. */
export function gateChanges({ shape, data }: NdArray): CharacterStrip[] {
  const [steps, width] = shape as [number, number];
  const hidden = width / gates.length;
  return gates.map((name, gate) => {
    const at = (t: number) => data.subarray(t * width + gate * hidden, t * width + (gate + 1) * hidden) as Float32Array;
    const length = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    const all = Array.from({ length: steps }, (_, t) => at(t));
    const mean = all.reduce((sum, values) => sum + length(values), 0) / steps;
    const moved = all.slice(1).map((values, t) => length(values.map((value, i) => value - all[t]![i]!)));
    return { name, values: moved.map((change) => change / Math.max(mean, 1e-12)) };
  });
}

import type { EvalBatches } from '../data/index.ts';
import type { Engine } from '../engine/index.ts';
import { type NdArray, type Program, type Tensor, trace, tree, vmap } from '../tensor/index.ts';
import { type Carry, noCarry, stateAfter, zeroStates } from './carry.ts';
import type { Example, Measure, Trainable } from './model.ts';
import type { Packed, Packing } from './packing.ts';

/** What to measure, by name: a scalar of each example's output and target; the evaluation gives their means. */
export type Metrics = Readonly<Record<string, Measure>>;

/** A compiled evaluation over one set of examples. */
export interface Evaluator {
  /** Means over all examples, in float64. */
  run(packed: Packed<NdArray>): Promise<Record<string, number>>;
  dispose(): Promise<void>;
}

/** Compiles the evaluation of a model on a set; what is carried goes from batch to batch, from zeros on. */
export async function compileEvaluator(
  engine: Engine,
  model: Trainable,
  layout: Packing,
  data: EvalBatches<Example>,
  metrics: Metrics,
  carry: Carry = noCarry,
): Promise<Evaluator> {
  const start = zeroStates(carry, data.size);
  const program = evaluationProgram(model, layout, carry, { batch: data.spec, states: start, metrics });
  const executable = await engine.compile(program);
  const names = Object.keys(metrics);
  return {
    dispose: () => executable.dispose(),
    run: async (packed) => {
      const totals = names.map(() => 0);
      let states: readonly NdArray[] = tree.leaves<NdArray>(start);
      for (const { batch, count } of data) {
        const given = [...tree.leaves<NdArray>(packed), ...states, ...tree.leaves<NdArray>(batch)];
        const values = await executable.run(given);
        totals.forEach((_, i) => {
          for (let row = 0; row < count; row++) totals[i]! += values[i]!.data[row]!;
        });
        states = values.slice(names.length);
      }
      return Object.fromEntries(names.map((name, i) => [name, totals[i]! / data.total]));
    },
  };
}

/** In: parameters, the state of each row, a batch. Out: each metric of each row, the next states. */
function evaluationProgram(
  model: Trainable,
  layout: Packing,
  carry: Carry,
  { batch, states, metrics }: { readonly batch: unknown; readonly states: unknown; readonly metrics: Metrics },
): Program {
  const run = (packed: Packed<Tensor>, before: unknown, data: Example) => {
    const params = layout.unpack(packed);
    const one = ({ input, target }: Example, state: unknown) => {
      const read = carry.write(input as never, state as never);
      const output = model.apply(params as never, read as never, { training: false });
      const measured = Object.values(metrics).map((measure) => measure(output as never, target as never));
      return [measured, stateAfter(carry, output)];
    };
    return vmap(one, { name: 'batch' })(data, before);
  };
  return trace(run, layout.form, states, batch).program;
}

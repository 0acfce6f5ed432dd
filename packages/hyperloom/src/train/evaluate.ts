import type { EvalBatches } from '../data/index.ts';
import type { Engine } from '../engine/index.ts';
import { type NdArray, type Program, type Tensor, trace, tree, vmap } from '../tensor/index.ts';
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

/** Compiles the evaluation of a model on a set. */
export async function compileEvaluator(
  engine: Engine,
  model: Trainable,
  layout: Packing,
  data: EvalBatches<Example>,
  metrics: Metrics,
): Promise<Evaluator> {
  const program = evaluationProgram(model, layout, data.spec, metrics);
  const executable = await engine.compile(program);
  const names = Object.keys(metrics);
  return {
    dispose: () => executable.dispose(),
    run: async (packed) => {
      const totals = names.map(() => 0);
      for (const { batch, count } of data) {
        const values = await executable.run([...tree.leaves<NdArray>(packed), ...tree.leaves<NdArray>(batch)]);
        values.forEach(({ data: rows }, i) => {
          for (let row = 0; row < count; row++) totals[i]! += rows[row]!;
        });
      }
      return Object.fromEntries(names.map((name, i) => [name, totals[i]! / data.total]));
    },
  };
}

function evaluationProgram(model: Trainable, layout: Packing, batch: unknown, metrics: Metrics): Program {
  const run = (packed: Packed<Tensor>, data: Example) => {
    const params = layout.unpack(packed);
    const one = ({ input, target }: Example) => {
      const output = model.apply(params as never, input as never, { training: false });
      return Object.values(metrics).map((measure) => measure(output as never, target as never));
    };
    return vmap(one, { name: 'batch' })(data);
  };
  return trace(run, layout.form, batch).program;
}

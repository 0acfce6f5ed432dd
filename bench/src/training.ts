import type { Engine } from 'hyperloom/engine';
import { adam } from 'hyperloom/optim';
import { type Aval, type NdArray, ndarray, type Program, tree } from 'hyperloom/tensor';
import { compileStepper, type Example, packing, supervised } from 'hyperloom/train';
import type { Inputs } from '../peers/inputs.ts';
import type { Workload } from './workloads/workload.ts';

/** A workload's step, compiled and at its starting weights. */
export interface Training {
  readonly program: Program;
  readonly parameters: number;
  /** From nothing to a step that can run: what `train` does before its first step. */
  readonly compileMs: number;
  /** Takes the next steps, as many as one call of the engine takes, and gives their losses, each before the update. */
  step(): Promise<readonly number[]>;
  dispose(): Promise<void>;
}

/** The programs that `train` makes for a workload, with the peers' starting weights in place of drawn ones. */
export async function startTraining(
  engine: Engine,
  workload: Workload,
  batch: number,
  inputs: Inputs,
): Promise<Training> {
  const { model, loss, trained } = workload;
  const layout = packing(model.spec, trained);
  const batches = batchesOf(workload, batch, inputs);
  const packed = layout.gather(startingWeights(workload, inputs));

  const begin = performance.now();
  const data = { spec: batches[0]!, at: (index: number) => batches[index % batches.length]! };
  const method = supervised({ data: data as never, loss, optimizer: adam(1e-3) });
  const stepper = await compileStepper(engine, method, { model, layout });
  const compileMs = performance.now() - begin;
  stepper.restore({ ...packed, optimizer: stepper.optimizer(), state: stepper.state() });
  let count = 0;
  return {
    program: stepper.program,
    parameters: layout.size,
    compileMs,
    step: async () => {
      const results = await stepper.advance(count, Number.POSITIVE_INFINITY);
      count += results.length;
      return results.map(({ loss: value }) => value);
    },
    dispose: () => stepper.dispose(),
  };
}

/** An engine that keeps the last program it was given. */
export function watchedEngine(engine: Engine): { readonly engine: Engine; program(): Program } {
  let last: Program | undefined;
  const compile: Engine['compile'] = (program) => {
    last = program;
    return engine.compile(program);
  };
  return { engine: { ...engine, compile }, program: () => last! };
}

/** Parameters of the model with the manifest's values. */
export function startingWeights({ name, model, weights }: Workload, inputs: Inputs): tree.Tree<NdArray> {
  const values = weights(inputs);
  return tree.mapWithPath(({ shape }: Aval, path): NdArray => {
    const data = values[path];
    if (data === undefined) throw new Error(`bench: ${name}: expected starting values for ${path}, got none`);
    return ndarray(data, shape);
  }, model.spec) as tree.Tree<NdArray>;
}

/** The batches that steps take in turn. */
export function batchesOf(workload: Workload, batch: number, inputs: Inputs): Example[] {
  const data = Object.entries(inputs).filter(([name]) => name.startsWith('data.'));
  const count = data[0]![1].shape[0]! / batch;
  return Array.from({ length: count }, (_, i) => {
    const rows = data.map(([name, { shape, data: values }]) => {
      const size = values.length / count;
      const part = values.slice(i * size, (i + 1) * size);
      return [name.slice('data.'.length), ndarray(part, [batch, ...shape.slice(1)])] as const;
    });
    return workload.example(Object.fromEntries(rows));
  });
}

import type { Engine } from '../engine/index.ts';
import { type Aval, type NdArray, ndarray, type Program, random, tree, zerosArray } from '../tensor/index.ts';
import { type Carried, initProgram, type StepOptions, stepProgram } from './step.ts';

/** What a step measured. */
export interface StepResult {
  readonly loss: number;
  readonly gradientNorm: number;
}

/** A compiled training step with the values that it carries. */
export interface Stepper {
  /** The program of a step. */
  readonly program: Program;
  /** Takes one step in place. */
  step(index: number, batch: unknown): Promise<StepResult>;
  /** The present parameters; the array is written again by the step after the next. */
  theta(): NdArray;
  /** The parameters before the last step. */
  previous(): NdArray;
  /** The present optimiser state as a tree. */
  optimizer(): unknown;
  /** Replaces parameters and optimiser state. */
  restore(theta: NdArray, optimizer: unknown): void;
  dispose(): Promise<void>;
}

/** Compiles the step of a run and draws its first parameters. */
export async function compileStepper(engine: Engine, options: StepOptions, seed = 0): Promise<Stepper> {
  const key = random.keyArray(seed);
  const start = initProgram(options);
  const starter = await engine.compile(start.program);
  const first = await starter.run([key]);
  await starter.dispose();
  const form = start.output as Carried<Aval>;
  const { program } = stepProgram(options, form);
  const executable = await engine.compile(program);

  // Two sets of arrays take turns: a step reads one and writes the other, and nothing is copied or allocated.
  let present: readonly NdArray[] = first;
  let spare: readonly NdArray[] = first.map(({ dtype, shape }) => zerosArray(dtype, shape));
  const measured = [zerosArray('float32', []), zerosArray('float32', [])];
  const counter = ndarray(new Int32Array(1), []);
  const carriedAs = (arrays: readonly NdArray[]) =>
    tree.unflatten<unknown, Aval, NdArray>(form, arrays) as unknown as Carried<NdArray>;
  return {
    program,
    step: async (index, batch) => {
      counter.data[0] = index;
      await executable.run([...present, key, counter, ...tree.leaves<NdArray>(batch)], [...spare, ...measured]);
      [present, spare] = [spare, present];
      return { loss: measured[0]!.data[0]!, gradientNorm: measured[1]!.data[0]! };
    },
    theta: () => carriedAs(present).theta,
    previous: () => carriedAs(spare).theta,
    optimizer: () => carriedAs(present).optimizer,
    restore: (theta, optimizer) => {
      tree.leaves<NdArray>({ theta, optimizer }).forEach(({ data }, i) => {
        present[i]!.data.set(data);
      });
    },
    dispose: () => executable.dispose(),
  };
}

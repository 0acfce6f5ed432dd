import type { Engine } from '../engine/index.ts';
import { type Aval, type NdArray, ndarray, type Program, random, tree, zerosArray } from '../tensor/index.ts';
import type { Packed } from './packing.ts';
import { type Carried, initProgram, type StepOptions, startProgram, stepProgram } from './step.ts';

/** What a step measured. */
export interface StepResult {
  /** Mean loss of the batch. */
  readonly loss: number;
  /** What the regulariser added, where there is one. */
  readonly penalty?: number;
  readonly gradientNorm: number;
}

/** A compiled training step with the values that it carries. */
export interface Stepper {
  /** The program of a step. */
  readonly program: Program;
  /** Takes one step in place. */
  step(index: number, batch: unknown): Promise<StepResult>;
  /** The present parameters; the arrays are written again by the step after the next. */
  packed(): Packed<NdArray>;
  /** What was carried into the last step. */
  previous(): Carried<NdArray>;
  /** The present optimiser state as a tree. */
  optimizer(): unknown;
  /** The present state of each row of the batch as a tree. */
  state(): unknown;
  /** Replaces all that is carried. */
  restore(carried: Carried<NdArray>): void;
  dispose(): Promise<void>;
}

/** Where a run starts. */
export interface Start {
  readonly seed?: number;
  /** Parameters in place of those that the seed draws. */
  readonly initial?: Packed<NdArray>;
}

/** Runs a program once. */
async function once(engine: Engine, program: Program, inputs: readonly NdArray[]): Promise<readonly NdArray[]> {
  const executable = await engine.compile(program);
  const outputs = await executable.run(inputs);
  await executable.dispose();
  return outputs;
}

/** Compiles the step of a run and draws its first parameters. */
export async function compileStepper(
  engine: Engine,
  options: StepOptions,
  { seed = 0, initial }: Start = {},
): Promise<Stepper> {
  const key = random.keyArray(seed);
  const start = initial ? startProgram(options, initial) : initProgram(options);
  const first = await once(engine, start.program, initial ? tree.leaves<NdArray>(initial) : [key]);
  const form = start.output as Carried<Aval>;
  const { program, output } = stepProgram(options, form);
  const { carried, penalty } = output as { readonly carried: Carried<Aval>; readonly penalty: Aval | null };
  const executable = await engine.compile(program);

  // Two sets of arrays take turns: a step reads one and writes the other, and nothing is copied or allocated. What a
  // step leaves alone is the same array in both.
  const asCarried = (arrays: readonly NdArray[]) =>
    tree.unflatten<unknown, Aval, NdArray>(form, arrays) as unknown as Carried<NdArray>;
  let present = asCarried(first);
  let spare: Carried<NdArray> = {
    ...asCarried(first.map(({ dtype, shape }) => zerosArray(dtype, shape))),
    ...(carried.rest === null && { rest: present.rest }),
  };
  const written = (state: Carried<NdArray>) =>
    tree.leaves<NdArray>({ ...state, rest: carried.rest === null ? null : state.rest });
  const scalar = () => zerosArray('float32', []);
  const measured = { loss: scalar(), ...(penalty && { penalty: scalar() }), gradientNorm: scalar() };
  const counter = ndarray(new Int32Array(1), []);
  const fixed = tree.leaves<NdArray>(options.regularizer?.inputs ?? null);
  return {
    program,
    step: async (index, batch) => {
      counter.data[0] = index;
      await executable.run(
        [...tree.leaves<NdArray>(present), key, counter, ...tree.leaves<NdArray>(batch), ...fixed],
        [...written(spare), ...Object.values(measured)],
      );
      [present, spare] = [spare, present];
      return tree.map(({ data }: NdArray) => data[0] as number, measured) as unknown as StepResult;
    },
    packed: () => ({ theta: present.theta, rest: present.rest }),
    previous: () => spare,
    optimizer: () => present.optimizer,
    state: () => present.state,
    restore: (carried) => {
      tree.map(({ data }: NdArray, from: NdArray) => data.set(from.data), present, carried);
    },
    dispose: () => executable.dispose(),
  };
}

import type { Engine } from '../engine/index.ts';
import { type Aval, type NdArray, ndarray, type Program, random, tree, zerosArray } from '../tensor/index.ts';
import type { Carried, Measured, Method, Subject } from './method.ts';
import type { Trainable } from './model.ts';
import type { Packed } from './packing.ts';
import { initProgram, startProgram, stepProgram } from './step.ts';

/** What a step measured. */
export type StepResult = Measured<number>;

/** A compiled training step with the values that it carries. */
export interface Stepper {
  /** The program of a step. */
  readonly program: Program;
  /** Takes one step in place. */
  step(index: number): Promise<StepResult>;
  /** What the last step read. */
  read(): unknown;
  /** The present parameters; the arrays are written again by the step after the next. */
  packed(): Packed<NdArray>;
  /** What was carried into the last step. */
  previous(): Carried<NdArray>;
  /** The present optimiser state as a tree. */
  optimizer(): unknown;
  /** What else is carried at present, as a tree. */
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

/** Compiles the step of a run, opens what it reads and draws its first parameters. */
export async function compileStepper<M extends Trainable>(
  engine: Engine,
  method: Method<M>,
  subject: Subject<M>,
  { seed = 0, initial }: Start = {},
): Promise<Stepper> {
  const key = random.keyArray(seed);
  const start = initial ? startProgram(method, subject, initial) : initProgram(method, subject);
  const first = await once(engine, start.program, [...(initial ? tree.leaves<NdArray>(initial) : []), key]);
  const form = start.output as Carried<Aval>;
  const { program, output } = stepProgram(method, subject, form);
  const { carried, measured } = output as { readonly carried: Carried<Aval>; readonly measured: Measured<Aval> };
  const executable = await engine.compile(program);
  const feed = await method.feed?.(subject, { engine, seed });

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
  const figures = tree.map(({ dtype, shape }: Aval) => zerosArray(dtype, shape), measured);
  const counter = ndarray(new Int32Array(1), []);
  let inputs: unknown = null;
  return {
    program,
    step: async (index) => {
      counter.data[0] = index;
      inputs = feed ? await feed.at(index, { theta: present.theta, rest: present.rest }) : null;
      await executable.run(
        [...tree.leaves<NdArray>(present), key, counter, ...tree.leaves<NdArray>(inputs)],
        [...written(spare), ...tree.leaves<NdArray>(figures)],
      );
      [present, spare] = [spare, present];
      return tree.map(({ data }: NdArray) => data[0] as number, figures) as unknown as StepResult;
    },
    read: () => inputs,
    packed: () => ({ theta: present.theta, rest: present.rest }),
    previous: () => spare,
    optimizer: () => present.optimizer,
    state: () => present.state,
    restore: (saved) => {
      tree.map(({ data }: NdArray, from: NdArray) => data.set(from.data), present, saved);
    },
    dispose: async () => {
      await feed?.dispose();
      await executable.dispose();
    },
  };
}

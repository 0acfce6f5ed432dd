import type { Engine, Executable } from '../engine/index.ts';
import {
  type Aval,
  type NdArray,
  ndarray,
  type Program,
  programCost,
  random,
  sizeOf,
  tree,
  zerosArray,
} from '../tensor/index.ts';
import type { Carried, Measured, Method, Subject } from './method.ts';
import type { Trainable } from './model.ts';
import type { Packed } from './packing.ts';
import { initProgram, startProgram, stepProgram, stepsProgram } from './step.ts';

/** What a step measured. */
export type StepResult = Measured<number>;

/** A compiled training step with the values that it carries. */
export interface Stepper {
  /** The program of a step. */
  readonly program: Program;
  /**
   * Takes steps in place, in one call of the engine: as many as pay, but no more than asked for.
   * @returns what each of them measured; a step whose figures are not all finite is the last
   */
  advance(index: number, most: number): Promise<readonly StepResult[]>;
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
  /** The most steps that will be asked for at first: what the program for them is compiled for. Default any number. */
  readonly most?: number;
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
  { seed = 0, initial, most: asked = Number.POSITIVE_INFINITY }: Start = {},
): Promise<Stepper> {
  const key = random.keyArray(seed);
  const start = initial ? startProgram(method, subject, initial) : initProgram(method, subject);
  const first = await once(engine, start.program, [...(initial ? tree.leaves<NdArray>(initial) : []), key]);
  const form = start.output as Carried<Aval>;
  const { program, output } = stepProgram(method, subject, form);
  const { carried, measured } = output as { readonly carried: Carried<Aval>; readonly measured: Measured<Aval> };
  const changes = carried.rest !== null;
  const feed = await method.feed?.(subject, { engine, seed });
  const read = method.inputs?.(subject.model) ?? null;
  const sizes = feed?.ahead && !engine.direct ? callSizes(program, read) : [1];
  const looped = sizes.length > 1;
  const sizeFor = (most: number): number => sizes.find((size) => size <= most) ?? 1;
  const programs = new Map<number, Promise<Executable>>();
  const compiled = (count: number): Promise<Executable> => {
    const own =
      programs.get(count) ??
      engine.compile(looped ? stepsProgram(method, subject, form, { count, changes }).program : program);
    programs.set(count, own);
    return own;
  };
  await compiled(sizeFor(asked));

  // Two sets of arrays take turns: a call reads one and writes the other, and nothing is copied or allocated. What
  // steps leave alone is the same array in both.
  const asCarried = (arrays: readonly NdArray[]) =>
    tree.unflatten<unknown, Aval, NdArray>(form, arrays) as unknown as Carried<NdArray>;
  let present = asCarried(first);
  let spare: Carried<NdArray> = {
    ...asCarried(first.map(({ dtype, shape }) => zerosArray(dtype, shape))),
    ...(!changes && { rest: present.rest }),
  };
  const written = (state: Carried<NdArray>) => tree.leaves<NdArray>({ ...state, rest: changes ? state.rest : null });
  const counter = ndarray(new Int32Array(1), []);
  const room = new Map<number, Room>();
  const roomFor = (count: number): Room => {
    const each = ({ dtype, shape }: Aval) => zerosArray(dtype, looped ? [count, ...shape] : shape);
    const own = room.get(count) ?? {
      inputs: looped ? tree.map(each, read) : null,
      figures: tree.map(each, measured),
    };
    room.set(count, own);
    return own;
  };
  let inputs: unknown = null;
  const take = async (index: number, count: number): Promise<StepResult[]> => {
    counter.data[0] = index;
    const { inputs: stacked, figures } = roomFor(count);
    for (let i = 0; i < count; i++) {
      inputs = feed ? await feed.at(index + i, { theta: present.theta, rest: present.rest }) : null;
      if (looped) tree.map((into: NdArray, { data }: NdArray) => into.data.set(data, i * data.length), stacked, inputs);
    }
    const executable = await compiled(count);
    await executable.run(
      [...tree.leaves<NdArray>(present), key, counter, ...tree.leaves<NdArray>(looped ? stacked : inputs)],
      [...written(spare), ...tree.leaves<NdArray>(figures)],
    );
    [present, spare] = [spare, present];
    const figuresOf = (i: number) => tree.map(({ data }: NdArray) => data[i] as number, figures);
    return Array.from({ length: count }, (_, i) => figuresOf(i) as unknown as StepResult);
  };
  return {
    program,
    advance: async (index, most) => {
      const results = await take(index, sizeFor(most));
      const bad = results.findIndex((result) => !allFinite(result));
      if (bad < 1) return results;
      // The same once more, step by step: what is carried is then what the step that went wrong was given.
      [present, spare] = [spare, present];
      for (let i = 0; i <= bad; i++) await take(index + i, 1);
      return results.slice(0, bad + 1);
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
      for (const executable of programs.values()) await (await executable).dispose();
    },
  };
}

/** Arrays of a call: what its steps read, stacked, and what they measure. */
interface Room {
  readonly inputs: unknown;
  readonly figures: unknown;
}

/** Whether all figures of a step are numbers. */
export const allFinite = (result: StepResult): boolean => tree.leaves<number>(result).every(Number.isFinite);

/** Steps of a call, the most first, by the multiply-adds of a step: calls are to take a fraction of a second at most. */
const callSizesUpTo = [
  { multiplyAdds: 50e6, sizes: [32, 8, 1] },
  { multiplyAdds: 500e6, sizes: [8, 1] },
] as const;

/** Elements of what the steps of a call read, at most: 64 MB. */
const mostStacked = 2 ** 24;

/**
 * How many steps a call of the engine may take. A call costs some 50 microseconds, and a copy of all that is carried; steps
 * that are long by themselves are taken one by one, so that a run can be stopped between them.
 */
function callSizes(program: Program, read: unknown): readonly number[] {
  const { multiplyAdds } = programCost(program);
  const elements = tree.leaves<Aval>(read).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const kind = callSizesUpTo.find((one) => multiplyAdds <= one.multiplyAdds);
  return (kind?.sizes ?? [1]).filter((size) => size === 1 || size * elements <= mostStacked);
}

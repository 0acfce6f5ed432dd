import { type Aval, type Program, random, type Tensor, trace } from '../tensor/index.ts';
import type { Carried, Method, Subject } from './method.ts';
import type { Trainable } from './model.ts';
import type { Packed } from './packing.ts';

/** A traced function with the form of its result. */
export interface TracedForm {
  readonly program: Program;
  readonly output: unknown;
}

/** The key of a run, from which all its randomness comes. */
const keySpec = { dtype: 'uint32', shape: [2] } as const satisfies Aval;

/** The first parameters of a model in the run of a key. */
export const initialParams = (model: Pick<Trainable, 'init'>, key: Tensor): unknown =>
  model.init(random.foldIn(key, 0));

/**
 * The program that draws first parameters and what else is carried: the run's key in, what is carried out. The key is an
 * input, since an engine would take a program without inputs for a constant and compute it while compiling.
 */
export const initProgram = <M extends Trainable>(method: Method<M>, subject: Subject<M>): TracedForm =>
  trace((key: Tensor) => method.start(subject, subject.layout.pack(initialParams(subject.model, key)), key), keySpec);

/** The program that carries given parameters on: vectors and the run's key in, the same with all else as at the start out. */
export const startProgram = <M extends Trainable>(
  method: Method<M>,
  subject: Subject<M>,
  packed: Packed<Aval>,
): TracedForm => trace((own: Packed<Tensor>, key: Tensor) => method.start(subject, own, key), packed, keySpec);

/**
 * The program of a whole training step. In: what is carried, the run's key, the step's number (int32), what the step
 * reads. Out: what is carried (the rest only when the step changes it), what it measured.
 */
export const stepProgram = <M extends Trainable>(
  method: Method<M>,
  subject: Subject<M>,
  carried: unknown,
): TracedForm =>
  trace(
    (own: Carried<Tensor>, key: Tensor, step: Tensor, inputs: unknown) =>
      method.step(subject, own, { key, step, inputs }),
    carried,
    keySpec,
    { dtype: 'int32', shape: [] } satisfies Aval,
    method.inputs,
  );

import {
  ArgumentError,
  type Aval,
  add,
  iota,
  type Program,
  random,
  scan,
  type Tensor,
  trace,
  tree,
} from '../tensor/index.ts';
import type { Carried, Method, Subject } from './method.ts';
import type { Trainable } from './model.ts';
import type { Packed } from './packing.ts';
import { sameTypes, showTypes } from './types.ts';

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
 * @throws ArgumentError when the step carries on something of another form than it was given
 */
export const stepProgram = <M extends Trainable>(
  method: Method<M>,
  subject: Subject<M>,
  form: Carried<Aval>,
): TracedForm =>
  trace(
    (own: Carried<Tensor>, key: Tensor, step: Tensor, inputs: unknown) => {
      const { carried, measured } = method.step(subject, own, { key, step, inputs });
      return { carried: inForm(form, carried), measured };
    },
    form,
    keySpec,
    { dtype: 'int32', shape: [] } satisfies Aval,
    method.inputs?.(subject.model) ?? null,
  );

/**
 * The program of several steps in one call: the same as {@link stepProgram}, but for the number of the first step, arrays of
 * all steps with a leading axis, and what each of them measured. However many steps there are, each is the same program
 * in a loop, so that it gives the same bits.
 * @param changes whether steps change the rest
 */
export const stepsProgram = <M extends Trainable>(
  method: Method<M>,
  subject: Subject<M>,
  form: Carried<Aval>,
  { count, changes }: { readonly count: number; readonly changes: boolean },
): TracedForm =>
  trace(
    ({ rest, ...own }: Carried<Tensor>, key: Tensor, first: Tensor, inputs: unknown) => {
      const carry = { ...own, ...(changes && { rest }) };
      const one = (before: typeof carry, x: { readonly step: Tensor; readonly inputs: unknown }) => {
        const { carried, measured } = method.step(subject, { rest, ...before }, { key, ...x });
        const { rest: after, ...others } = inForm(form, carried);
        return [{ ...others, ...(changes && { rest: after }) }, measured] as const;
      };
      const [carried, measured] = scan(
        one as never,
        carry as never,
        { step: add(iota(count), first), inputs } as never,
        { whole: true },
      );
      const { theta, optimizer, state, rest: last } = carried as Carried<Tensor>;
      return { carried: { theta, rest: changes ? last : null, optimizer, state }, measured };
    },
    form,
    keySpec,
    { dtype: 'int32', shape: [] } satisfies Aval,
    tree.map(
      ({ dtype, shape }: Aval): Aval => ({ dtype, shape: [count, ...shape] }),
      method.inputs?.(subject.model) ?? null,
    ),
  );

/** What a step carries on, in the order of what it was given. */
function inForm(form: Carried<Aval>, { theta, rest, ...after }: Carried<Tensor>): Carried<Tensor> {
  const given = { optimizer: form.optimizer, state: form.state };
  if (!sameTypes(given, after))
    throw new ArgumentError(`train: expected a step to carry on ${showTypes(given)}, got ${showTypes(after)}`);
  const { optimizer, state } = tree.map((_: Aval, own: Tensor) => own, given, after) as typeof given;
  return { theta, rest, optimizer, state };
}

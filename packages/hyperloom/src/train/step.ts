import { applyUpdates, type Optimizer } from '../optim/index.ts';
import {
  type Aval,
  add,
  constant,
  iota,
  mean,
  type NdArray,
  type Program,
  random,
  sqrt,
  square,
  stopGradient,
  sum,
  type Tensor,
  trace,
  tree,
  valueAndGrad,
  vmap,
} from '../tensor/index.ts';
import { type Carry, noCarry, stateAfter, zeroStates } from './carry.ts';
import type { Example, Measure, Trainable } from './model.ts';
import type { Packed, Packing } from './packing.ts';
import type { Regularizer } from './regularizer.ts';

/** What a run carries from step to step. */
export interface Carried<T> extends Packed<T> {
  /** The state of the optimiser, a tree. */
  readonly optimizer: unknown;
  /** The state of each row of the batch, a tree; empty where nothing is carried. */
  readonly state: unknown;
}

/** What the program of a step is made of. */
export interface StepOptions {
  readonly model: Trainable;
  readonly layout: Packing;
  readonly optimizer: Optimizer;
  readonly loss: Measure;
  /** Types and shapes of a batch: `{ input, target }`. */
  readonly batch: Example;
  readonly regularizer?: Regularizer;
  /** A state that each row of the batch hands on to the next step. */
  readonly carry?: Carry;
}

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

/** Examples in a batch. */
const rowsOf = (batch: Example): number => tree.leaves<Aval>(batch)[0]!.shape[0]!;

/** What is carried before the first step, from given parameters. */
const firstCarried = (packed: Packed<Tensor>, { optimizer, batch, carry = noCarry }: StepOptions): Carried<Tensor> => ({
  ...packed,
  optimizer: optimizer.init(packed.theta),
  state: tree.map((zeros: NdArray) => constant(zeros), zeroStates(carry, rowsOf(batch))),
});

/**
 * The program that draws first parameters and optimiser state: the run's key in, what is carried out. The key is an
 * input, since an engine would take a program without inputs for a constant and compute it while compiling.
 */
export const initProgram = (options: StepOptions): TracedForm =>
  trace((key: Tensor) => firstCarried(options.layout.pack(initialParams(options.model, key)), options), keySpec);

/** The program that carries given parameters on: vectors in, the same with all else as at the start out. */
export const startProgram = (options: StepOptions, packed: Packed<Aval>): TracedForm =>
  trace((own: Packed<Tensor>) => firstCarried(own, options), packed);

/**
 * The program of a whole training step: forward, backward and update.
 * In: what is carried, the run's key, the step's number (int32), a batch, the regulariser's inputs.
 * Out: what is carried (the rest only when the step changes it), loss, penalty, gradient norm.
 */
export function stepProgram(options: StepOptions, carried: unknown): TracedForm {
  const { model, layout, optimizer, loss, batch, regularizer, carry = noCarry } = options;

  /** Mean loss of a batch, with what layers would add to their statistics and the state of each row. */
  const batchLoss = (params: unknown, data: Example, states: unknown, key: Tensor) => {
    const one = (example: Example, state: unknown, row: Tensor) => {
      const updates: Record<string, Tensor> = {};
      const update = (path: string, delta: Tensor): void => {
        // A layer that is applied twice reports twice.
        updates[path] = path in updates ? add(updates[path]!, delta) : delta;
      };
      const context = { training: true, key: random.foldIn(key, row), update };
      const output = model.apply(
        params as never,
        carry.write(example.input as never, state as never) as never,
        context,
      );
      return { loss: loss(output as never, example.target as never), updates, state: stateAfter(carry, output) };
    };
    const rows = vmap(one, { name: 'batch' })(data, states, iota(rowsOf(batch)));
    const updates = tree.map((delta: Tensor) => mean(delta, { axis: 0 }), rows.updates);
    return [mean(rows.loss), { updates, state: rows.state }] as const;
  };

  const run = (state: Carried<Tensor>, runKey: Tensor, step: Tensor, data: Example, inputs: unknown) => {
    const { theta, rest } = state;
    const key = random.foldIn(random.foldIn(runKey, 1), step);
    const [[value, after], gradient] = valueAndGrad(
      (vector: Tensor) => batchLoss(layout.unpack({ theta: vector, rest }), data, state.state, key),
      { aux: true },
    )(theta);
    // Taken only when asked for: where the optimiser would go on the task's loss alone.
    const ahead = (): Tensor =>
      stopGradient(applyUpdates(theta, optimizer.update(gradient, state.optimizer, theta)[0]));
    const penalised =
      regularizer &&
      valueAndGrad((vector: Tensor) => {
        const params = layout.unpack({ theta: vector, rest });
        return regularizer.apply(params as never, inputs as never, {
          key: random.foldIn(random.foldIn(runKey, 2), step),
          step,
        });
      })(regularizer.lookahead ? ahead() : theta);
    const total = penalised ? add(gradient, penalised[1]) : gradient;
    const [change, next] = optimizer.update(total, state.optimizer, theta);
    return {
      carried: {
        theta: applyUpdates(theta, change),
        rest: layout.updated(rest, after.updates),
        optimizer: next,
        state: after.state,
      },
      loss: value,
      penalty: penalised ? penalised[0] : null,
      gradientNorm: sqrt(sum(square(total))),
    };
  };
  return trace(run, carried, keySpec, { dtype: 'int32', shape: [] } satisfies Aval, batch, regularizer?.inputs ?? null);
}

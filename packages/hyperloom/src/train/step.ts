import { applyUpdates, type Optimizer } from '../optim/index.ts';
import {
  type Aval,
  add,
  iota,
  mean,
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
import type { Example, Measure, Trainable } from './model.ts';
import type { Packed, Packing } from './packing.ts';
import type { Regularizer } from './regularizer.ts';

/** What a run carries from step to step. */
export interface Carried<T> extends Packed<T> {
  /** The state of the optimiser, a tree. */
  readonly optimizer: unknown;
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

/**
 * The program that draws first parameters and optimiser state: the run's key in, what is carried out. The key is an
 * input, since an engine would take a program without inputs for a constant and compute it while compiling.
 */
export const initProgram = ({
  model,
  layout,
  optimizer,
}: Pick<StepOptions, 'model' | 'layout' | 'optimizer'>): TracedForm =>
  trace((key: Tensor): Carried<Tensor> => {
    const packed = layout.pack(initialParams(model, key));
    return { ...packed, optimizer: optimizer.init(packed.theta) };
  }, keySpec);

/** The program that carries given parameters on: vectors in, the same with fresh optimiser state out. */
export const startProgram = (optimizer: Optimizer, packed: Packed<Aval>): TracedForm =>
  trace((own: Packed<Tensor>): Carried<Tensor> => ({ ...own, optimizer: optimizer.init(own.theta) }), packed);

/**
 * The program of a whole training step: forward, backward and update.
 * In: what is carried, the run's key, the step's number (int32), a batch, the regulariser's inputs.
 * Out: what is carried (the rest only when the step changes it), loss, penalty, gradient norm.
 */
export function stepProgram(options: StepOptions, carried: unknown): TracedForm {
  const { model, layout, optimizer, loss, batch, regularizer } = options;
  const [size] = tree.leaves<Aval>(batch)[0]!.shape as [number];

  /** Mean loss of a batch, and what layers would add to their statistics. */
  const batchLoss = (params: unknown, data: Example, key: Tensor): [Tensor, Readonly<Record<string, Tensor>>] => {
    const one = (example: Example, row: Tensor) => {
      const updates: Record<string, Tensor> = {};
      const update = (path: string, delta: Tensor): void => {
        // A layer that is applied twice reports twice.
        updates[path] = path in updates ? add(updates[path]!, delta) : delta;
      };
      const context = { training: true, key: random.foldIn(key, row), update };
      const output = model.apply(params as never, example.input as never, context);
      return { loss: loss(output as never, example.target as never), updates };
    };
    const rows = vmap(one, { name: 'batch' })(data, iota(size));
    return [mean(rows.loss), tree.map((delta: Tensor) => mean(delta, { axis: 0 }), rows.updates)];
  };

  const run = (state: Carried<Tensor>, runKey: Tensor, step: Tensor, data: Example, inputs: unknown) => {
    const { theta, rest } = state;
    const key = random.foldIn(random.foldIn(runKey, 1), step);
    const [[value, updates], gradient] = valueAndGrad(
      (vector: Tensor) => batchLoss(layout.unpack({ theta: vector, rest }), data, key),
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
      carried: { theta: applyUpdates(theta, change), rest: layout.updated(rest, updates), optimizer: next },
      loss: value,
      penalty: penalised ? penalised[0] : null,
      gradientNorm: sqrt(sum(square(total))),
    };
  };
  return trace(run, carried, keySpec, { dtype: 'int32', shape: [] } satisfies Aval, batch, regularizer?.inputs ?? null);
}

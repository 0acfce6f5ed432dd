import { applyUpdates, type Optimizer } from '../optim/index.ts';
import {
  type Aval,
  iota,
  mean,
  type Program,
  random,
  sqrt,
  square,
  sum,
  type Tensor,
  trace,
  tree,
  valueAndGrad,
  vmap,
} from '../tensor/index.ts';
import type { Example, Measure, Trainable } from './model.ts';
import type { Packing } from './packing.ts';

/** What a run carries from step to step. */
export interface Carried<T> {
  /** All parameters in one vector. */
  readonly theta: T;
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
 * The program that draws first parameters and optimiser state: the run's key in, `{ theta, optimizer }` out. The key is
 * an input, since an engine would take a program without inputs for a constant and compute it while compiling.
 */
export const initProgram = ({
  model,
  layout,
  optimizer,
}: Pick<StepOptions, 'model' | 'layout' | 'optimizer'>): TracedForm =>
  trace((key: Tensor): Carried<Tensor> => {
    const theta = layout.pack(initialParams(model, key));
    return { theta, optimizer: optimizer.init(theta) };
  }, keySpec);

/**
 * The program of a whole training step: forward, backward and update.
 * In: `{ theta, optimizer }`, the run's key, the step's number (int32), a batch. Out: the same carried values, loss, gradient norm.
 */
export function stepProgram(options: StepOptions, carried: unknown): TracedForm {
  const { model, layout, optimizer, loss, batch } = options;
  const run = ({ theta, optimizer: state }: Carried<Tensor>, runKey: Tensor, step: Tensor, data: Example) => {
    const key = random.foldIn(random.foldIn(runKey, 1), step);
    const [size] = tree.leaves<Aval>(batch)[0]!.shape as [number];
    const [value, gradients] = valueAndGrad((params: unknown) => {
      const one = (example: Example, row: Tensor): Tensor => {
        const context = { training: true, key: random.foldIn(key, row) };
        return loss(model.apply(params as never, example.input as never, context) as never, example.target as never);
      };
      return mean(vmap(one)(data, iota(size)));
    })(layout.unpack(theta));
    const gradient = layout.pack(gradients);
    const [updates, next] = optimizer.update(gradient, state, theta);
    return {
      carried: { theta: applyUpdates(theta, updates), optimizer: next },
      loss: value,
      gradientNorm: sqrt(sum(square(gradient))),
    };
  };
  return trace(run, carried, keySpec, { dtype: 'int32', shape: [] } satisfies Aval, batch);
}

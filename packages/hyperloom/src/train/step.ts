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
  readonly seed: number;
  /** Types and shapes of a batch: `{ input, target }`. */
  readonly batch: Example;
}

/** A traced function with the form of its result. */
interface Form {
  readonly program: Program;
  readonly output: unknown;
}

/** The program that draws first parameters and optimiser state: no inputs, `{ theta, optimizer }` out. */
export const initProgram = ({ model, layout, optimizer, seed }: StepOptions): Form =>
  trace((): Carried<Tensor> => {
    const theta = layout.pack(model.init(random.foldIn(random.key(seed), 0)));
    return { theta, optimizer: optimizer.init(theta) };
  });

/**
 * The program of a whole training step: forward, backward and update.
 * In: `{ theta, optimizer }`, the step's number (int32), a batch. Out: the same carried values, loss, gradient norm.
 */
export function stepProgram(options: StepOptions, carried: unknown): Form {
  const { model, layout, optimizer, loss, seed, batch } = options;
  const run = ({ theta, optimizer: state }: Carried<Tensor>, step: Tensor, data: Example) => {
    const key = random.foldIn(random.foldIn(random.key(seed), 1), step);
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
  return trace(run, carried, { dtype: 'int32', shape: [] } satisfies Aval, batch);
}

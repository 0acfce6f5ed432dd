import type { NdArray, Tensor, tree } from '../tensor/index.ts';

/** What training needs of a module; every module of `nn` and every hypernetwork has it. */
export interface Trainable {
  readonly name: string;
  readonly spec: unknown;
  init(key: Tensor): unknown;
  apply(params: never, input: never, context?: TrainContext): unknown;
}

/** What training tells a module, and hears from it. */
export interface TrainContext {
  readonly training: boolean;
  readonly key?: Tensor;
  /** Takes what a layer would add to one of its untrained weights, by path. */
  update?(path: string, delta: Tensor): void;
}

/** The parameters of a model as tensors. */
export type ParamsOf<M extends Trainable> = ReturnType<M['init']>;

/** A tree of tensors as a tree of arrays. */
export type Concrete<T> = tree.Mapped<T, Tensor, NdArray>;

/** One example as the model and its loss read it. */
export interface Example<I = unknown, T = unknown> {
  /** What `model.apply` takes: a tensor, or `{ code, input }` for a hypernetwork. */
  readonly input: I;
  readonly target: T;
}

/** A scalar of one example's output and target. */
export type Measure = (output: never, target: never) => Tensor;

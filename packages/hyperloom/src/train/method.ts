import type { Engine } from '../engine/index.ts';
import type { NdArray, Tensor } from '../tensor/index.ts';
import type { Trainable } from './model.ts';
import type { Packed, Packing } from './packing.ts';

/** What a run carries from step to step. */
export interface Carried<T> extends Packed<T> {
  /** The state of the optimiser, a tree. */
  readonly optimizer: unknown;
  /** What else the method carries, a tree: states of rows, environments. Empty for nothing. */
  readonly state: unknown;
}

/** What is trained: a model, and how its weights lie in vectors. */
export interface Subject<M extends Trainable = Trainable> {
  readonly model: M;
  readonly layout: Packing;
}

/** What a step is told beside what it carries. */
export interface StepCall {
  /** The key of the run, from which all its randomness comes: fold the step's number in. */
  readonly key: Tensor;
  /** The step's number, int32 from 0. */
  readonly step: Tensor;
  /** What the feed gave, of the form of {@link Method.inputs}. */
  readonly inputs: unknown;
}

/** What a step measures, scalars. */
export interface Measured<T = Tensor> {
  readonly loss: T;
  /** What a regulariser added, where there is one. */
  readonly penalty?: T;
  readonly gradientNorm: T;
  /** Whatever else the method tells, by name. */
  readonly metrics?: Readonly<Record<string, T>>;
}

/** What a step leaves. Where `rest` is null, it stays as it was. */
export interface StepOutcome {
  readonly carried: Carried<Tensor>;
  readonly measured: Measured;
}

/** Where the arrays of a step come from. */
export interface Feed {
  /** Arrays of a step, of the form of {@link Method.inputs}; `packed` are the parameters that it begins with. */
  at(index: number, packed: Packed<NdArray>): unknown;
  /** Whether the arrays of a step depend on its number alone: then several steps may be taken in one call of the engine. */
  readonly ahead?: boolean;
  dispose(): Promise<void>;
}

/**
 * A way to train: what one step does, as a pure function that is compiled into one program, and what it reads. The loop
 * around it, with its checkpoints, evaluation and events, is the same for all: see {@link trainWith}.
 */
export interface Method<M extends Trainable = Trainable> {
  /** Types and shapes of one input of the model: what a checkpoint describes it by. */
  example(model: M): unknown;
  /** A part of the model, read from the same weights, that a checkpoint holds in place of the whole; the whole if absent. */
  shown?(model: M): (Trainable & { readonly input: unknown }) | undefined;
  /** Types and shapes of what a step reads, a tree; nothing if absent. */
  inputs?(model: M): unknown;
  /** What is carried into the first step. */
  start(subject: Subject<M>, packed: Packed<Tensor>, key: Tensor): Carried<Tensor>;
  step(subject: Subject<M>, carried: Carried<Tensor>, call: StepCall): StepOutcome;
  /** Opens what the steps read; nothing if absent. */
  feed?(subject: Subject<M>, run: { readonly engine: Engine; readonly seed: number }): Promise<Feed>;
}

export { asArrays } from './arrays.ts';
export type { Carry } from './carry.ts';
export { loadParams } from './checkpointing.ts';
export { type Compacted, type CompactOptions, compact } from './compact.ts';
export { DivergenceError } from './divergence.ts';
export type { EarlyStopping } from './early.ts';
export type { Evaluator, Metrics } from './evaluate.ts';
export type { StopReason, TrainEvent } from './events.ts';
export { codeAs, type ExportForm, type ExportOptions, exportRun } from './export.ts';
export type { Carried, Feed, Measured, Method, StepCall, StepOutcome, Subject } from './method.ts';
export type { Concrete, Example, Measure, Trainable, TrainContext } from './model.ts';
export { openCheckpoint } from './open.ts';
export { type Packed, type Packing, packing } from './packing.ts';
export type { Regularizer } from './regularizer.ts';
export { type Materialised, openRun, type Run } from './run.ts';
export { type SampleOptions, type Sampler, type SamplerOptions, type SymbolModel, sampler } from './sampler.ts';
export { initialParams, initProgram, stepProgram, type TracedForm } from './step.ts';
export { compileStepper, type Stepper, type StepResult } from './stepper.ts';
export { type SupervisedOptions, supervised } from './supervised.ts';
export {
  type CheckpointOptions,
  type EvaluateOptions,
  type Evaluation,
  type TrainOptions,
  type TrainWithOptions,
  train,
  trainWith,
} from './train.ts';

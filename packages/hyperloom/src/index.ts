export * as data from './data/index.ts';
export { compileFunction, defaultEngine, type Engine, type Executable, runOnce } from './engine/index.ts';
export * as hyper from './hyper/index.ts';
export { codes, type Head, type Hypernetwork, heads, hypernetwork } from './hyper/index.ts';
export * as io from './io/index.ts';
export * as nn from './nn/index.ts';
export * as optim from './optim/index.ts';
export * as rl from './rl/index.ts';
export * from './tensor/index.ts';
export {
  type Compacted,
  type CompactOptions,
  compact,
  exportRun,
  openCheckpoint,
  openRun,
  type Run,
  supervised,
  type TrainEvent,
  type TrainOptions,
  train,
  trainWith,
} from './train/index.ts';

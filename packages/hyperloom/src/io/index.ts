export {
  type Checkpoint,
  type CheckpointContent,
  checkpointVersion,
  decodeCheckpoint,
  encodeCheckpoint,
  loadCheckpoint,
  restoreTree,
  saveCheckpoint,
} from './checkpoint.ts';
export { type Describable, describeModel, type ModelDescription } from './describe.ts';
export { type Exportable, exportGenerator, exportNetwork } from './export.ts';
export { FileError, readBytes, writeAtomic } from './file.ts';
export type { Json } from './json.ts';
export {
  type RestoredContext,
  type RestoredHypernetwork,
  type RestoredModel,
  type RestoredWeight,
  restoreModel,
} from './restore.ts';
export { decodeSafetensors, encodeSafetensors, type Safetensors } from './safetensors.ts';

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
export { FileError, readBytes, writeAtomic } from './file.ts';
export type { Json } from './json.ts';
export { decodeSafetensors, encodeSafetensors, type Safetensors } from './safetensors.ts';

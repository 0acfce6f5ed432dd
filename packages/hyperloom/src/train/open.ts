import { defaultEngine, type Engine } from '../engine/index.ts';
import {
  loadCheckpoint,
  type RestoredHypernetwork,
  type RestoredModel,
  restoreModel,
  restoreTree,
} from '../io/index.ts';
import { FormatError } from '../tensor/index.ts';
import { openRun, type Run } from './run.ts';

/**
 * The run of a checkpoint, with none of the code that trained it: the file holds the model too. It evaluates, applies,
 * generates and materialises as the run that saved it, and its model trains on, for examples of the same types.
 * The parameters are those of the best evaluation where early stopping kept them, otherwise the last. Node only.
 * @param engine ONNX Runtime for Node by default
 * @throws FileError when the file system refuses
 * @throws FormatError when the file is no checkpoint, is damaged, or holds no model
 * @example
 * const open = async () => {
 *   const run = await openCheckpoint('runs/sinusoid/checkpoint.safetensors');
 *   return run.generate([0.1, 0.2]);
 * };
 */
export async function openCheckpoint(
  path: string,
  engine?: Engine,
): Promise<Run<RestoredModel | RestoredHypernetwork>> {
  const checkpoint = await loadCheckpoint(path);
  if (checkpoint.model === undefined)
    throw new FormatError(`checkpoint "${path}": expected one that holds its model, got one that was saved without`);
  const model = restoreModel(checkpoint.model, path);
  const params = restoreTree(checkpoint, 'best' in checkpoint.trees ? 'best' : 'params', model.spec);
  return openRun(model, params, engine ?? (await defaultEngine()), checkpoint.step);
}

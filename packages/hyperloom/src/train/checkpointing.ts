import {
  type Checkpoint,
  type Json,
  loadCheckpoint,
  type ModelDescription,
  restoreTree,
  saveCheckpoint,
} from '../io/index.ts';
import { ArgumentError, FormatError, type NdArray } from '../tensor/index.ts';
import type { EarlyState } from './early.ts';
import type { Packed, Packing } from './packing.ts';
import type { Stepper } from './stepper.ts';

/** How far a run has come, beside parameters and optimiser state. */
export interface Progress {
  /** Steps taken. */
  readonly step: number;
  readonly early: EarlyState;
  /** The parameters of the best evaluation so far; absent before the first, and without early stopping. */
  readonly best: Packed<NdArray> | undefined;
}

/** What a checkpoint of a run is written from and read into. */
interface Place {
  readonly layout: Packing;
  readonly stepper: Stepper;
  readonly seed: number;
}

/** Writes a run to a file, whole or not at all. */
export async function saveProgress(
  path: string,
  {
    progress,
    layout,
    stepper,
    seed,
    config,
    model,
  }: Place & { readonly progress: Progress; readonly config: Json; readonly model: ModelDescription },
): Promise<void> {
  const { step, early, best } = progress;
  await saveCheckpoint(path, {
    trees: {
      params: layout.views(stepper.packed()),
      optimizer: stepper.optimizer(),
      carried: stepper.state(),
      ...(best && { best: layout.views(best) }),
    },
    step,
    config,
    state: { seed, early: { ...early }, trained: [...layout.trained] },
    model,
  });
}

/** Reads a run back into a stepper; undefined when there is no file. */
export async function loadProgress(
  path: string,
  { layout, stepper, seed, spec }: Place & { readonly spec: unknown },
): Promise<Progress | undefined> {
  const checkpoint = await loadIfThere(path);
  if (checkpoint === undefined) return undefined;
  const state = checkpoint.state as {
    readonly seed?: unknown;
    readonly early?: EarlyState;
    readonly trained?: readonly string[];
  } | null;
  if (typeof state?.seed !== 'number' || state.early === undefined) {
    throw new FormatError(`checkpoint "${path}": expected the state of a training run, got none`);
  }
  if (state.seed !== seed)
    throw new ArgumentError(`checkpoint "${path}": expected seed ${state.seed}, with which the run began, got ${seed}`);
  const { trained } = state;
  if (trained !== undefined && trained.join() !== layout.trained.join())
    throw new ArgumentError(
      `checkpoint "${path}": expected the trained weights of the run that it holds (${listed(trained)}), got ${listed(layout.trained)}`,
    );
  // A run that carries nothing may have been saved without the tree.
  const whole = { ...checkpoint, trees: { carried: {}, ...checkpoint.trees } };
  stepper.restore({
    ...layout.gather(restoreTree(whole, 'params', spec)),
    optimizer: restoreTree(whole, 'optimizer', stepper.optimizer()),
    state: restoreTree(whole, 'carried', stepper.state()),
  });
  const best = 'best' in checkpoint.trees ? layout.gather(restoreTree(checkpoint, 'best', spec)) : undefined;
  return { step: checkpoint.step, early: state.early, best };
}

const listed = (paths: readonly string[]): string =>
  paths.slice(0, 4).join(', ') + (paths.length > 4 ? ` and ${paths.length - 4} more` : '');

async function loadIfThere(path: string): Promise<Checkpoint | undefined> {
  const { access } = await import('node:fs/promises');
  const there = await access(path).then(
    () => true,
    () => false,
  );
  return there ? loadCheckpoint(path) : undefined;
}

/**
 * The parameters that a checkpoint ends with: those of the best evaluation where early stopping kept them, otherwise
 * the last.
 * @throws FormatError when the file is damaged, foreign, or of another model
 */
export async function loadParams(
  path: string,
  spec: unknown,
): Promise<{ readonly params: unknown; readonly step: number; readonly config: Json }> {
  const checkpoint = await loadCheckpoint(path);
  const params = restoreTree(checkpoint, 'best' in checkpoint.trees ? 'best' : 'params', spec);
  return { params, step: checkpoint.step, config: checkpoint.config };
}

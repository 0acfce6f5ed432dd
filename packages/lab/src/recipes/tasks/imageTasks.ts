import { type Batches, batches, evalBatches, randomAt, rows, type ScaledBytes } from 'hyperloom/data';
import { ArgumentError, type Aval, argmax, type NdArray, type Tensor, tree, zerosArray } from 'hyperloom/tensor';
import type { Example, Run, Trainable } from 'hyperloom/train';
import type { ImageSet, LabelledImages } from './images.ts';

/** A classification of images that shares a hypernetwork with others, which it is told from by its code. */
export interface ImageTask {
  readonly name: string;
  /** The names of its classes. */
  readonly classes: readonly string[];
  readonly training: LabelledImages;
  readonly test: LabelledImages;
}

/** Images of several tasks as one batch: an example is a group of images of one task, so weights are made once for each. */
export interface TaskExamples<A = NdArray> {
  readonly input: {
    /** The position of each task, int32 [tasks]. */
    readonly code: A;
    /** Images of each, [tasks, n, ...]. */
    readonly input: A;
  };
  readonly target: {
    /** The position of each task once more, int32 [tasks]. */
    readonly task: A;
    /** Classes within the task, int32 [tasks, n]. */
    readonly label: A;
  };
}

/** What the random numbers of {@link taskBatches} are for. */
const blindCodes = 0x626c696e;

/**
 * Training batches of some of the tasks, `size` images of each; every task is shuffled by itself. A task of fewer images
 * makes the groups of all smaller.
 * @param chosen positions of the tasks
 * @param options `blind` draws the code of each group at random among the tasks, so that it says nothing
 */
export function taskBatches(
  tasks: readonly ImageTask[],
  chosen: readonly number[],
  { size: wanted, seed, blind = false }: { readonly size: number; readonly seed: number; readonly blind?: boolean },
): Batches<TaskExamples> {
  const size = Math.min(wanted, ...chosen.map((task) => tasks[task]!.training.labels.data.length));
  const own = chosen.map((task) => batches(tasks[task]!.training, { size, seed }));
  const positions = (): NdArray => ({ dtype: 'int32', shape: [chosen.length], data: Int32Array.from(chosen) });
  const shape = own[0]!.spec.images.shape.slice(1);
  const buffer = (): TaskExamples => ({
    input: { code: positions(), input: zerosArray('float32', [chosen.length, size, ...shape]) },
    target: { task: positions(), label: zerosArray('int32', [chosen.length, size]) },
  });
  const buffers = [buffer(), buffer()] as const;
  let turn: 0 | 1 = 0;
  return {
    size: chosen.length,
    perEpoch: Math.max(...own.map(({ perEpoch }) => perEpoch)),
    spec: tree.map((array: NdArray): Aval => ({ dtype: array.dtype, shape: array.shape }), buffers[0]),
    at: (step) => {
      const batch = buffers[turn];
      turn = turn === 0 ? 1 : 0;
      const random = blind ? randomAt(seed, blindCodes, step) : undefined;
      for (const [group, one] of own.entries()) {
        if (random) batch.input.code.data[group] = chosen[Math.floor(chosen.length * random.uniform())]!;
        const { images, labels } = one.at(step);
        (batch.input.input.data as Float32Array).set(images.data as Float32Array, group * images.data.length);
        (batch.target.label.data as Int32Array).set(labels.data as Int32Array, group * size);
      }
      return batch;
    },
  };
}

/** The first test images of every task as one set of groups: for diagnostics and inspection. */
export function exampleGroups(tasks: readonly ImageTask[], most: number): TaskExamples {
  const count = Math.min(most, ...tasks.map(({ test }) => test.labels.data.length));
  const first = tasks.map(({ test, ...task }) => ({ ...task, test, training: rows(test, 0, count) }));
  return taskBatches(first, [...tasks.keys()], { size: count, seed: 0 }).at(0);
}

/** The classes that a network takes images of a task for, by position in the task; its outputs are those of the task. */
export type Classify = (run: Run<Trainable>, task: number, images: ScaledBytes, code?: unknown) => Promise<Int32Array>;

/**
 * Classes of a task's images, for models that read `{ code, input: [n, ...] }`.
 * @param logitsOf what of the outputs [n, outputs] are the logits of a task, an int32 scalar
 */
export function classifier(logitsOf: (outputs: Tensor, task: Tensor) => Tensor = (outputs) => outputs): Classify {
  const made = new WeakMap<object, (params: never, code: never, task: Tensor, input: Tensor) => Tensor>();
  return async (run, task, images, code = index(task)) => {
    const { model } = run;
    const classify =
      made.get(model) ??
      ((params: never, code: never, position: Tensor, input: Tensor) =>
        argmax(logitsOf(model.apply(params, { code, input } as never, { training: false }) as Tensor, position)));
    made.set(model, classify);
    const found = new Int32Array(images.shape[0]!);
    let at = 0;
    for (const { batch, count } of evalBatches({ images }, Math.min(500, found.length))) {
      const { data } = (await run.call(classify as never, code, index(task), batch.images)) as NdArray;
      found.set((data as Int32Array).subarray(0, count), at);
      at += count;
    }
    return found;
  };
}

/** A scalar position. */
export const index = (position: number): NdArray => ({ dtype: 'int32', shape: [], data: Int32Array.of(position) });

/** The share of predicted classes that are right. */
export const shareRight = (found: Int32Array, { labels }: LabelledImages): number =>
  found.reduce((right, label, i) => right + (label === labels.data[i] ? 1 : 0), 0) / found.length;

/** Classes two by two, as tasks of two classes each, with pixels in one row. */
export function pairTasks(set: ImageSet): ImageTask[] {
  const count = set.classes.length;
  if (count < 4 || count % 2 !== 0)
    throw new ArgumentError(`--set data: expected an even number of classes, at least 4, got ${count} in ${set.name}`);
  return Array.from({ length: count / 2 }, (_, task): ImageTask => {
    const classes = set.classes.slice(2 * task, 2 * task + 2);
    const own = (images: LabelledImages) => pairOf(images, task);
    return { name: classes.join('/'), classes, training: own(set.training), test: own(set.test) };
  });
}

/** Images of classes 2 task and 2 task + 1, as classes 0 and 1. */
function pairOf({ images, labels }: LabelledImages, task: number): LabelledImages {
  const kept = [...labels.data.keys()].filter((i) => Math.floor(labels.data[i]! / 2) === task);
  const length = images.data.length / labels.data.length;
  const data = new Uint8Array(kept.length * length);
  for (const [to, from] of kept.entries())
    data.set(images.data.subarray(from * length, (from + 1) * length), to * length);
  const own = Int32Array.from(kept, (i) => labels.data[i]! % 2);
  return {
    images: { ...images, shape: [kept.length, length], data },
    labels: { dtype: 'int32', shape: [kept.length], data: own },
  };
}

/** The groups of {@link exampleGroups} in the form that diagnostics read. */
export const exampleBatches = (tasks: readonly ImageTask[], most: number) =>
  evalBatches(exampleGroups(tasks, most), tasks.length) as ReturnType<typeof evalBatches<Example>>;

/** The first of some images as a group of one, [1, ...]. */
export function oneImage({ images }: LabelledImages): NdArray {
  for (const { batch } of evalBatches({ images }, 1)) return batch.images;
  throw new ArgumentError('oneImage: expected an image, got none');
}

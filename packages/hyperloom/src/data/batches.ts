import { ArgumentError, type NdArray, tree, zerosArray } from '../tensor/index.ts';
import { type BatchOf, batchDType, copierOf, countOf, type ExampleArray, type SpecOf } from './examples.ts';
import { permutation, type Random, randomAt } from './random.ts';

/** An endless sequence of training batches; each is a pure function of its number. */
export interface Batches<S> {
  /** Examples in a batch; every batch is full. */
  readonly size: number;
  /** Batches in an epoch. The examples that are left over differ from epoch to epoch. */
  readonly perEpoch: number;
  /** Types and shapes of one batch. */
  readonly spec: SpecOf<S>;
  /**
   * Batch number `step`, from 0 on. Its arrays are one of two sets of buffers used in turn: they hold until the second
   * call after this one, so that a batch can be prepared while the one before is in use. Copy what must last.
   */
  at(step: number): BatchOf<S>;
}

/** Settings of {@link batches}. */
export interface BatchOptions<S> {
  readonly size: number;
  /** A whole number, 0 or above, that names the order of the examples and the augmentation. Default 0. */
  readonly seed?: number;
  /** Changes one example in place, in the buffers of the batch; `random` is its own stream for this step and row. */
  readonly augment?: (example: BatchOf<S>, random: Random) => void;
}

/** What the streams of one seed are for. */
const shuffling = 0;
const augmenting = 1;

/**
 * Batches of a tree of arrays that share their first axis, shuffled anew in each epoch without replacement. Batch k
 * depends on the seed and k only, so a run that resumes at step k needs no state of its data.
 * @throws ShapeError when the arrays do not share their first axis
 * @throws ArgumentError when there are fewer examples than one batch takes
 * @example
 * const examples = { x: ndarray([[1], [2], [3], [4]]), y: ndarray([1, 4, 9, 16]) };
 * const training = batches(examples, { size: 2, seed: 7 });
 * const { x, y } = training.at(0); // x [2, 1], y [2]
 */
export function batches<S>(examples: S, options: BatchOptions<S>): Batches<S> {
  const { size, seed = 0, augment } = options;
  const count = countOf(examples);
  if (!Number.isInteger(size) || size < 1 || size > count) {
    throw new ArgumentError(`batches: expected a size from 1 to the ${count} examples, got ${size}`);
  }
  if (!isWhole(seed)) throw new ArgumentError(`batches: expected a whole number as seed, got ${seed}`);
  const perEpoch = Math.floor(count / size);
  const buffers = [bufferOf(examples, size), bufferOf(examples, size)] as const;
  const views = buffers.map((buffer) => (augment ? rowViews(buffer.arrays, size) : []));
  let next: 0 | 1 = 0;
  let order: { readonly epoch: number; readonly rows: Uint32Array } | undefined;

  const at = (step: number): BatchOf<S> => {
    if (!isWhole(step)) throw new ArgumentError(`batches: expected a step of 0 or above, got ${step}`);
    const epoch = Math.floor(step / perEpoch);
    if (order?.epoch !== epoch) order = { epoch, rows: permutation(randomAt(seed, shuffling, epoch), count) };
    const first = (step % perEpoch) * size;
    const buffer = buffers[next];
    buffer.fill((row) => order!.rows[first + row]!);
    if (augment)
      views[next]!.forEach((view, row) => {
        augment(view, randomAt(seed, augmenting, step, row));
      });
    next = next === 0 ? 1 : 0;
    return buffer.arrays;
  };
  return { size, perEpoch, spec: specOf(examples, size), at };
}

/** Every example once, in order, in batches of one size. */
export interface EvalBatches<S> extends Iterable<{ readonly batch: BatchOf<S>; readonly count: number }> {
  /** Rows of every batch. */
  readonly size: number;
  /** Examples in the set. */
  readonly total: number;
  /** Types and shapes of one batch. */
  readonly spec: SpecOf<S>;
}

/**
 * The whole set once, in order. The last batch is padded with the last example, so that one compiled program serves
 * all: `count` says how many rows are real. Buffers are used in turn as in {@link Batches.at}.
 * @throws ArgumentError when `size` is not a whole number of at least 1, or there are no examples
 * @example
 * const examples = { x: ndarray([[1], [2], [3]]) };
 * for (const { batch, count } of evalBatches(examples, 2)) {
 *   console.log(batch.x.shape, count); // [2, 1] 2, then [2, 1] 1
 * }
 */
export function evalBatches<S>(examples: S, size: number): EvalBatches<S> {
  const total = countOf(examples);
  if (!isWhole(size) || size < 1) throw new ArgumentError(`evalBatches: expected a size of at least 1, got ${size}`);
  if (total === 0) throw new ArgumentError('evalBatches: expected at least 1 example, got 0');
  return {
    size,
    total,
    spec: specOf(examples, size),
    *[Symbol.iterator]() {
      const buffers = [bufferOf(examples, size), bufferOf(examples, size)] as const;
      for (let start = 0, turn = 0; start < total; start += size, turn++) {
        const buffer = buffers[turn % 2 === 0 ? 0 : 1];
        buffer.fill((row) => Math.min(start + row, total - 1));
        yield { batch: buffer.arrays, count: Math.min(size, total - start) };
      }
    },
  };
}

interface Buffer<S> {
  readonly arrays: BatchOf<S>;
  /** Copies example `source(row)` into each row. */
  fill(source: (row: number) => number): void;
}

function bufferOf<S>(examples: S, size: number): Buffer<S> {
  const sources = tree.leaves<ExampleArray>(examples);
  const targets = sources.map((array) => zerosArray(batchDType(array), [size, ...array.shape.slice(1)]));
  const copiers = sources.map((array, i) => copierOf(array, targets[i]!.data));
  return {
    arrays: tree.unflatten(examples, targets) as BatchOf<S>,
    fill: (source) => {
      for (const copy of copiers) for (let row = 0; row < size; row++) copy(source(row), row);
    },
  };
}

/** Each row of a batch as a tree of arrays that share its memory. */
const rowViews = <B>(batch: B, size: number): B[] =>
  Array.from(
    { length: size },
    (_, row) =>
      tree.map(({ dtype, shape, data }: NdArray): NdArray => {
        const length = data.length / size;
        return { dtype, shape: shape.slice(1), data: data.subarray(row * length, (row + 1) * length) };
      }, batch) as B,
  );

const specOf = <S>(examples: S, size: number): SpecOf<S> =>
  tree.map(
    (array: ExampleArray) => ({ dtype: batchDType(array), shape: [size, ...array.shape.slice(1)] }),
    examples,
  ) as SpecOf<S>;

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

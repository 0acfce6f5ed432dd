import { type Context, init, type WeightSpec } from '../nn/index.ts';
import { ArgumentError, gather, glob, mul, oneHot, reshape, ShapeError, type Tensor } from '../tensor/index.ts';
import { mapTarget, type TargetSpec, type Weights } from './head.ts';

/**
 * Stored weights of which each code has its own: running statistics of each task, an output layer for each task.
 * A batch of several codes is normalised as one, and each row of running statistics moves towards that batch by its
 * code's share of it: statistics of single tasks come from batches of one code, or from groups under `nn.each`.
 */
export interface PerCode {
  /** Number of codes. */
  readonly count: number;
  /** Patterns over the paths of the weights that are stored. */
  readonly weights: string | readonly string[];
}

/** Stored weights, some of them once for each code, and which row of these a call means. */
export interface StoredWeights {
  readonly spec: TargetSpec;
  /** The weights of one code. */
  select(stored: Weights, source: unknown): Weights;
  /** A context that puts the updates of one code into its row. */
  context(context: Context | undefined, source: unknown): Context | undefined;
}

/**
 * Lays out the stored weights of a target.
 * @throws ArgumentError for a count below 1, or a pattern that matches no stored weight
 */
export function storedWeights(stored: TargetSpec, options: PerCode | undefined): StoredWeights {
  if (options === undefined) return { spec: stored, select: (weights) => weights, context: (context) => context };
  const { count, weights: patterns } = options;
  if (!Number.isInteger(count) || count < 1)
    throw new ArgumentError(`perCode: expected a count of at least 1, got ${count}`);
  const paths = new Set<string>();
  for (const pattern of typeof patterns === 'string' ? [patterns] : patterns) {
    const found = Object.keys(stored).filter(glob(pattern));
    if (found.length === 0) {
      const known = Object.keys(stored).join(', ') || 'none';
      throw new ArgumentError(`perCode: expected a pattern that matches a stored weight (${known}), got "${pattern}"`);
    }
    for (const path of found) paths.add(path);
  }
  return {
    spec: mapTarget(
      stored,
      (w, path): WeightSpec => (paths.has(path) ? { ...w, shape: [count, ...w.shape], init: rowsOf(w) } : w),
    ),
    select: (weights, source) => {
      const index = rowOf(source);
      return mapTarget(stored, (_, path) => (paths.has(path) ? gather(weights[path]!, index) : weights[path]!));
    },
    context: (context, source) => {
      const { update } = context ?? {};
      if (!context || !update) return context;
      const row = oneHot(rowOf(source), count);
      const inRow = (delta: Tensor) =>
        mul(reshape(row, [count, ...delta.shape.map(() => 1)]), reshape(delta, [1, ...delta.shape]));
      const root = context.path === undefined ? '' : `${context.path}.`;
      return {
        ...context,
        update: (path, delta) => update(path, paths.has(path.slice(root.length)) ? inRow(delta) : delta),
      };
    },
  };
}

const rowsOf = (w: WeightSpec) => init.byRow((key, spec) => w.init(key, { ...spec, shape: w.shape }));

function rowOf(source: unknown): Tensor {
  const index = source as Tensor | undefined;
  if (index?.rank !== 0 || index.dtype !== 'int32')
    throw new ShapeError('perCode: expected the code to be an int32 scalar, the row of its weights');
  return index;
}

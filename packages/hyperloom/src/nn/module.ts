import {
  ArgumentError,
  type DType,
  identity,
  named,
  random,
  type Shape,
  ShapeError,
  sameShape,
  showShape,
  sizeOf,
  Tensor,
  tree,
} from '../tensor/index.ts';
import { lecunNormal } from './init.ts';

/** What a weight is for. Heads and inspection read it, for instance to scale generated biases apart from kernels. */
export type Role = 'kernel' | 'bias' | 'scale' | 'shift' | 'gate' | 'embedding' | 'code' | 'statistic';

/** Draws the first value of a weight: a pure function of a key and the spec, which gives shape, type and fans. */
export interface Initializer {
  (key: Tensor, spec: WeightSpec): Tensor;
  /** The standard deviation of what is drawn, where it is known: how a generated weight finds its scale. */
  readonly std?: (spec: WeightSpec) => number;
}

/** All that is known of a weight before there is one. */
export interface WeightSpec {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Number of inputs that each output sums over. */
  readonly fanIn: number;
  /** Number of outputs that each input reaches. */
  readonly fanOut: number;
  readonly role: Role;
  readonly init: Initializer;
  /** False for what gradients leave alone: frozen weights, and statistics that layers update themselves. */
  readonly trained: boolean;
}

/** The weights that a module needs, by name; `{}` for none. */
export type SpecTree = tree.Tree<WeightSpec>;

/** The spec of a module without weights. */
export type NoWeights = Readonly<Record<string, never>>;

/** The tree of weights that fits a spec. */
export type Params<S> = tree.Mapped<S, WeightSpec, Tensor>;

/** What a forward pass may depend on beside weights and input. */
export interface Context {
  readonly training: boolean;
  /** Source of randomness (dropout). Under `vmap`, map over keys for randomness that differs by example. */
  readonly key?: Tensor;
  /** Where in the whole model this layer stands: the first part of its weights' paths. Absent at the root. */
  readonly path?: string;
  /** Takes what a layer would add to one of its untrained weights: new state out. See {@link reportUpdate}. */
  update?(path: string, delta: Tensor): void;
  /** Takes how likely each element of a generated gate is to be open, by the gate's path in the target. */
  expect?(path: string, open: Tensor): void;
  /** Sees the output of every layer inside a container, by path: for diagnostics. */
  observe?(path: string, output: unknown): void;
}

/**
 * A network or a part of one: a spec of the weights that it needs and a pure function of (weights, input). It owns no
 * arrays, so stored, generated, stacked and per-example weights are one case. It sees one example: batching is `vmap`.
 */
export interface Module<out S = SpecTree, I = Tensor, O = Tensor> {
  readonly name: string;
  readonly spec: S;
  /** Fresh weights. */
  init(key: Tensor): Params<S>;
  /** The output for one example. */
  apply(params: Params<S>, input: I, context?: Context): O;
}

/** Any module from tensor to tensor, its weights' types forgotten: what a container of modules takes. */
export interface AnyModule {
  readonly name: string;
  readonly spec: SpecTree;
  init(key: Tensor): unknown;
  apply(params: never, input: Tensor, context?: Context): Tensor;
}

/** The tree of weights of a module's type. */
export type ParamsOf<M> = M extends { readonly spec: infer S } ? Params<S> : never;
/** The spec of a module's type. */
export type SpecOf<M> = M extends { readonly spec: infer S } ? S : never;
/** What a module's type takes in. */
export type InputOf<M> = M extends Module<infer _, infer I, infer _> ? I : never;
/** What a module's type gives. */
export type OutputOf<M> = M extends Module<infer _, infer _, infer O> ? O : never;

/** Options of {@link weight}; all but the shape have defaults. */
export interface WeightOptions {
  readonly shape: Shape;
  readonly fanIn?: number;
  readonly fanOut?: number;
  readonly role?: Role;
  readonly init?: Initializer;
  readonly dtype?: DType;
  readonly trained?: boolean;
}

/**
 * A spec for one weight. By default it is a float32 kernel drawn by `lecunNormal`, and its fans are those of a matrix
 * [fanIn, fanOut].
 * @throws ArgumentError for sizes or fans that are not positive
 * @example
 * const spec = nn.weight({ shape: [64, 10] }); // fanIn 64, fanOut 10
 */
export function weight({
  shape,
  fanIn,
  fanOut,
  role = 'kernel',
  init = lecunNormal(),
  dtype = 'float32',
  trained = true,
}: WeightOptions): WeightSpec {
  if (!shape.every((d) => Number.isInteger(d) && d > 0)) {
    throw new ArgumentError(`weight: expected whole sizes of at least 1, got ${showShape(shape)}`);
  }
  const fans = { fanIn: fanIn ?? shape[0] ?? 1, fanOut: fanOut ?? shape.at(-1) ?? 1 };
  for (const [name, fan] of Object.entries(fans)) {
    if (!(fan > 0)) throw new ArgumentError(`weight: expected a positive ${name}, got ${fan}`);
  }
  return { shape, dtype, ...fans, role, init, trained };
}

/** 32-bit FNV-1a of a path: the number that stands for a name when keys are folded, the same everywhere and for ever. */
export function pathHash(path: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * Fresh weights for a spec. The key of each weight depends on its path alone, so adding a layer leaves the other
 * layers' weights as they were.
 * @example
 * const params = nn.initTree({ weight: nn.weight({ shape: [3, 2] }) }, random.key(0));
 */
export const initTree = <S>(spec: S, key: Tensor): Params<S> =>
  tree.mapWithPath(
    (leaf: WeightSpec, path) => named(path, () => leaf.init(random.foldIn(key, pathHash(path)), leaf)),
    spec,
  );

/**
 * Number of weights in a spec.
 * @example
 * const n = nn.countParams(nn.linear({ in: 784, out: 10 }).spec); // 7850
 */
export const countParams = (spec: unknown): number =>
  tree.leaves<WeightSpec>(spec).reduce((n, { shape }) => n + sizeOf(shape), 0);

/** What {@link defineModule} needs: `init` defaults to {@link initTree}. */
export interface ModuleDefinition<S, I, O> {
  readonly name: string;
  readonly spec: S;
  init?(key: Tensor): Params<S>;
  apply(params: Params<S>, input: I, context?: Context): O;
}

/** Raises unless there is a weight of the right shape at every place of a spec. */
function checkParams(name: string, spec: unknown, params: unknown): void {
  const found = tree.flatten<Tensor>(params);
  for (const [path, { shape }] of Object.entries(tree.flatten<WeightSpec>(spec))) {
    const got = found[path];
    if (got === undefined) throw new ArgumentError(`${name}: expected a weight ${path} ${showShape(shape)}, got none`);
    if (!sameShape(shape, got.shape)) {
      throw new ShapeError(`${name}: expected a weight ${path} ${showShape(shape)}, got ${showShape(got.shape)}`);
    }
  }
}

/**
 * Makes a module from a spec and a pure function. Applying it checks the weights against the spec first.
 * @throws ArgumentError when applied without a weight of the spec, ShapeError when one has another shape
 * @example
 * const scale = nn.defineModule({
 *   name: 'scale',
 *   spec: { factor: nn.weight({ shape: [], role: 'scale', init: nn.init.ones }) },
 *   apply: ({ factor }, x: Tensor) => mul(x, factor),
 * });
 */
export const defineModule = <const S, I = Tensor, O = Tensor>({
  name,
  spec,
  init,
  apply,
}: ModuleDefinition<S, I, O>): Module<S, I, O> => ({
  name,
  spec,
  init: init ?? ((key) => initTree(spec, key)),
  apply: (params, input, context) => {
    checkParams(name, spec, params);
    return apply(params, input, context);
  },
});

const join = (path: string | undefined, name: string): string => (path === undefined ? name : `${path}.${name}`);

/** The context for a named child: its path, and its own key, so that no two children draw the same numbers. */
export const childContext = (context: Context | undefined, name: string): Context | undefined =>
  context && {
    ...context,
    path: join(context.path, name),
    ...(context.training && context.key && { key: random.foldIn(context.key, pathHash(name)) }),
  };

/** Reports what a layer would add to its own untrained weight `name`, if anyone listens. */
export const reportUpdate = (context: Context | undefined, name: string, delta: Tensor): void =>
  context?.update?.(join(context.path, name), delta);

/**
 * Applies a child of a container under its name, which errors inside it then begin with, and with its own key.
 * @example
 * const fc = nn.linear({ in: 3, out: 2 });
 * const y = nn.applyChild('fc', fc, fc.init(random.key(0)), constant([1, 2, 3]));
 */
export const applyChild = <P, I, O>(
  name: string,
  child: { apply(params: P, input: I, context?: Context): O },
  params: P,
  input: I,
  context?: Context,
): O => {
  const own = childContext(context, name);
  const output = named(name, () => child.apply(params, input, own));
  if (!own?.observe) return output;
  // A name of its own, since operations may look through what a layer gives (a reshape of a reshape is one reshape).
  const seen = tree.map((t: unknown) => (t instanceof Tensor ? identity(t) : t), output) as O;
  own.observe(own.path as string, seen);
  return seen;
};

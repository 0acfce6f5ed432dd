import {
  ArgumentError,
  type Aval,
  encodeProgram,
  type Json,
  type Keep,
  type NdArray,
  type Program,
  sameShape,
  type Tensor,
  trace,
  tree,
} from '../tensor/index.ts';

/** The version of the description that is written. Readers refuse any other by its number. */
export const modelVersion = 1;
export const modelFormat = 'hyperloom.model';

/** Constants of more numbers than this stand beside the text of a description, not in it. */
const longestInText = 64;

/** What a forward pass is told: what a description needs of it. */
interface Context {
  readonly training: boolean;
  readonly key?: Tensor;
  update?(path: string, delta: Tensor): void;
}

/** What {@link describeModel} takes: every module and every hypernetwork. */
export interface Describable {
  readonly name: string;
  readonly spec: unknown;
  init(key: Tensor): unknown;
  apply(params: never, input: never, context?: Context): unknown;
}

/** What a hypernetwork has beside a module. */
interface DescribableHypernetwork extends Describable {
  readonly target: Describable;
  readonly generated: Readonly<Record<string, unknown>>;
  materialise(params: never, code?: never): unknown;
}

/** A model as data: a text, and the arrays that it names. */
export interface ModelDescription {
  readonly json: Json;
  readonly arrays: Readonly<Record<string, NdArray>>;
}

/** One model of a description. */
export interface DescribedModel {
  readonly name: string;
  /** A tree of what is known of each weight. */
  readonly spec: unknown;
  /** Trees of types and shapes of one example. */
  readonly input: unknown;
  readonly output: unknown;
  /** Key to weights. */
  readonly init: Json;
  /** Weights and input to output; a hypernetwork has it beside `hyper` if it gives more than its target does. */
  readonly apply?: Json;
  /** Weights, input and key to output and updates, where training differs. */
  readonly training?: { readonly program: Json; readonly updates: readonly string[] };
  readonly hyper?: {
    /** Weights and code to the weights of the target. */
    readonly materialise: Json;
    /** Paths of the weights that are generated. */
    readonly generated: readonly string[];
    readonly target: DescribedModel;
  };
}

/**
 * A model as data that needs none of the code it was made by: its spec, and its functions as programs for one example.
 * {@link restoreModel} makes a model of it again, which runs, trains, and can be a target.
 * @param input types and shapes of one example, a tree as `model.apply` takes it: `{ code, input }` for a hypernetwork
 * @throws ArgumentError or ShapeError when the model does not take such an input
 * @example
 * const model = nn.mlp({ in: 2, hidden: [8], out: 1 });
 * const description = io.describeModel(model, { dtype: 'float32', shape: [2] });
 * const copy = io.restoreModel(description);
 * const y = copy.apply(copy.init(random.key(0)) as never, constant([1, 2]) as never); // [1]
 */
export function describeModel(model: Describable, input: unknown): ModelDescription {
  const arrays: Record<string, NdArray> = {};
  const keep: Keep = (array) => {
    if (array.data.length <= longestInText) return undefined;
    const known = Object.keys(arrays).find((name) => sameArray(arrays[name]!, array));
    const name = known ?? `constant${Object.keys(arrays).length}`;
    arrays[name] ??= array;
    return name;
  };
  const described = describe(model, typesOf(input), (program) => encodeProgram(program, keep));
  return { json: { format: modelFormat, version: modelVersion, ...described } as unknown as Json, arrays };
}

const sameArray = (a: NdArray, b: NdArray): boolean =>
  a.dtype === b.dtype &&
  sameShape(a.shape, b.shape) &&
  (a.data === b.data || a.data.every((x, i) => Object.is(x, b.data[i])));

type Encode = (program: Program) => Json;

/** The key of everything random. */
const keyType: Aval = { dtype: 'uint32', shape: [2] };

/** The types and shapes of a tree of arrays, tensors or specs. */
export const typesOf = (avals: unknown): unknown =>
  tree.map(({ dtype, shape }: Aval): Aval => ({ dtype, shape }), avals);

function describe(model: Describable, input: unknown, encode: Encode): DescribedModel {
  const { name, spec } = model;
  const apply = trace((params, example) => model.apply(params, example, { training: false }), spec, input);
  const common = {
    name,
    spec: tree.map(describeWeight, spec),
    input,
    output: apply.output,
    init: encode(trace((key: Tensor) => inOrder(spec, model.init(key), name), keyType).program),
    ...describeTraining(model, input, encode),
  };
  if (!isHypernetwork(model)) return { ...common, apply: encode(apply.program) };
  const { target, generated } = model;
  const { code, input: inner } = input as { readonly code?: unknown; readonly input: unknown };
  const materialise = trace(
    (params, source) => inOrder(target.spec, model.materialise(params, source), name),
    spec,
    code,
  );
  const inside = describe(target, inner, encode);
  const givesMore = JSON.stringify(inside.output) !== JSON.stringify(apply.output);
  return {
    ...common,
    ...(givesMore && { apply: encode(apply.program) }),
    hyper: {
      materialise: encode(materialise.program),
      generated: Object.keys(generated),
      target: inside,
    },
  };
}

const isHypernetwork = (model: Describable): model is DescribableHypernetwork =>
  'materialise' in model && 'target' in model && 'generated' in model;

/** Leaves in the order of a spec, whatever the order in which a function made them. */
function inOrder(spec: unknown, made: unknown, where: string): Tensor[] {
  const found = tree.flatten<Tensor>(made);
  return tree.paths(spec).map((path) => {
    const tensor = found[path];
    if (tensor === undefined) throw new ArgumentError(`describe: expected ${path} of ${where}, got none`);
    return tensor;
  });
}

/** The forward pass in training, where it is another: dropout draws, statistics move. */
function describeTraining(model: Describable, input: unknown, encode: Encode): Pick<DescribedModel, 'training'> {
  const updates: Record<string, Tensor> = {};
  const run = (training: boolean) =>
    encode(
      trace(
        (params, example, key: Tensor) => {
          const update = (path: string, delta: Tensor) => {
            updates[path] = delta;
          };
          const output = model.apply(params, example, training ? { training, key, update } : { training });
          return [tree.leaves<Tensor>(output), Object.values(updates)];
        },
        model.spec,
        input,
        keyType,
      ).program,
    );
  const plain = run(false);
  const program = run(true);
  return JSON.stringify(plain) === JSON.stringify(program)
    ? {}
    : { training: { program, updates: Object.keys(updates) } };
}

/** What is known of a weight, the way to draw it left out. */
function describeWeight(weight: Aval & { readonly init?: { readonly std?: (spec: never) => number } }): Json {
  const { init, ...rest } = weight;
  const std = init?.std?.(weight as never);
  return { ...rest, ...(std !== undefined && Number.isFinite(std) && { std }) } as unknown as Json;
}

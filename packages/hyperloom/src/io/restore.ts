import {
  ArgumentError,
  type Aval,
  callProgram,
  constant,
  decodeProgram,
  FormatError,
  type NdArray,
  ndarray,
  type Program,
  type Shape,
  type Tensor,
  tree,
} from '../tensor/index.ts';
import { type DescribedModel, type ModelDescription, modelFormat, modelVersion } from './describe.ts';

/** What is known of a weight of a restored model. */
export interface RestoredWeight extends Aval {
  readonly fanIn: number;
  readonly fanOut: number;
  readonly role: string;
  readonly trained: boolean;
  readonly init: ((key: Tensor) => Tensor) & { readonly std?: () => number };
}

/** What a forward pass of a restored model may depend on, as for every module. */
export interface RestoredContext {
  readonly training: boolean;
  readonly key?: Tensor;
  readonly path?: string;
  update?(path: string, delta: Tensor): void;
}

/** A model made of a description: a module for examples of the types that were described. */
export interface RestoredModel {
  readonly name: string;
  /** A tree of {@link RestoredWeight}. */
  readonly spec: unknown;
  /** Types and shapes of one example, a tree. */
  readonly input: unknown;
  /** Types and shapes of its output, a tree. */
  readonly output: unknown;
  /** Fresh weights: the bits that the described model draws. */
  init(key: Tensor): object;
  /** The output for one example. */
  apply(params: never, input: never, context?: RestoredContext): unknown;
}

/** A hypernetwork made of a description. */
export interface RestoredHypernetwork extends RestoredModel {
  readonly target: RestoredModel;
  readonly generated: Readonly<Record<string, RestoredWeight>>;
  /** The generated weights for a code, by path in the target. */
  generate(params: never, code?: never): Readonly<Record<string, Tensor>>;
  /** All weights of the target for a code. */
  materialise(params: never, code?: never): object;
}

/**
 * The model of a description from {@link describeModel}. It needs none of the code that the described one was made
 * by, and does the same under `vmap`, `grad` and `train`, for examples of the types that were described.
 * @param name what to call the description in errors
 * @throws FormatError when it is no description, or of another version
 * @example
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: 3, head: heads.dense() });
 * const input = { code: { dtype: 'float32', shape: [3] }, input: { dtype: 'float32', shape: [2] } };
 * const copy = io.restoreModel(io.describeModel(model, input)) as io.RestoredHypernetwork;
 * const weights = copy.generate(copy.init(random.key(0)) as never, constant([1, 2, 3]) as never);
 */
export function restoreModel({ json, arrays }: ModelDescription, name = 'model'): RestoredModel | RestoredHypernetwork {
  const error = (message: string) => new FormatError(`model "${name}": ${message}`);
  const { format, version } = (json ?? {}) as { readonly format?: unknown; readonly version?: unknown };
  if (format !== modelFormat) throw error(`expected a ${modelFormat}, got another kind of value`);
  if (version !== modelVersion) throw error(`expected version ${modelVersion}, got ${JSON.stringify(version)}`);
  try {
    return restore(json as unknown as DescribedModel, (program) => decodeProgram(program, (key) => arrays[key]));
  } catch (cause) {
    throw error(
      cause instanceof FormatError ? cause.message : 'expected a spec and programs, got a damaged description',
    );
  }
}

type Decode = (json: unknown) => Program;

function restore(described: DescribedModel, decode: Decode): RestoredModel | RestoredHypernetwork {
  const { name, input, output, hyper } = described;
  const drawn = decode(described.init);
  const spec = restoreSpec(described.spec, drawn);
  const trained = described.training && { ...described.training, program: decode(described.training.program) };
  const weightsOf = (params: unknown) => inOrder(name, 'weight', spec, params);
  const inputsOf = (example: unknown) => inOrder(name, 'input', input, example);
  const outputOf = (results: readonly Tensor[]) => tree.unflatten(output, results) as unknown;

  const training = (params: unknown, example: unknown, { key, path, update }: RestoredContext): unknown => {
    const { program, updates } = trained!;
    const results = callProgram(program, [...weightsOf(params), ...inputsOf(example), keyFor(program, key, name)]);
    const count = tree.leaves(output).length;
    updates.forEach((own, i) => {
      update?.(path === undefined ? own : `${path}.${own}`, results[count + i]!);
    });
    return outputOf(results.slice(0, count));
  };
  const module = (run: (params: unknown, example: unknown) => unknown): RestoredModel => ({
    name,
    spec,
    input,
    output,
    init: (key) => tree.unflatten(spec, callProgram(drawn, [key])) as object,
    apply: (params, example, context) =>
      trained && context?.training ? training(params, example, context) : run(params, example),
  });
  const whole = hyper === undefined || described.apply !== undefined ? decode(described.apply) : undefined;
  const ownOutput = (params: unknown, example: unknown): unknown =>
    outputOf(callProgram(whole!, [...weightsOf(params), ...inputsOf(example)]));
  if (hyper === undefined) return module(ownOutput);

  const target = restore(hyper.target, decode);
  const program = decode(hyper.materialise);
  const { code: source } = input as { readonly code?: unknown };
  const materialise = (params: unknown, code: unknown): object => {
    const results = callProgram(program, [...weightsOf(params), ...inOrder(name, 'code', source, code)]);
    return tree.unflatten(target.spec, results) as object;
  };
  const all = tree.flatten<RestoredWeight>(target.spec);
  return {
    ...module((params, example) => {
      if (whole) return ownOutput(params, example);
      const { code, input: inner } = example as { readonly code?: unknown; readonly input: unknown };
      return target.apply(materialise(params, code) as never, inner as never);
    }),
    target,
    generated: Object.fromEntries(hyper.generated.map((path) => [path, all[path]!])),
    generate: (params, code) => {
      const weights = tree.flatten<Tensor>(materialise(params, code));
      return Object.fromEntries(hyper.generated.map((path) => [path, weights[path]!]));
    },
    materialise,
  };
}

/** The spec of a description, with ways to draw each weight. */
function restoreSpec(described: unknown, drawn: Program): unknown {
  let next = 0;
  const leaves = tree.leaves<Partial<RestoredWeight>>(described);
  if (leaves.length !== drawn.outputs.length || leaves.some((leaf) => typeof leaf.role !== 'string'))
    throw new FormatError(`expected a spec of ${drawn.outputs.length} weights, got another`);
  return tree.map((leaf: RestoredWeight & { readonly std?: number; readonly shape: Shape }): RestoredWeight => {
    const { std, ...rest } = leaf;
    const at = next++;
    const init = (key: Tensor): Tensor => callProgram(drawn, [key])[at]!;
    return { ...rest, init: std === undefined ? init : Object.assign(init, { std: () => std }) };
  }, described);
}

/** Leaves in the order of a tree of types. */
function inOrder(where: string, what: string, like: unknown, given: unknown): Tensor[] {
  const found = tree.flatten<Tensor>(given);
  return tree.paths(like).map((path) => {
    const tensor = found[path];
    if (tensor === undefined)
      throw new ArgumentError(`${where}: expected ${path === '' ? `a ${what}` : `${what} ${path}`}, got none`);
    return tensor;
  });
}

/** The key of a forward pass in training; where the program reads none, any will do. */
function keyFor({ inputs, nodes }: Program, key: Tensor | undefined, where: string): Tensor {
  if (key !== undefined) return key;
  const { id } = inputs.at(-1)!;
  if (nodes.some((node) => node.inputs.includes(id)))
    throw new ArgumentError(`${where}: expected context.key when training, got none`);
  return constant(noKey);
}

const noKey: NdArray = ndarray(new Uint32Array(2));

import {
  ArgumentError,
  type Aval,
  callProgram,
  constant,
  type NdArray,
  programCost,
  shrink,
  type Tensor,
  trace,
  tree,
} from '../tensor/index.ts';
import type { Trainable } from './model.ts';
import type { Materialised, Run } from './run.ts';

/** Settings of {@link compact}. */
export interface CompactOptions {
  /** The code of the network, as `generate` takes it; for hypernetworks that read one. */
  readonly code?: unknown;
  /** Types and shapes of one example, as `model.apply` takes it. A model of `openCheckpoint` knows its own. */
  readonly input?: unknown;
}

/** A network without what its gates and weights make 0. */
export interface Compacted extends Materialised {
  /** The network for examples of the types that were given; see {@link compact}. */
  readonly module: Trainable & { readonly input: unknown };
  /** Multiply-adds for one example. */
  readonly multiplyAdds: { readonly before: number; readonly after: number };
  /** How many elements of each weight went, by path. */
  readonly removed: Readonly<Record<string, number>>;
}

/**
 * The network of a run for a code, without what gates of 0, or weights of 0, make useless: channels that no sum needs are
 * cut out of every weight, layers that are skipped go, and so do gates that are all 1. What is left is a smaller plain
 * network with the same output up to rounding, its weights under their old paths. It is run (`openRun`), saved, exported
 * and trained on as any other: a new training starts from these weights. It computes as the network does outside of
 * training, so that norms keep their running statistics and nothing drops out.
 * @throws ArgumentError when the types of an input are neither given nor known
 * @example
 * const block = nn.sequential({ fc: nn.linear({ in: 4, out: 8 }), open: nn.gate({ channels: 8 }), out: nn.linear({ in: 8, out: 1 }) });
 * const params = await runOnce(referenceEngine(), (key: Tensor) => block.init(key), random.keyArray(0));
 * const gate = ndarray([1, 0, 0, 1, 0, 0, 0, 1]);
 * const run = openRun(block, { ...params, open: { gate } }, referenceEngine());
 * const small = await compact(run, { input: { dtype: 'float32', shape: [4] } });
 * const { before, after } = small.multiplyAdds; // 40, 15
 * const again = openRun(small.module, small.params, referenceEngine());
 */
export async function compact(run: Run<Trainable>, { code, input }: CompactOptions = {}): Promise<Compacted> {
  const { model } = run;
  const generates = 'materialise' in model;
  const types = input ?? (model as { readonly input?: unknown }).input;
  if (types === undefined)
    throw new ArgumentError(`compact: expected the types of an input of ${model.name}, got none`);
  const { module, params } = generates ? await run.materialise(code) : { module: model, params: run.params };
  const own = typesOf(generates ? (types as { readonly input: unknown }).input : types);
  return compactNetwork(module, params, own);
}

/** {@link compact} of a network and its weights. */
function compactNetwork(module: Trainable, params: unknown, input: unknown): Compacted {
  const specs = tree.leaves<Aval & { readonly role?: string }>(module.spec);
  const paths = tree.paths(module.spec);
  const run = (weights: never, example: never) => module.apply(weights, example, { training: false });
  const { program, output } = trace(run, typesOf(module.spec), input);
  const names = program.inputs.slice(0, paths.length).map(({ name }) => name);
  const arrays = tree.flatten<NdArray>(params);
  const known = Object.fromEntries(names.map((name, i) => [name, arrays[paths[i]!]!]));
  const gates = new Set(names.filter((_, i) => specs[i]!.role === 'gate'));
  const shrunk = shrink(program, known, { settled: (name) => gates.has(name) });

  const left = new Map(names.flatMap((name, i) => (name in shrunk.arrays ? [[paths[i]!, shrunk.arrays[name]!]] : [])));
  const own = pick(module.spec, (_, path) => left.get(path)) ?? {};
  const spec = pick(module.spec, (leaf, path) => {
    const array = left.get(path);
    return array && { ...leaf, shape: array.shape, init: () => constant(array) };
  });
  return {
    module: {
      name: `compact(${module.name})`,
      spec,
      input,
      init: () => tree.map((array: NdArray) => constant(array), own),
      apply: (weights: never, example: never) => {
        const found = tree.flatten<Tensor>(weights);
        const given = [...[...left.keys()].map((path) => found[path]!), ...tree.leaves<Tensor>(example)];
        return tree.unflatten(output, callProgram(shrunk.program, given)) as unknown;
      },
    },
    params: own,
    multiplyAdds: { before: programCost(program).multiplyAdds, after: programCost(shrunk.program).multiplyAdds },
    removed: Object.fromEntries(
      names.flatMap((name, i) => (name in shrunk.removed ? [[paths[i]!, shrunk.removed[name]!]] : [])),
    ),
  };
}

const typesOf = (avals: unknown): unknown => tree.map(({ dtype, shape }: Aval): Aval => ({ dtype, shape }), avals);

/** A tree with other leaves; those that are undefined are left out, and places in lists stay. */
function pick(node: unknown, f: (leaf: object, path: string) => unknown, path = ''): unknown {
  if (tree.isLeaf(node)) return f(node as object, path);
  const child = (key: string, value: unknown) => pick(value, f, path === '' ? key : `${path}.${key}`);
  if (Array.isArray(node)) return node.map((value, i) => child(String(i), value) ?? {});
  const entries = Object.entries(node as object).map(([key, value]) => [key, child(key, value)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

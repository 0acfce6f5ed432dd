import type { Context } from '../../nn/index.ts';
import {
  constant,
  iota,
  isFloat,
  mean,
  pullback,
  random,
  sizeOf,
  square,
  Tensor,
  tree,
  vmap,
} from '../../tensor/index.ts';

/** Mean squares of one layer: of its output, and of the loss's gradient with respect to its output. */
export interface LayerVariance<T> {
  readonly activation: T;
  readonly gradient: T;
}

/** Mean squares by layer; `T` is a tensor or an array [examples]. */
export interface VarianceSample<T> {
  /** Of the module as it is, in the order in which layers gave their outputs. */
  readonly model: Readonly<Record<string, LayerVariance<T>>>;
  /** Of a hypernetwork's target with its own first weights, stored and ordinary; absent for other modules. */
  readonly target?: Readonly<Record<string, LayerVariance<T>>>;
}

/** What {@link varianceProbe} needs of a module; hypernetworks have `target` and `generated` too. */
export interface Probed {
  readonly name: string;
  init(key: Tensor): unknown;
  apply(params: never, input: never, context?: Context): unknown;
}

/** What is measured, example by example: inputs of the module and of the whole model, and what the loss compares with. */
interface Examples {
  readonly inputs: unknown;
  readonly wholes: unknown;
  readonly targets: unknown;
}

/** Where a module stands: what its layers' paths begin with, and the model around it that the loss was made for. */
interface Place {
  readonly prefix?: string;
  readonly within?: Probed;
}

/** Examples to look at: a batch as `train` takes it. The target is only read by a loss. */
export interface ProbedExamples {
  readonly input: unknown;
  readonly target?: unknown;
}

/**
 * A pure function that tells how activations and gradients pass through a module at init: for a key and a batch of
 * examples, the mean square of every layer's output and of the loss's gradient for it, example by example. For a
 * hypernetwork the same is told of its target under its ordinary init, which is what it should be like; a target that
 * is itself a hypernetwork gives way to its own target. `varianceReport` makes a table of it.
 * @param loss of one example. Default: a random direction, that is, gradients of unit variance at the output, which
 * tells how gradients pass whatever the scale of the output
 * @example
 * const model = hypernetwork(nn.mlp({ in: 4, hidden: [32, 32], out: 2 }), { code: 3, head: heads.dense() });
 * const x = ndarray(new Float32Array(64).map((_, i) => Math.sin(i * i)), [16, 4]);
 * const code = ndarray(new Float32Array(48).map((_, i) => Math.cos(i * i)), [16, 3]);
 * const probe = await compileFunction(referenceEngine(), hyper.varianceProbe(model), random.keyArray(0), { input: { code, input: x } });
 * const samples = [await probe(random.keyArray(0), { input: { code, input: x } })];
 * console.log(hyper.showVariance(hyper.varianceReport(samples)));
 */
export function varianceProbe(
  model: Probed,
  { loss }: { readonly loss?: (output: never, target: never) => Tensor } = {},
): (key: Tensor, examples: ProbedExamples) => VarianceSample<Tensor> {
  const measure = (module: Probed, key: Tensor, examples: Examples, { prefix = '', within }: Place = {}) => {
    const { inputs, wholes, targets } = examples;
    const params = module.init(random.foldIn(key, 0)) as never;
    const count = (tree.leaves<Tensor>(inputs)[0] as Tensor).shape[0] as number;
    const whole = within && (within.init(random.foldIn(key, 0)) as never);
    const one = (input: unknown, wholeInput: unknown, target: unknown, row: Tensor) => {
      const own = random.foldIn(random.foldIn(key, 1), row);
      const seen: { readonly path: string; readonly output: Tensor; readonly part: boolean }[] = [];
      const observe = (path: string, output: unknown): void => {
        const flat = Object.entries(tree.flatten<unknown>(output));
        for (const [name, t] of flat) {
          // A container gives what its last layer gave.
          if (!(t instanceof Tensor) || !isFloat(t.dtype) || sizeOf(t.shape) === 0) continue;
          if (seen.some((s) => same(s.output, t))) continue;
          const layer = path.startsWith(prefix) ? path.slice(prefix.length) : path;
          const part = name !== '';
          seen.push({ path: part ? `${layer}.${name}` : layer, output: t, part });
        }
      };
      const output = module.apply(params, input as never, { training: true, key: own, observe });
      observe('output', output);
      const judged = () =>
        within
          ? inside(within.apply(whole as never, wholeInput as never, { training: true, key: own }), output)
          : output;
      const [ends, directions] = loss
        ? [[loss(judged() as never, target as never)], [constant(1)]]
        : randomDirection(random.foldIn(own, 1), output);
      const layers = seen.map((s) => s.output);
      const gradients = pullback(ends, directions, layers, { through: true });
      return Object.fromEntries(
        seen.flatMap(({ path, output: t, part }, i) => {
          const gradient = gradients[i];
          // A state that goes on to the next window, say, which no loss reads.
          if (part && gradient === undefined) return [];
          return [[path, { activation: meanSquare(t), gradient: gradient ? meanSquare(gradient) : constant(0) }]];
        }),
      );
    };
    return vmap(one, { name: 'batch' })(inputs, wholes, targets, iota(count));
  };
  return (key, { input, target = {} }) => {
    let [module, inputs, prefix] = [model, input, ''];
    while (isHypernetwork(module)) {
      inputs = (inputs as { readonly input: unknown }).input;
      module = module.target;
      prefix += 'target.';
    }
    const examples = { inputs: input, wholes: input, targets: target };
    return {
      model: measure(model, key, examples, { prefix }),
      ...(module !== model && { target: measure(module, key, { ...examples, inputs }, { within: model }) }),
    };
  };
}

/**
 * The output of a target where a loss reads it: as it is, or in place of `output` in what a model such as `costed` gives
 * around it.
 */
function inside(whole: unknown, output: unknown): unknown {
  if (tree.isLeaf(whole) || samePaths(whole, output)) return output;
  const { output: own, ...rest } = whole as { readonly output?: unknown };
  return own !== undefined && samePaths(own, output) ? { ...rest, output } : output;
}

const samePaths = (a: unknown, b: unknown): boolean => String(tree.paths(a)) === String(tree.paths(b));

/** Whether two tensors are one value, by whatever names. */
function same(a: Tensor, b: Tensor): boolean {
  const [x, y] = [unnamed(a), unnamed(b)];
  return x.node === y.node && x.index === y.index;
}

const unnamed = (t: Tensor): Tensor => (t.node.op.name === 'identity' ? unnamed(t.node.inputs[0] as Tensor) : t);
const meanSquare = (t: Tensor): Tensor => mean(square(t));

const isHypernetwork = (module: Probed): module is Probed & { readonly target: Probed } =>
  'target' in module && 'generated' in module;

/** Outputs and a standard normal direction for each. */
function randomDirection(key: Tensor, output: unknown): [Tensor[], Tensor[]] {
  const ends = tree.leaves<unknown>(output).filter((t): t is Tensor => t instanceof Tensor && isFloat(t.dtype));
  return [ends, ends.map((t, i) => random.normal(random.foldIn(key, i), t.shape))];
}

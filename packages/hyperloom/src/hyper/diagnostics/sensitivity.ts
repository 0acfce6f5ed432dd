import type { Context } from '../../nn/index.ts';
import {
  ArgumentError,
  add,
  cast,
  constant,
  equal,
  gather,
  isFloat,
  max,
  mean,
  min,
  mul,
  type NdArray,
  square,
  sub,
  type Tensor,
  tree,
  variance,
  vmap,
} from '../../tensor/index.ts';
import type { Weights } from '../head.ts';

/** What of a hypernetwork a probe reads. */
export interface CodedModel {
  generate(params: never, source: never): Weights;
  apply(params: never, input: { readonly code: never; readonly input: never }, context?: Context): unknown;
}

/** Examples to probe a hypernetwork with: trees of arrays with a leading axis, of which example i has row i. */
export interface CodedExamples {
  readonly codes: unknown;
  readonly inputs: unknown;
  /** What a loss compares outputs with. */
  readonly targets?: unknown;
}

/** A mean, and by how much it moves; scalars. */
export interface Movement<T> {
  /** Mean over elements of the variance over codes, or over examples. */
  readonly variance: T;
  readonly meanSquare: T;
}

/** The scalars of {@link probeSensitivity}: tensors when traced, arrays when run. */
export interface SensitivityProbe<T = Tensor> {
  /** For each generated weight, over codes; `still` is the share of its elements that no code moves. */
  readonly weights: Readonly<Record<string, Movement<T> & { readonly still: T }>>;
  /** Over examples; `change` is the mean square by which an output moves when its example gets the code of another. */
  readonly outputs: Movement<T> & { readonly change: T };
  /** Mean losses with their own codes and with those of others; absent without a loss. */
  readonly loss?: { readonly own: T; readonly shuffled: T };
}

/**
 * How far weights, outputs and the loss move with the code: a pure function to trace. Each example is run with its own
 * code, and with those of up to three others. Where examples share codes, mix their order.
 * @param loss a scalar of one example's output and target
 * @throws ArgumentError for fewer than two examples
 * @example
 * const model = hypernetwork(nn.linear({ in: 2, out: 1 }), { code: 3, head: heads.dense() });
 * const probe = (key: Tensor, codes: Tensor, inputs: Tensor) =>
 *   hyper.probeSensitivity(model, model.init(key), { codes, inputs });
 * const key = ndarray([0, 1], [2], 'uint32');
 * const measured = await runOnce(referenceEngine(), probe, key, ndarray([[1, 0, 0], [0, 1, 0]]), ndarray([[1, 2], [3, 4]]));
 * const { outputs, warnings } = hyper.readSensitivity(measured); // outputs 1.8, no warnings
 */
export function probeSensitivity(
  model: CodedModel,
  params: unknown,
  { codes, inputs, targets }: CodedExamples,
  loss?: (output: never, target: never) => Tensor,
): SensitivityProbe {
  const count = tree.leaves<Tensor>(codes)[0]?.shape[0] ?? 0;
  if (count < 2) throw new ArgumentError(`sensitivity: expected at least 2 examples with codes, got ${count}`);
  const forward = (code: never, input: never) => model.apply(params as never, { code, input }, { training: false });
  const outputsWith = (own: unknown) => vmap(forward)(own as never, inputs as never);
  const weights = vmap((code: never) => model.generate(params as never, code))(codes as never);
  const outputs = outputsWith(codes);
  const others = shifts(count).map((shift) => outputsWith(tree.map((t: Tensor) => rolled(t, shift), codes)));
  const meanLoss = (of: unknown) => mean(vmap(loss!)(of as never, targets as never));
  return {
    weights: Object.fromEntries(Object.entries(weights).map(([path, w]) => [path, { ...moving(w), still: still(w) }])),
    outputs: {
      ...moving(outputs),
      change: average(others.map((other) => average(floats(changes(outputs, other)).map((t) => mean(t))))),
    },
    ...(loss && { loss: { own: meanLoss(outputs), shuffled: average(others.map(meanLoss)) } }),
  };
}

/** By how many places codes move among examples: each example meets up to three others' codes, never its own. */
const shifts = (count: number): number[] => [
  ...new Set([1, Math.floor(count / 3), Math.floor(count / 2)].filter((shift) => shift > 0)),
];

/** The rows of an array, each moved on by `shift` places. */
const rolled = (t: Tensor, shift: number): Tensor => {
  const count = t.shape[0]!;
  const from = Array.from({ length: count }, (_, i) => (i + shift) % count);
  return gather(t, constant(from, 'int32'), 0);
};

const floats = (outputs: unknown): Tensor[] => tree.leaves<Tensor>(outputs).filter(({ dtype }) => isFloat(dtype));

const changes = (outputs: unknown, other: unknown): unknown =>
  tree.map((y: Tensor, z: Tensor) => (isFloat(y.dtype) ? square(sub(y, z)) : y), outputs, other);

const average = (terms: readonly Tensor[]): Tensor =>
  mul(
    terms.reduce((a, b) => add(a, b)),
    1 / terms.length,
  );

const moving = (values: unknown): Movement<Tensor> => ({
  variance: average(floats(values).map((y) => mean(variance(y, { axis: 0 })))),
  meanSquare: average(floats(values).map((y) => mean(square(y)))),
});

const still = (w: Tensor): Tensor => mean(cast(equal(max(w, { axis: 0 }), min(w, { axis: 0 })), w.dtype));

/** How much the code of a hypernetwork matters. */
export interface Sensitivity {
  readonly weights: readonly {
    readonly path: string;
    /** The part of the weight's mean square that is its variance over codes: 0 when no code moves it, at most 1. */
    readonly share: number;
    /** Share of its elements that no code moves. */
    readonly still: number;
  }[];
  /**
   * How far an output moves when its example gets the code of another, over the distance of two examples' outputs
   * (root mean squares): 0 when the code does not matter; about 1 when it decides all.
   */
  readonly outputs: number;
  readonly loss?: { readonly own: number; readonly shuffled: number };
  /** One line for each sign that the code does not do its work. */
  readonly warnings: readonly string[];
}

/** Outputs that move less than this with the code count as not moving; so does a loss. */
const negligible = 0.01;

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

/** Reads what an engine computed of {@link probeSensitivity}. */
export function readSensitivity(probe: SensitivityProbe<NdArray>): Sensitivity {
  const of = ({ data }: NdArray): number => data[0]!;
  const weights = Object.entries(probe.weights).map(([path, w]) => ({
    path,
    share: of(w.meanSquare) === 0 ? 0 : of(w.variance) / of(w.meanSquare),
    still: of(w.still),
  }));
  const { change, variance: spread, meanSquare } = probe.outputs;
  // Two independent examples are a variance of two apart. Examples that hardly differ are held to their own size.
  const apart = Math.max(2 * of(spread), 1e-6 * of(meanSquare));
  const outputs = apart === 0 ? 0 : Math.sqrt(of(change) / apart);
  const loss = probe.loss && { own: of(probe.loss.own), shuffled: of(probe.loss.shuffled) };
  const warnings: string[] = [];
  if (weights.every(({ share }) => share === 0))
    warnings.push('The code does not matter: it moves no generated weight.');
  else if (outputs < negligible)
    warnings.push(
      `The code does not matter: the code of another example moves an output by ${percent(outputs)} of what two outputs differ by.`,
    );
  else if (loss && !(loss.shuffled > loss.own * (1 + negligible)))
    warnings.push(
      `The code does not help: the loss is ${loss.own.toPrecision(3)} with each example's code and ${loss.shuffled.toPrecision(3)} with those of others.`,
    );
  return { weights, outputs, ...(loss && { loss }), warnings };
}

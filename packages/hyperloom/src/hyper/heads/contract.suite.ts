import { compileFunction, type Engine, runOnce } from '../../engine/index.ts';
import {
  constant,
  mean,
  mul,
  type NdArray,
  ndarray,
  random,
  reshape,
  type Shape,
  sign,
  sizeOf,
  slice,
  square,
  sum,
  type Tensor,
  tree,
  valueAndGrad,
  vmap,
} from '../../tensor/index.ts';
import {
  type AnyHypernetwork,
  deepMlp,
  keyArray,
  keySpec,
  overZoo,
  type ZooTarget,
  zooCodes,
  zooInputs,
} from '../zoo.suite.ts';

/** A reason for what a head does not keep. */
interface Excused {
  readonly reason: string;
}

/** One setting of a head under the contract. Each head lists its own as `samples` in `<head>.suite.ts`. */
export interface HeadSample {
  readonly title: string;
  /** The head; its types are forgotten. */
  readonly head: unknown;
  /** Elements of the code, 0 for none. Default 6. */
  readonly code?: number;
  /** Targets of the zoo that the head cannot generate. */
  readonly skip?: Excused & { readonly targets: readonly string[] };
  /** Parameters (and `codes`) that no gradient reaches at the start. One must reach them after the first step. */
  readonly wakes?: Excused & { readonly paths: RegExp };
  /**
   * Bounds of the ratio of mean squares through eight layers, where 0.5 to 2 cannot hold; without bounds for a head that
   * cannot generate those layers.
   */
  readonly spread?: Excused & { readonly within?: readonly [number, number] };
  /** The eight layers, where the head cannot generate a plain network of the given width. */
  readonly deep?: Excused & { make(width: number): ZooTarget };
}

export const batch = 3;

const each = <T>(f: (b: number) => T): T[] => Array.from({ length: batch }, (_, b) => f(b));

/** One example of a batch. */
const at = <T>(batched: T, b: number): T =>
  tree.map((x: Tensor) => reshape(slice(x, [[b, b + 1], ...whole(x)]), x.shape.slice(1)), batched) as T;
const whole = (x: Tensor) => x.shape.slice(1).map((d) => [0, d] as const);

/** Numbers from -1 to 1 that look random and are the same in every run. */
const waves = (shape: Shape): NdArray =>
  ndarray(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.cos(3.1 * i + 0.4)),
    shape,
  );

/** What the contract asks of a head over a target, as one function. */
function observe(model: AnyHypernetwork, hasCode: boolean) {
  const generate = (params: unknown, code: Tensor) => model.generate(params, hasCode ? code : undefined);
  const apply = (params: unknown, code: Tensor, input: unknown) =>
    model.apply(params, hasCode ? { code, input } : { input });
  const each3 = (params: unknown, codes: Tensor, inputs: unknown) =>
    vmap((code: Tensor, input: unknown) => apply(params, code, input))(codes, inputs);
  return (params: unknown, codes: Tensor, inputs: unknown) => {
    const score = (of: { readonly params: unknown; readonly codes: Tensor }): Tensor => {
      const y = each3(of.params, of.codes, inputs);
      return sum(mul(y, constant(waves(y.shape))));
    };
    return {
      weights: each((b) => generate(params, at(codes, b))),
      batchedWeights: vmap((code: Tensor, _: unknown) => generate(params, code))(codes, inputs),
      outputs: each((b) => apply(params, at(codes, b), at(inputs, b))),
      batchedOutputs: each3(params, codes, inputs),
      gradients: valueAndGrad(score)({ params, codes })[1],
    };
  };
}

/** What was seen of a head over a target. Arrays by path. */
export interface Observation {
  readonly model: AnyHypernetwork;
  readonly params: unknown;
  readonly weights: readonly Readonly<Record<string, NdArray>>[];
  readonly batchedWeights: Readonly<Record<string, NdArray>>;
  readonly outputs: readonly NdArray[];
  readonly batchedOutputs: NdArray;
  readonly gradients: Readonly<Record<string, NdArray>>;
  /** The same with other parameters. */
  again(params: unknown): Promise<Observation>;
}

/** Parameters after a step of descent, whose length over all of them is 0.1. */
export function stepped({ params, gradients }: Observation): unknown {
  const own = Object.entries(gradients).filter(([path]) => path.startsWith('params.'));
  const norm = Math.sqrt(own.reduce((n, [, { data }]) => n + Array.from(data).reduce((m, x) => m + x * x, 0), 0));
  return tree.mapWithPath((leaf: NdArray, path): NdArray => {
    const gradient = gradients[`params.${path}`]!.data;
    return { ...leaf, data: Float32Array.from(leaf.data, (x, i) => x - (0.1 * gradient[i]!) / norm) };
  }, params);
}

/** Runs a head over a target: fresh parameters, weights and outputs for three codes, gradients. */
export async function observation(
  engine: Engine,
  { head, code = 6 }: HeadSample,
  target: ZooTarget,
): Promise<Observation> {
  const model = overZoo(head, code, target);
  const fresh = await runOnce(engine, (key: Tensor) => model.init(key), keyArray(7) as never);
  const codes = zooCodes(Math.max(1, code), batch);
  const inputs = zooInputs(target.input, batch);
  const f = await compileFunction(engine, observe(model, code > 0), fresh, codes, inputs);
  const run = async (params: unknown): Promise<Observation> => {
    const seen = await f(...([params, codes, inputs] as never as Parameters<typeof f>));
    const all = seen as unknown as Omit<Observation, 'gradients'>;
    return { ...all, model, params, gradients: tree.flatten<NdArray>(seen.gradients), again: run };
  };
  return run(fresh);
}

const width = 16;
const codeSize = 4;
/** Inputs, each with a code of its own, for each key. */
const draws = 8;
const deep = deepMlp(width);

/** The median over keys and inputs of the mean square of outputs. */
async function medianMeanSquare(
  engine: Engine,
  keys: number,
  output: (key: Tensor) => (code: Tensor, input: Tensor) => Tensor,
): Promise<number> {
  const measure = (key: Tensor): Tensor => {
    const [own, forCodes, forInputs] = random.split(key, 3) as [Tensor, Tensor, Tensor];
    const f = output(own);
    const each = vmap((code: Tensor, input: Tensor) => mean(square(f(code, input))));
    return each(sign(random.normal(forCodes, [draws, codeSize])), random.normal(forInputs, [draws, width]));
  };
  const measured = await compileFunction(engine, measure, keySpec);
  const values: number[] = [];
  for (let i = 0; i < keys; i++) values.push(...(await measured(keyArray(i))).data);
  await measured.dispose();
  return values.sort((x, y) => x - y)[values.length >> 1]!;
}

/** What eight ordinary layers give: a function of nothing, so that it is worked out once. */
let ordinary: Promise<number> | undefined;

/**
 * Mean square of the output of eight generated layers over that of ordinary ones, each the median over keys and inputs.
 * Codes have the norm that heads expect, since one of twice the norm would scale every layer, 2^16 times in all.
 */
export async function firstActivations(
  engine: Engine,
  { head, code, deep: own }: HeadSample,
  keys: number,
): Promise<number> {
  ordinary ??= medianMeanSquare(engine, 4 * keys, (key) => {
    const params = deep.module.init(key) as never;
    return (_, input) => deep.module.apply(params, input);
  });
  const model = overZoo(head, code === 0 ? 0 : codeSize, own?.make(width) ?? deep);
  const generated = await medianMeanSquare(engine, keys, (key) => {
    const params = model.init(key);
    return (own, input) => model.apply(params, code === 0 ? { input } : { code: own, input });
  });
  return generated / (await ordinary);
}

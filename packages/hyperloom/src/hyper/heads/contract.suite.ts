import { compileFunction, type Engine, runOnce } from '../../engine/index.ts';
import {
  constant,
  div,
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
  /** Bounds of the ratio of mean squares through eight layers, where 0.5 to 2 cannot hold. */
  readonly spread?: Excused & { readonly within: readonly [number, number] };
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

/**
 * Mean square of the output of eight generated layers over that of ordinary ones: the median over keys. Codes have the
 * norm that heads expect, since one of twice the norm would scale every layer, 2^16 times in all.
 */
export async function firstActivations(engine: Engine, { head, code }: HeadSample, keys: number): Promise<number> {
  const width = 32;
  const codeSize = code === 0 ? 0 : 8;
  const target = deepMlp(width);
  const model = overZoo(head, codeSize, target);
  const measure = (key: Tensor): Tensor => {
    const [a, b, c] = random.split(key, 3) as [Tensor, Tensor, Tensor];
    const input = random.normal(c, [width]);
    const given = codeSize > 0 ? { code: sign(random.normal(b, [codeSize])), input } : { input };
    const generated = model.apply(model.init(a), given);
    const ordinary = target.module.apply(target.module.init(a) as never, input);
    return div(sum(square(generated)), sum(square(ordinary)));
  };
  const measured = await compileFunction(engine, measure, keySpec);
  const ratios: number[] = [];
  for (let i = 0; i < keys; i++) ratios.push((await measured(keyArray(i))).data[0]!);
  await measured.dispose();
  return ratios.sort((x, y) => x - y)[keys >> 1]!;
}

import type { EvalBatches } from '../data/index.ts';
import { compileFunction, type Engine } from '../engine/index.ts';
import { ArgumentError, type NdArray, type Tensor, tree } from '../tensor/index.ts';
import { asArrays } from './arrays.ts';
import type { Carry } from './carry.ts';
import { compileEvaluator, type Metrics } from './evaluate.ts';
import type { StopReason, TrainEvent } from './events.ts';
import type { Concrete, Example, ParamsOf, Trainable } from './model.ts';
import { type Packed, type Packing, packing } from './packing.ts';

/** A model with trained parameters, and the engine that runs it. */
export interface Run<M extends Trainable> {
  readonly model: M;
  /** The parameters: after early stopping those of the best evaluation, otherwise the last. */
  readonly params: Concrete<ParamsOf<M>>;
  /** Steps taken. */
  readonly step: number;
  readonly reason: StopReason;
  readonly history: readonly TrainEvent[];
  /**
   * Means of metrics over a set of examples.
   * @param options `carry` is the state that goes from batch to batch, as the model was trained with
   */
  evaluate(
    data: EvalBatches<Example>,
    metrics: Metrics,
    options?: { readonly carry?: Carry | undefined },
  ): Promise<Record<string, number>>;
  /**
   * Runs any pure function of the parameters and other arrays. It is compiled once for each function and shapes.
   * Plain numbers stand for float32 arrays.
   */
  call(f: (params: never, ...args: never[]) => unknown, ...args: readonly unknown[]): Promise<unknown>;
  /** The output for one input. */
  apply(input: unknown): Promise<unknown>;
  /** The weights for a code, by path in the target: for hypernetworks. */
  generate(code?: unknown): Promise<Readonly<Record<string, NdArray>>>;
  /** The target for a code as an ordinary network: a module and its weights, generated and stored. For hypernetworks. */
  materialise(code?: unknown): Promise<Materialised>;
  /** Releases what was compiled; `params` stay. */
  dispose(): Promise<void>;
}

/** A network that was generated: it is run, trained and saved as any other. */
export interface Materialised {
  readonly module: Trainable;
  /** Weights of the module, a tree of arrays of the form of its spec. */
  readonly params: unknown;
}

/** What {@link makeRun} puts together. */
export interface RunParts<M extends Trainable> {
  readonly model: M;
  readonly engine: Engine;
  readonly layout: Packing;
  readonly packed: Packed<NdArray>;
  /** Types of an input, from which plain numbers take theirs; what a model knows of itself when absent. */
  readonly types?: unknown;
  readonly step: number;
  readonly reason: StopReason;
  readonly history: readonly TrainEvent[];
}

/** Puts a run together from its parts. */
export function makeRun<M extends Trainable>({ model, engine, layout, packed, types, ...rest }: RunParts<M>): Run<M> {
  type Compiled = { (...args: unknown[]): Promise<unknown>; dispose(): Promise<void> };
  const compiled = new Map<unknown, Map<string, Promise<Compiled>>>();

  const call: Run<M>['call'] = async (f, ...args) => {
    const arrays = args.map((arg) => asArrays(arg));
    const shapes = JSON.stringify(
      arrays.map((arg) => tree.map(({ dtype, shape }: NdArray) => `${dtype} ${shape}`, arg)),
    );
    const forms = compiled.get(f) ?? new Map<string, Promise<Compiled>>();
    compiled.set(f, forms);
    const made =
      forms.get(shapes) ??
      compileFunction(
        engine,
        (own: Packed<Tensor>, ...rest: Tensor[]) => f(layout.unpack(own) as never, ...(rest as never[])),
        packed,
        ...arrays,
      );
    forms.set(shapes, made as Promise<Compiled>);
    return (await (made as Promise<Compiled>))(packed, ...arrays);
  };
  const known = types ?? (model as { readonly input?: unknown }).input;
  const codeTypes = (known as { readonly code?: unknown } | undefined)?.code;
  const apply = (params: never, input: never) => model.apply(params, input, { training: false });
  const { generate, materialise, target } = model as Partial<Generator>;
  const generated = (f: Generator['generate'] | undefined, what: string, code: unknown): Promise<unknown> => {
    if (f === undefined) throw new ArgumentError(`${what}: expected a hypernetwork, got ${model.name}`);
    return code === undefined ? call(f as never) : call(f, asArrays(code, codeTypes));
  };
  return {
    model,
    params: layout.views(packed) as Concrete<ParamsOf<M>>,
    ...rest,
    evaluate: async (data, metrics, { carry } = {}) => {
      const evaluator = await compileEvaluator(engine, model, layout, data, metrics, carry);
      try {
        return await evaluator.run(packed);
      } finally {
        await evaluator.dispose();
      }
    },
    call,
    apply: (input) => call(apply, asArrays(input, known)),
    generate: async (code) => (await generated(generate, 'generate', code)) as Readonly<Record<string, NdArray>>,
    materialise: async (code) => {
      const params = await generated(materialise, 'materialise', code);
      return { module: target!, params };
    },
    dispose: async () => {
      for (const forms of compiled.values()) for (const made of forms.values()) await (await made).dispose();
      compiled.clear();
    },
  };
}

/** What a hypernetwork has beside a module. */
interface Generator {
  readonly target: Trainable;
  generate(params: never, code: never): unknown;
  materialise(params: never, code: never): unknown;
}

/**
 * A run from parameters that are already there, such as those of a checkpoint.
 * @param params a tree of arrays of the form of the model's spec
 * @example
 * const model = nn.linear({ in: 1, out: 1 });
 * const run = openRun(model, { weight: ndarray([[2]]), bias: ndarray([1]) }, referenceEngine());
 * const y = await run.apply([3]); // [7]
 */
export function openRun<M extends Trainable>(model: M, params: unknown, engine: Engine, step = 0): Run<M> {
  const layout = packing(model.spec);
  return makeRun({ model, engine, layout, packed: layout.gather(params), step, reason: 'steps', history: [] });
}

import { type Context, countParams } from '../../nn/index.ts';
import {
  ArgumentError,
  type Aval,
  byteSize,
  type Cost,
  programCost,
  ShapeError,
  sizeOf,
  trace,
  tree,
  vmap,
} from '../../tensor/index.ts';
import type { AnyConditioner, Conditioner } from '../conditioner.ts';
import type { AnyHead, CodeSpec, TargetSpec } from '../head.ts';
import { hypernetwork, type TargetOptions } from '../hypernetwork.ts';
import { type Candidate, candidates } from './candidates.ts';

/** Any module: all that planning reads of a target. */
export interface PlanTarget {
  readonly name: string;
  readonly spec: unknown;
  init(key: never): unknown;
  apply(params: never, input: never, context?: Context): unknown;
}

/** Limits that a head should keep; those that are absent do not count. */
export interface Budget {
  /** Parameters of the whole hypernetwork, stored weights of the target included. */
  readonly parameters?: number;
  /** Multiply-adds for one example: its part of the generation, and the target's forward pass. */
  readonly multiplyAdds?: number;
  /** Bytes of the parameters and of the weights that are generated for one batch, counted as if each were made whole. */
  readonly bytes?: number;
}

/** Settings of {@link plan}. */
export interface PlanOptions extends TargetOptions {
  /** What yields the code, or its size, as for `hypernetwork`. */
  readonly code: number | AnyConditioner;
  /** Type and shape of one example's input: `{ dtype, shape }`, or a tree of these. */
  readonly input: unknown;
  /** The same for what the conditioner reads. Default a float32 vector of the code's size. */
  readonly source?: unknown;
  readonly budget?: Budget;
  /** Examples in a batch. Default 1. */
  readonly batch?: number;
  /** Whether each example of a batch has a code of its own, or all have one: what the budget counts. Default `each`. */
  readonly codes?: 'each' | 'shared';
  /** Heads to compare by title, the preferred first, in place of the library's own candidates. */
  readonly heads?: Readonly<Record<string, AnyHead | Candidate>>;
}

/** What one head takes for a target. */
export interface PlanEntry {
  readonly title: string;
  readonly head: AnyHead;
  /** What it can generate; empty for a head that the caller gave. */
  readonly reach: string;
  /** Parameters of the whole hypernetwork. */
  readonly parameters: number;
  /** Those over the parameters of the target trained directly. */
  readonly ratio: number;
  /** Weights of the target that are generated. */
  readonly generated: number;
  readonly multiplyAdds: {
    /** Of generating the weights once. */
    readonly generation: number;
    /** Of one example of a batch in which each has its own code, generation included. */
    readonly each: number;
    /** Of one example of a batch with one code, its part of the generation included. */
    readonly shared: number;
  };
  readonly bytes: {
    readonly parameters: number;
    /**
     * Generated weights of a batch in which each example has its own code, and of one with one code: those of each
     * example made whole, which heads such as experts do without for some layers.
     */
    readonly each: number;
    readonly shared: number;
  };
  /** The three figures that a budget limits. */
  readonly takes: Required<Budget>;
  readonly fits: boolean;
}

/** What {@link plan} finds. */
export interface Plan {
  /** The target trained directly. */
  readonly direct: Required<Budget>;
  readonly entries: readonly PlanEntry[];
  /** Candidates that cannot serve this target or code. */
  readonly unfit: readonly { readonly title: string; readonly reason: string }[];
  /** The budget that was held to: the caller's, or else ten times the parameters of the target. */
  readonly budget: Budget;
  /** Title of the first entry that fits; absent when none does. */
  readonly recommended?: string;
  /** One sentence: why that one, or which is nearest. */
  readonly why: string;
}

/** Without a budget a hypernetwork may have this many times the parameters of its target. */
const defaultRatio = 10;

/**
 * Compares heads for a target before there is anything to train. Every figure comes from the spec and the traced
 * programs of the real hypernetwork; no array is made.
 *
 * Among the heads that fit the budget it recommends the first: the library's own candidates go from those that can
 * generate most to those that are held to a form. Whether a head learns a task is for training to show.
 * @throws ArgumentError for a batch below 1 or a budget that is not positive, or when no candidate can serve the target
 * @example
 * const target = nn.mlp({ in: 1, hidden: [40, 40], out: 1 });
 * const { entries, recommended, why } = hyper.plan(target, {
 *   code: 8, input: { dtype: 'float32', shape: [1] }, batch: 32, budget: { parameters: 50_000 },
 * });
 */
export function plan(target: PlanTarget, options: PlanOptions): Plan {
  const { batch = 1, budget: asked, codes = 'each' } = options;
  if (!Number.isInteger(batch) || batch < 1)
    throw new ArgumentError(`plan: expected a batch of at least 1, got ${batch}`);
  const given = limits(asked ?? {});
  for (const [name, limit] of given) {
    if (!Object.hasOwn(names, name) || !(limit > 0)) {
      const known = Object.keys(names).join(', ');
      throw new ArgumentError(`plan: expected a budget of positive numbers for ${known}, got ${name} ${limit}`);
    }
  }
  const direct = directCost(target, options.input, batch);
  const budget = asked !== undefined && given.length > 0 ? asked : { parameters: defaultRatio * direct.parameters };
  const entries: PlanEntry[] = [];
  const unfit: { title: string; reason: string }[] = [];
  for (const [title, candidate] of Object.entries(contenders(options.heads))) {
    try {
      entries.push(weigh(title, candidate, target, { ...options, batch, codes, budget }, direct));
    } catch (error) {
      if (!(error instanceof ArgumentError || error instanceof ShapeError)) throw error;
      unfit.push({ title, reason: error.message });
    }
  }
  if (entries.length === 0) {
    const reasons = unfit.map(({ title, reason }) => `${title}: ${reason}`).join('; ');
    throw new ArgumentError(`plan: expected a head that can serve ${target.name}, got none (${reasons})`);
  }
  const first = entries.find(({ fits }) => fits);
  return {
    direct,
    entries,
    unfit,
    budget,
    ...(first && { recommended: first.title }),
    why: first ? praise(first, budget, given.length === 0) : regret(entries, budget),
  };
}

const contenders = (heads: PlanOptions['heads']): Readonly<Record<string, Candidate>> =>
  heads === undefined
    ? candidates
    : Object.fromEntries(
        Object.entries(heads).map(([title, head]) => [title, 'make' in head ? head : { make: () => head, reach: '' }]),
      );

/** A batch of what has the given types: a leading axis on each. */
const batchOf = (avals: unknown, size: number): unknown =>
  tree.map(({ dtype, shape }: Aval): Aval => ({ dtype, shape: [size, ...shape] }), avals);

const bytesOf = (avals: unknown): number =>
  tree.leaves<Aval>(avals).reduce((n, { dtype, shape }) => n + byteSize(dtype) * sizeOf(shape), 0);

const costOf = (f: (...args: never[]) => unknown, ...avals: readonly unknown[]): Cost =>
  programCost(trace(f, ...avals).program);

function directCost(target: PlanTarget, input: unknown, batch: number): Required<Budget> {
  const apply = (params: never, x: never) => target.apply(params, x);
  const { multiplyAdds } = costOf(vmap(apply, { in: [null, 0] }), target.spec, batchOf(input, batch));
  return { parameters: countParams(target.spec), multiplyAdds: multiplyAdds / batch, bytes: bytesOf(target.spec) };
}

/** What planning does with a hypernetwork, its types forgotten. */
interface Model {
  readonly spec: unknown;
  readonly generated: TargetSpec;
  generate(params: never, source: never): unknown;
  apply(params: never, input: { readonly code: never; readonly input: never }): unknown;
}

type Settled = PlanOptions & Required<Pick<PlanOptions, 'batch' | 'codes' | 'budget'>>;

function weigh(
  title: string,
  { make, reach }: Candidate,
  target: PlanTarget,
  { code, input, source, batch, codes, budget, heads: _, ...options }: Settled,
  direct: Required<Budget>,
): PlanEntry {
  const conditioner: CodeSpec = typeof code === 'number' ? { size: code, secondMoment: 1 } : code;
  let head: AnyHead | undefined;
  // The target's weights are known to the hypernetwork only: the head is made when it is first asked for its own.
  const late: AnyHead = {
    name: title,
    spec: (generated, codeSpec) => {
      head = make(generated, codeSpec);
      return head.spec(generated, codeSpec);
    },
    apply: (params, ...rest) => head!.apply(params, ...rest),
  };
  const model = hypernetwork(target as never, {
    ...options,
    code: code as Conditioner<unknown, unknown>,
    head: late as never,
  }) as unknown as Model;
  const read = source ?? { dtype: 'float32', shape: [conditioner.size] };
  const forward = (params: never, own: never, x: never) => model.apply(params, { code: own, input: x });
  const generation = costOf((params: never, own: never) => model.generate(params, own), model.spec, read);
  const each = costOf(vmap(forward, { in: [null, 0, 0] }), model.spec, batchOf(read, batch), batchOf(input, batch));
  const shared = costOf(vmap(forward, { in: [null, null, 0] }), model.spec, read, batchOf(input, batch));
  const multiplyAdds = {
    generation: generation.multiplyAdds,
    each: each.multiplyAdds / batch,
    shared: shared.multiplyAdds / batch,
  };
  const weights = bytesOf(model.generated);
  const bytes = {
    parameters: bytesOf(model.spec),
    each: conditioner.size === 0 ? weights : batch * weights,
    shared: weights,
  };
  const parameters = countParams(model.spec);
  const takes = { parameters, multiplyAdds: multiplyAdds[codes], bytes: bytes.parameters + bytes[codes] };
  return {
    title,
    head: head!,
    reach,
    parameters,
    ratio: parameters / direct.parameters,
    generated: countParams(model.generated),
    multiplyAdds,
    bytes,
    takes,
    fits: excess(takes, budget) <= 1,
  };
}

const names: Readonly<Record<keyof Budget, string>> = {
  parameters: 'parameters',
  multiplyAdds: 'multiply-adds',
  bytes: 'bytes',
};

const limits = (budget: Budget) => Object.entries(budget) as [keyof Budget, number][];

/** The largest share of a limit that is taken. */
const excess = (takes: Required<Budget>, budget: Budget): number =>
  Math.max(...limits(budget).map(([name, limit]) => takes[name] / limit));

const shown = (n: number): string => n.toLocaleString('en-US', { maximumFractionDigits: 1 });

const account = (takes: Required<Budget>, budget: Budget): string =>
  limits(budget)
    .map(([name, limit]) => `${shown(takes[name])} of ${shown(limit)} ${names[name]}`)
    .join(', ');

function praise({ title, takes, reach }: PlanEntry, budget: Budget, byDefault: boolean): string {
  const limit = byDefault ? `, no more than ${defaultRatio} times the target's` : '';
  return `${title} is the first that fits: ${account(takes, budget)}${limit}${reach === '' ? '' : `; ${reach}`}.`;
}

function regret(entries: readonly PlanEntry[], budget: Budget): string {
  const nearest = entries.reduce((a, b) => (excess(b.takes, budget) < excess(a.takes, budget) ? b : a));
  return `None fits. The nearest is ${nearest.title}: ${account(nearest.takes, budget)}.`;
}

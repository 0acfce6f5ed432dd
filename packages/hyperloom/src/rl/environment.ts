import {
  ArgumentError,
  cast,
  constant,
  div,
  floor,
  gather,
  minimum,
  ndarray,
  random,
  reshape,
  stack,
  sub,
  type Tensor,
} from '../tensor/index.ts';

/** What an action is: one of some, an int32 scalar; or float32 [size], each element of which is clipped to its range. */
export type ActionSpec =
  | { readonly kind: 'discrete'; readonly count: number }
  | { readonly kind: 'continuous'; readonly size: number; readonly low: number; readonly high: number };

/** One number of an environment's physics: a mass, a length, where a goal is. */
export interface PhysicsParameter {
  readonly default: number;
  /** Least value of the family that {@link drawPhysics} draws from. */
  readonly low: number;
  /** Greatest value of that family. */
  readonly high: number;
  readonly unit: string;
  readonly meaning: string;
  /** Whether it takes whole numbers only, `low` and `high` among them. */
  readonly whole?: boolean;
}

/** Physics parameters by name: scalars float32, or a batch of them. */
export type Physics<P extends string = string, T = Tensor> = Readonly<Record<P, T>>;

/** What is known of an environment without running it. */
export interface EnvironmentSpec<P extends string = string> {
  /** Names of the observation's elements, in order: an observation is float32 [their number]. */
  readonly observation: readonly string[];
  readonly action: ActionSpec;
  readonly physics: Readonly<Record<P, PhysicsParameter>>;
  /** Which combinations of whole numbers there are, with all parameters given; every one if absent. */
  possible?(values: Readonly<Record<P, number>>): boolean;
  /** Steps after which an episode is cut off (not terminated). */
  readonly limit: number;
}

/** What a step gives. */
export interface Outcome<S> {
  readonly state: S;
  /** float32 scalar. */
  readonly reward: Tensor;
  /** bool scalar: the episode has come to its end, and nothing follows. A time limit is no end. */
  readonly terminated: Tensor;
}

/**
 * A world as pure functions of tensors, for one copy of it: `vmap` gives thousands, `scan` gives time. The state is a
 * tree of tensors. Physics is an argument, so that what depends on it alone is computed once for all steps, and a
 * family of tasks is a batch.
 */
export interface Environment<P extends string = string, S = unknown> {
  readonly name: string;
  readonly spec: EnvironmentSpec<P>;
  /** The state at the start of an episode. */
  reset(key: Tensor, physics: Physics<P>): S;
  step(state: S, action: Tensor, physics: Physics<P>): Outcome<S>;
  /** What an agent sees: float32 [spec.observation.length]. */
  observe(state: S, physics: Physics<P>): Tensor;
}

/** Which parameters vary, each in a range; all others keep their defaults. */
export type Family<P extends string = string> = Readonly<Partial<Record<P, readonly [low: number, high: number]>>>;

/**
 * The parameters of a family: those that are named, each in its own range or in the one that the environment gives.
 * @throws ArgumentError for a name that the environment does not have, or a range that is none
 * @example
 * const family = rl.familyOf(rl.cartPole(), ['poleMass', 'halfLength']);
 */
export function familyOf<P extends string>(
  { name, spec }: Pick<Environment<P>, 'name' | 'spec'>,
  varied: readonly P[] | Family<P> = Object.keys(spec.physics) as P[],
): Family<P> {
  const ranges = Array.isArray(varied)
    ? Object.fromEntries((varied as readonly P[]).map((key) => [key, undefined]))
    : (varied as Record<string, readonly [number, number] | undefined>);
  return Object.fromEntries(
    Object.entries(ranges).map(([key, range]) => {
      const parameter = parameterOf({ name, spec }, key);
      const [low, high] = range ?? [parameter.low, parameter.high];
      if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high))
        throw new ArgumentError(`${name}: expected a range [low, high] of ${key}, got [${low}, ${high}]`);
      return [key, [low, high]];
    }),
  ) as unknown as Family<P>;
}

function parameterOf({ name, spec }: Pick<Environment, 'name' | 'spec'>, key: string): PhysicsParameter {
  const parameter: PhysicsParameter | undefined = spec.physics[key];
  if (parameter === undefined)
    throw new ArgumentError(
      `${name}: expected a physics parameter (${Object.keys(spec.physics).join(', ')}), got "${key}"`,
    );
  return parameter;
}

/**
 * Physics as numbers: the defaults, with other values by name.
 * @throws ArgumentError for a name that the environment does not have, a value that is no finite number or not a whole
 * one where only those are meant, or a combination that is not possible
 */
export function physicsNumbers<P extends string>(
  { name, spec }: Pick<Environment<P>, 'name' | 'spec'>,
  values?: Readonly<Partial<Record<P, number>>>,
): Record<P, number> {
  for (const [key, value] of Object.entries<number | undefined>(values ?? {})) {
    const parameter = parameterOf({ name, spec }, key);
    if (!(parameter.whole ? Number.isInteger(value) : Number.isFinite(value)))
      throw new ArgumentError(`${name}: expected a ${parameter.whole ? 'whole ' : ''}number for ${key}, got ${value}`);
  }
  const numbers = { ...defaults(spec), ...values };
  if (spec.possible && !spec.possible(numbers))
    throw new ArgumentError(`${name}: expected physics that is possible, got ${JSON.stringify(values)}`);
  return numbers;
}

const defaults = <P extends string>({ physics }: EnvironmentSpec<P>): Record<P, number> =>
  Object.fromEntries(Object.entries<PhysicsParameter>(physics).map(([key, own]) => [key, own.default])) as Record<
    P,
    number
  >;

/**
 * Every combination of the whole numbers of a family, of those that are possible: all goals of a grid. A family without
 * whole numbers has one, which is empty.
 * @throws ArgumentError where none is possible
 * @example
 * const goals = rl.physicsChoices(rl.gridNavigation(), ['goalX', 'goalY']); // 21 of them
 */
export function physicsChoices<P extends string>(
  environment: Pick<Environment<P>, 'name' | 'spec'>,
  varied: readonly P[] | Family<P>,
): readonly Readonly<Partial<Record<P, number>>>[] {
  const { name, spec } = environment;
  const whole = Object.entries<readonly [number, number]>(familyOf(environment, varied) as never).filter(
    ([key]) => spec.physics[key as P].whole,
  );
  const combinations = whole.reduce<Partial<Record<P, number>>[]>(
    (before, [key, [low, high]]) => {
      const first = Math.ceil(low);
      const values = Array.from({ length: Math.max(0, Math.floor(high) - first + 1) }, (_, i) => first + i);
      return before.flatMap((others) => values.map((value) => ({ ...others, [key]: value })));
    },
    [{}],
  );
  const { possible = () => true } = spec;
  const choices = combinations.filter((values) => possible({ ...defaults(spec), ...values }));
  if (choices.length === 0) throw new ArgumentError(`${name}: expected ranges with physics that is possible, got none`);
  return choices;
}

/** Physics as tensors: the defaults, with other values by name. */
export const physicsOf = <P extends string>(
  environment: Pick<Environment<P>, 'name' | 'spec'>,
  values?: Readonly<Partial<Record<P, number>>>,
): Physics<P> =>
  Object.fromEntries(
    Object.entries<number>(physicsNumbers(environment, values)).map(([key, value]) => [key, constant(value)]),
  ) as Physics<P>;

/**
 * Physics drawn uniformly from a family: whole numbers as one of {@link physicsChoices}, others each from its range.
 * @throws ArgumentError as {@link familyOf} and {@link physicsChoices}
 * @example
 * const world = rl.cartPole();
 * const physics = rl.drawPhysics(world, random.key(0), { poleMass: [0.05, 0.5] });
 */
export function drawPhysics<P extends string>(
  environment: Pick<Environment<P>, 'name' | 'spec'>,
  key: Tensor,
  varied: readonly P[] | Family<P>,
): Physics<P> {
  const family = Object.entries<readonly [number, number]>(familyOf(environment, varied) as never);
  const choices = physicsChoices(environment, varied);
  // Rounding can reach the upper end.
  const chosen = minimum(
    floor(random.uniform(random.foldIn(key, family.length), [], { high: choices.length })),
    choices.length - 1,
  );
  const drawn = family.map(([name, [low, high]], i) => {
    const all = choices.map((values) => values[name as P]);
    const value = environment.spec.physics[name as P].whole
      ? gather(constant(ndarray(Float32Array.from(all as number[]), [all.length])), cast(chosen, 'int32'))
      : random.uniform(random.foldIn(key, i), [], { low, high });
    return [name, reshape(value, [])];
  });
  return { ...physicsOf(environment), ...Object.fromEntries(drawn) };
}

/**
 * Physics as a code: float32 [parameters of the family], each from -1 to 1 over its range, in the order of the family.
 * Outside of its range a parameter goes on beyond.
 * @example
 * const world = rl.cartPole();
 * const code = rl.physicsCode(world, { poleMass: [0, 0.2] }, rl.physicsOf(world)); // [0]
 */
export function physicsCode<P extends string>(
  environment: Pick<Environment<P>, 'name' | 'spec'>,
  varied: readonly P[] | Family<P>,
  physics: Physics<P>,
): Tensor {
  return stack(scales(environment, varied).map(({ name, centre, half }) => div(sub(physics[name], centre), half)));
}

/**
 * The same of numbers: what a body's code is, for `run.generate` or the command line.
 * @example
 * const code = rl.physicsCodeOf(rl.cartPole(), { poleMass: [0, 0.2] }, { poleMass: 0.15 }); // [0.5]
 */
export function physicsCodeOf<P extends string>(
  environment: Pick<Environment<P>, 'name' | 'spec'>,
  varied: readonly P[] | Family<P>,
  values?: Readonly<Partial<Record<P, number>>>,
): number[] {
  const numbers = physicsNumbers(environment, values);
  return scales(environment, varied).map(({ name, centre, half }) => (numbers[name] - centre) / half);
}

/** The middle of each range of a family, and half its width. */
const scales = <P extends string>(
  environment: Pick<Environment<P>, 'name' | 'spec'>,
  varied: readonly P[] | Family<P>,
): readonly { readonly name: P; readonly centre: number; readonly half: number }[] =>
  Object.entries<readonly [number, number]>(familyOf(environment, varied) as never).map(([name, [low, high]]) => ({
    name: name as P,
    centre: (low + high) / 2,
    half: high > low ? (high - low) / 2 : 1,
  }));

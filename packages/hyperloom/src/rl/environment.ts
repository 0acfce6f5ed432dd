import { ArgumentError, constant, div, floor, minimum, random, stack, sub, type Tensor } from '../tensor/index.ts';

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
      const parameter = spec.physics[key as P] as PhysicsParameter | undefined;
      if (parameter === undefined)
        throw new ArgumentError(
          `${name}: expected a physics parameter (${Object.keys(spec.physics).join(', ')}), got "${key}"`,
        );
      const [low, high] = range ?? [parameter.low, parameter.high];
      if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high))
        throw new ArgumentError(`${name}: expected a range [low, high] of ${key}, got [${low}, ${high}]`);
      return [key, [low, high]];
    }),
  ) as unknown as Family<P>;
}

/**
 * Physics as numbers: the defaults, with other values by name.
 * @throws ArgumentError for a name that the environment does not have, or a value that is no finite number
 */
export function physicsNumbers<P extends string>(
  { name, spec }: Pick<Environment<P>, 'name' | 'spec'>,
  values?: Readonly<Partial<Record<P, number>>>,
): Record<P, number> {
  for (const [key, value] of Object.entries(values ?? {})) {
    if (!(key in spec.physics))
      throw new ArgumentError(
        `${name}: expected a physics parameter (${Object.keys(spec.physics).join(', ')}), got "${key}"`,
      );
    if (!Number.isFinite(value)) throw new ArgumentError(`${name}: expected a number for ${key}, got ${value}`);
  }
  const defaults = Object.entries<PhysicsParameter>(spec.physics).map(([key, own]) => [key, own.default]);
  return { ...Object.fromEntries(defaults), ...values };
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
 * Physics drawn uniformly from a family.
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
  const drawn = family.map(([name, [low, high]], i) => {
    const own = random.foldIn(key, i);
    const { whole } = environment.spec.physics[name as P];
    const value = whole
      ? floor(random.uniform(own, [], { low, high: high + 1 }))
      : random.uniform(own, [], { low, high });
    // Rounding can reach the upper end, which a whole number must not.
    return [name, whole ? minimum(value, high) : value];
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
  const family = Object.entries<readonly [number, number]>(familyOf(environment, varied) as never);
  return stack(
    family.map(([name, [low, high]]) => {
      const half = high > low ? (high - low) / 2 : 1;
      return div(sub(physics[name as P], (low + high) / 2), half);
    }),
  );
}

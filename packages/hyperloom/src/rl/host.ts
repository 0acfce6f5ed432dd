import { ArgumentError } from '../tensor/index.ts';

import { type Environment, type EnvironmentSpec, physicsNumbers } from './environment.ts';

/** Physics of a batch of copies, by name: one number for all of them, or one for each. What is left out is the default. */
export type HostPhysics<P extends string = string> = Readonly<Partial<Record<P, number | ArrayLike<number>>>>;

/** How episodes begin. With the actions that follow it decides every number that the environment gives. */
export interface HostReset<P extends string = string> {
  readonly seed: number;
  /** Which round of episodes: the iteration of training that plays them. */
  readonly iteration: number;
  readonly physics?: HostPhysics<P>;
}

/** What a step of every copy gave. The environment owns the arrays and writes its next step to them. */
export interface HostOutcome {
  /** What each copy shows now: float32 [copies, observation], row by row. Of a new episode, if the last one is over. */
  readonly observations: Float32Array;
  /** What the step led to, [copies, observation]: other than `observations` only where an episode is over. */
  readonly reached: Float32Array;
  /** [copies] */
  readonly rewards: Float32Array;
  /** [copies], 1 where the episode has come to its end and nothing follows. */
  readonly terminated: Uint8Array;
  /** [copies], 1 where the time limit cut it off instead: what follows is not seen, but has a value. */
  readonly truncated: Uint8Array;
}

/**
 * A world outside of the program, such as a physics engine: a batch of copies that step together, in typed arrays. Where
 * an episode is over, the next one begins within the same step. How episode e of a copy begins is a pure function of
 * (seed, iteration, copy, e), e counted from the reset, so that a run that resumes at an iteration plays what it
 * would have played.
 * @example
 * const play = async (arm: rl.HostEnvironment<'gravity'>) => {
 *   await arm.reset({ seed: 0, iteration: 3, physics: { gravity: 9.81 } });
 *   const { rewards } = await arm.step(new Float32Array(arm.copies * 2));
 *   return rewards;
 * };
 */
export interface HostEnvironment<P extends string = string> {
  readonly name: string;
  readonly spec: EnvironmentSpec<P>;
  /** Copies that step together. */
  readonly copies: number;
  /**
   * Begins an episode in every copy; what was played before has no effect.
   * @returns what each copy shows: float32 [copies, observation], an array that the next step overwrites
   * @throws ArgumentError for physics that the environment does not have
   */
  reset(start: HostReset<P>): Promise<Float32Array>;
  /**
   * One step of every copy.
   * @param actions - the number of an action for each copy, int32 [copies]; or float32 [copies, size], clipped to the range
   * @throws ArgumentError for arrays of another kind or size
   */
  step(actions: Float32Array | Int32Array): Promise<HostOutcome>;
  /** Ends threads and frees memory. Nothing may be called after it. */
  close(): Promise<void>;
}

type Named<P extends string> = Pick<Environment<P>, 'name' | 'spec'>;

/**
 * Physics of a batch as numbers: for each parameter of the environment, in its order, one for each copy.
 * @throws ArgumentError for a name that the environment does not have, another count than `copies`, or a value that is
 * no finite number
 * @example
 * const { poleMass } = rl.physicsRows(rl.cartPole(), 2, { poleMass: [0.1, 0.3] });
 */
export function physicsRows<P extends string>(
  environment: Named<P>,
  copies: number,
  physics?: HostPhysics<P>,
): Record<P, Float64Array> {
  const given = Object.entries<number | ArrayLike<number> | undefined>(physics ?? {}).map(([key, values]) => {
    const row = typeof values === 'number' ? new Float64Array(copies).fill(values) : Float64Array.from(values ?? []);
    if (key in environment.spec.physics && row.length !== copies)
      throw new ArgumentError(`${environment.name}: expected ${copies} values of ${key}, got ${row.length}`);
    return [key, row] as const;
  });
  const rows = Object.entries<number>(physicsNumbers(environment)).map(
    ([key, value]) => [key, new Float64Array(copies).fill(value)] as const,
  );
  for (const [key, row] of given) for (const value of row) physicsNumbers(environment, { [key]: value } as never);
  return Object.fromEntries([...rows, ...given]) as Record<P, Float64Array>;
}

/**
 * Holds actions to what an environment takes of a batch of copies.
 * @throws ArgumentError for arrays of another kind or size
 */
export function checkActions({ name, spec }: Named<string>, copies: number, actions: Float32Array | Int32Array): void {
  const { action } = spec;
  const [kind, size] = action.kind === 'discrete' ? ['Int32Array', copies] : ['Float32Array', copies * action.size];
  const got = actions.constructor.name;
  if (got !== kind || actions.length !== size)
    throw new ArgumentError(`${name}: expected actions in ${kind}(${size}), got ${got}(${actions.length})`);
}

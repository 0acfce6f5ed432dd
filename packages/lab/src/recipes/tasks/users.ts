import { type Random, randomAt } from 'hyperloom/data';
import { type NdArray, ndarray } from 'hyperloom/tensor';

/** One user's curve: y = amplitude sin(frequency x + phase) + slope x + offset, five numbers in all. */
export interface User {
  readonly amplitude: number;
  readonly frequency: number;
  readonly phase: number;
  readonly slope: number;
  readonly offset: number;
}

/** Points of many users, grouped so that a user's weights are generated once: an example is a user. */
export interface UserPoints {
  readonly input: {
    /** Position of each user, int32 [users]. */
    readonly code: NdArray;
    /** Places of each user's points [users, points, 1], from -1 to 1. */
    readonly input: NdArray;
  };
  /** Values there [users, points, 1]. */
  readonly target: NdArray;
}

/** Standard deviation of the noise on the points that a user gives. */
export const noise = 0.3;
/** Half of the range of x, from -3 to 3. */
export const halfRange = 3;

export const userValue = ({ amplitude, frequency, phase, slope, offset }: User, x: number): number =>
  amplitude * Math.sin(frequency * x + phase) + slope * x + offset;

const given = 0;
const heldOut = 1;

/** The user of a number, whatever the number of users. */
export function userAt(seed: number, user: number): User {
  const random = randomAt(seed, user);
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  return {
    amplitude: between(0.5, 2),
    frequency: between(1, 2),
    phase: between(0, 2 * Math.PI),
    slope: between(-0.5, 0.5),
    offset: between(-1, 1),
  };
}

/** Noisy points to learn from. */
export const givenPoints = (seed: number, users: readonly number[], points: number): UserPoints =>
  pointsOf(seed, users, points, given);

/** Other points, without noise: what is measured is the error of the curve itself. */
export const heldOutPoints = (seed: number, users: readonly number[], points: number): UserPoints =>
  pointsOf(seed, users, points, heldOut);

function pointsOf(
  seed: number,
  users: readonly number[],
  points: number,
  kind: typeof given | typeof heldOut,
): UserPoints {
  const places = new Float32Array(users.length * points);
  const values = new Float32Array(users.length * points);
  users.forEach((number, row) => {
    const user = userAt(seed, number);
    const random = randomAt(seed, number, kind);
    for (let i = row * points; i < (row + 1) * points; i++) {
      const x = halfRange * (2 * random.uniform() - 1);
      places[i] = x / halfRange;
      values[i] = userValue(user, x) + (kind === given ? noise * normal(random) : 0);
    }
  });
  const shape = [users.length, points, 1];
  return {
    input: { code: ndarray(Int32Array.from(users), [users.length]), input: ndarray(places, shape) },
    target: ndarray(values, shape),
  };
}

/** A standard normal number (Box and Muller). */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());

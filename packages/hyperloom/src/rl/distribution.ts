import {
  add,
  argmax,
  cast,
  clip,
  concat,
  constant,
  exp,
  logSoftmax,
  mean as meanOf,
  mul,
  neg,
  oneHot,
  random,
  reshape,
  type Shape,
  slice,
  square,
  sub,
  sum,
  type Tensor,
} from '../tensor/index.ts';
import type { ActionSpec } from './environment.ts';

/** A distribution of actions, given by the numbers that a policy gives: for one action, batched by `vmap`. */
export interface Distribution {
  /** How many numbers that is: the logit of each action, or means and then logarithms of standard deviations. */
  readonly size: number;
  /** Elements of an action as a vector: one for each action there is, or its own. */
  readonly numbers: number;
  /** What {@link Distribution.sample} needs for actions of a leading shape, [...shape, numbers]. */
  noise(key: Tensor, shape?: Shape): Tensor;
  /** An action: int32 scalar, or float32 [size]. */
  sample(policy: Tensor, noise: Tensor): Tensor;
  /** The likeliest action. */
  mode(policy: Tensor): Tensor;
  /** The logarithm of the probability or density of an action, a scalar. */
  logProb(policy: Tensor, action: Tensor): Tensor;
  /** In nats, a scalar. */
  entropy(policy: Tensor): Tensor;
  /** An action as an environment takes it: within its range. */
  within(action: Tensor): Tensor;
  /**
   * How far a policy is from doing an action, a scalar: the cross-entropy, or the mean squared error of the likeliest
   * action.
   */
  miss(policy: Tensor, action: Tensor): Tensor;
  /** An action as a vector that networks can read: one-hot, or itself. */
  vector(action: Tensor): Tensor;
}

/**
 * The distribution that fits the actions of an environment: a categorical one, or independent normal ones.
 * @example
 * const { sample, noise } = rl.distributionOf({ kind: 'discrete', count: 3 });
 * const action = sample(constant([0, 9, 0]), noise(random.key(0))); // 1, almost always
 */
export const distributionOf = (action: ActionSpec): Distribution =>
  action.kind === 'discrete' ? categorical(action.count) : diagonalNormal(action);

const categorical = (count: number): Distribution => {
  const logProb = (policy: Tensor, action: Tensor) => sum(mul(logSoftmax(policy), oneHot(action, count)));
  return {
    size: count,
    numbers: count,
    noise: (key, shape = []) => random.gumbel(key, [...shape, count]),
    sample: (policy, noise) => cast(argmax(add(policy, noise)), 'int32'),
    mode: (policy) => cast(argmax(policy), 'int32'),
    logProb,
    entropy: (policy) => neg(sum(mul(exp(logSoftmax(policy)), logSoftmax(policy)))),
    within: (action) => action,
    miss: (policy, action) => neg(logProb(policy, action)),
    vector: (action) => oneHot(action, count),
  };
};

function diagonalNormal({ size, low, high }: Extract<ActionSpec, { readonly kind: 'continuous' }>): Distribution {
  const mean = (policy: Tensor) => slice(policy, [[0, size]]);
  const logStd = (policy: Tensor) => slice(policy, [[size, 2 * size]]);
  return {
    size: 2 * size,
    numbers: size,
    noise: (key, shape = []) => random.normal(key, [...shape, size]),
    sample: (policy, noise) => add(mean(policy), mul(exp(logStd(policy)), noise)),
    mode: mean,
    logProb: (policy, action) => {
      const z = mul(sub(action, mean(policy)), exp(neg(logStd(policy))));
      return neg(add(mul(sum(square(z)), 0.5), add(sum(logStd(policy)), 0.5 * size * Math.log(2 * Math.PI))));
    },
    entropy: (policy) => add(sum(logStd(policy)), 0.5 * size * Math.log(2 * Math.PI * Math.E)),
    within: (action) => clip(action, low, high),
    miss: (policy, action) => meanOf(square(sub(mean(policy), action))),
    vector: (action) => action,
  };
}

/** Means and a logarithm of the standard deviation for each as the numbers of a normal distribution. */
export const normalNumbers = (mean: Tensor, logStd: Tensor): Tensor => concat([reshape(mean, [-1]), logStd]);

/** No noise: zeros in place of draws. */
export const noNoise = ({ numbers }: Distribution): Tensor => constant(new Array<number>(numbers).fill(0));

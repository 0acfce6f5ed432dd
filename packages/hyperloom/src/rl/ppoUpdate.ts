import { descend, type Optimizer } from '../optim/index.ts';
import {
  abs,
  add,
  cast,
  clip as clipped,
  exp,
  gather,
  greater,
  iota,
  maximum,
  mean,
  mul,
  neg,
  random,
  reshape,
  scan,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tree,
  valueAndGrad,
  vmap,
} from '../tensor/index.ts';
import type { Subject } from '../train/index.ts';
import type { Horizon } from './advantages.ts';
import type { Agent } from './agent.ts';
import { type Lesson, lessonsOf, statistics } from './lessons.ts';
import { type Path, replay } from './rollout.ts';

/** What proximal policy optimisation does with the paths that it is given. */
export interface PpoUpdateOptions extends Horizon {
  readonly optimizer: Optimizer;
  /** Times that all paths are gone through. */
  readonly epochs: number;
  /** Parts that the copies are split into in each epoch, with a step of the optimiser for each. */
  readonly batches: number;
  /** How far the probability of an action may move from that under which it was chosen, as a share. */
  readonly clip: number;
  /** Weight of the entropy of the policy, which is made greater. */
  readonly entropy: number;
  /** Weight of the loss of the value function. */
  readonly valueWeight: number;
}

/** Weights and the optimiser's state. */
export interface Learned {
  readonly theta: Tensor;
  readonly rest: Tensor | null;
  readonly optimizer: unknown;
}

/**
 * The update of proximal policy optimisation (Schulman et al. 2017) from paths [copies, ...]: advantages, then epochs of
 * mini-batches. A mini-batch is whole paths of some copies, so that weights which depend on physics are generated once
 * for each copy, and what agents remember is worked out anew.
 */
export function ppoUpdate(
  { model: agent, layout }: Subject<Agent>,
  { theta, rest, optimizer: state }: Learned,
  paths: Path,
  key: Tensor,
  options: PpoUpdateOptions,
) {
  const { optimizer, epochs, batches, clip, entropy, valueWeight } = options;
  const copies = paths.reward.shape[0]!;
  const size = copies / batches;
  const { lessons, explainedVariance } = lessonsOf(paths, options);

  /** The loss of one path, its terms, and how far the policy has moved. */
  const one = (params: never, own: Tensor) => (lesson: Lesson, row: Tensor) => {
    const context = { training: true, key: random.foldIn(own, row) };
    const { policy, value } = replay(agent, params, lesson.path, () => ({ context, told: {} }));
    const { logProb, entropy: entropyOf } = agent.distribution;
    const change = sub(vmap(logProb)(policy, lesson.path.action), lesson.path.logProb);
    const ratio = exp(change);
    const gain = (share: Tensor) => neg(mul(share, lesson.advantage));
    const policyLoss = mean(maximum(gain(ratio), gain(clipped(ratio, 1 - clip, 1 + clip))));
    const valueLoss = mean(square(sub(value, lesson.target)));
    const spread = mean(vmap(entropyOf)(policy));
    const loss = sub(add(policyLoss, mul(valueLoss, valueWeight)), mul(spread, entropy));
    return {
      loss,
      policyLoss,
      valueLoss,
      entropy: spread,
      // An estimate without bias that is never below 0 (Schulman 2020).
      kl: mean(sub(sub(ratio, 1), change)),
      clipFraction: mean(cast(greater(abs(sub(ratio, 1)), clip), 'float32')),
    };
  };
  type Step = { readonly rows: Tensor; readonly at: Tensor };
  const update = (own: Pick<Learned, 'theta' | 'optimizer'>, { rows, at }: Step) => {
    const chosen = tree.map((t: Tensor) => gather(t, rows), lessons) as unknown as Lesson;
    const objective = (vector: Tensor) => {
      const params = layout.unpack({ theta: vector, rest }) as never;
      const terms = vmap(one(params, random.foldIn(key, at)))(chosen, iota(size));
      const means = tree.map((t: Tensor) => mean(t), terms) as typeof terms;
      return [means.loss, means] as const;
    };
    const [[, terms], gradient] = valueAndGrad(objective, { aux: true })(own.theta);
    const [moved, next] = descend(optimizer, own.theta, gradient, own.optimizer);
    const after = { theta: moved, optimizer: next };
    return [after, { ...terms, gradientNorm: sqrt(sum(square(gradient))) }] as const;
  };
  const orders = vmap((epoch: Tensor) =>
    random.permutation(random.foldIn(random.foldIn(key, epochs * batches), epoch), copies),
  );
  const rows = reshape(orders(iota(epochs)), [epochs * batches, size]);
  const [learned, terms] = scan(update, { theta, optimizer: state }, { rows, at: iota(epochs * batches) });
  const { loss, gradientNorm, ...metrics } = tree.map((t: Tensor) => mean(t), terms) as typeof terms;
  return {
    ...learned,
    rest: layout.updated(rest, statistics(agent, layout.unpack({ theta, rest }) as never, paths)),
    loss,
    gradientNorm,
    metrics: { ...metrics, explainedVariance },
  };
}

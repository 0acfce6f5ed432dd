import { descend, type Optimizer } from '../optim/index.ts';
import {
  add,
  iota,
  mean,
  mul,
  neg,
  random,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tree,
  valueAndGrad,
  vmap,
} from '../tensor/index.ts';
import type { Method } from '../train/index.ts';
import { type Agent, agentExample } from './agent.ts';
import type { Environment } from './environment.ts';
import { type Lesson, lessonsOf, statistics } from './lessons.ts';
import { type PlayingOptions, type PlayingState, playing } from './playing.ts';
import { shownOf } from './policy.ts';
import { type Player, replay } from './rollout.ts';

/** Settings of {@link reinforce}. */
export interface ReinforceOptions extends PlayingOptions {
  readonly optimizer: Optimizer;
  /** Share of a reward that counts one step earlier, gamma. Default 0.99. */
  readonly discount?: number;
  /** Weight of the entropy of the policy, which is made greater. Default 0. */
  readonly entropy?: number;
  /** Weight of the loss of the value function. Default 0.5. */
  readonly valueWeight?: number;
}

/**
 * REINFORCE with a baseline (Williams 1992) as a method of training: copies are played, then one step of the optimiser
 * goes along the gradient of log pi(a|s) (G - V(s)), where G is the discounted return of the step and V, the value
 * function, is trained on G. Where playing stops before an episode does, V stands for the rest of G; G - V is scaled to
 * mean 0 and deviation 1 over all that was played. It tells `return` and `length` of the episodes that ended, `entropy`,
 * `policyLoss`, `valueLoss` and `explainedVariance`. Next to `ppo` it is short, and learns less from each step played.
 * @throws ArgumentError for counts that are not positive whole numbers
 * @example
 * const net = (out: number) => nn.mlp({ in: 4, hidden: [32], out, activation: nn.tanh });
 * const agent = rl.actorCritic({ environment: rl.cartPole(), policy: net(2), value: net(1) });
 * const method = rl.reinforce({ copies: 8, steps: 16, optimizer: optim.adam(1e-2) });
 * const run = await trainWith(agent, method, { steps: 2 });
 * await run.dispose();
 */
export function reinforce<P extends string, S>({
  optimizer,
  discount = 0.99,
  entropy = 0,
  valueWeight = 0.5,
  ...options
}: ReinforceOptions): Method<Agent<Environment<P, S>>> {
  const { start, play } = playing('reinforce', options);
  return {
    example: agentExample,
    shown: shownOf,
    start: ({ model }, packed, key) => ({
      ...packed,
      optimizer: optimizer.init(packed.theta),
      state: start(model as unknown as Player, random.foldIn(key, 4)),
    }),
    step: ({ model, layout }, { theta, rest, ...before }, call) => {
      const agent = model as unknown as Player;
      const key = random.foldIn(random.foldIn(call.key, 3), call.step);
      const params = layout.unpack({ theta, rest }) as never;
      const { paths, state } = play(agent, params, before.state as PlayingState, random.foldIn(key, 0));
      const { lessons, explainedVariance } = lessonsOf(paths, { discount, lambda: 1 });

      const one = (own: never) => (lesson: Lesson, row: Tensor) => {
        const context = { training: true, key: random.foldIn(random.foldIn(key, 1), row) };
        const { policy, value } = replay(agent, own, lesson.path, () => ({ context, told: {} }));
        const { logProb, entropy: entropyOf } = agent.distribution;
        const policyLoss = neg(mean(mul(vmap(logProb)(policy, lesson.path.action), lesson.advantage)));
        const valueLoss = mean(square(sub(value, lesson.target)));
        const spread = mean(vmap(entropyOf)(policy));
        const loss = sub(add(policyLoss, mul(valueLoss, valueWeight)), mul(spread, entropy));
        return { loss, policyLoss, valueLoss, entropy: spread };
      };
      const objective = (vector: Tensor) => {
        const own = layout.unpack({ theta: vector, rest }) as never;
        const terms = vmap(one(own))(lessons, iota(paths.reward.shape[0]!));
        const means = tree.map((t: Tensor) => mean(t), terms) as typeof terms;
        return [means.loss, means] as const;
      };
      const [[loss, { loss: _, ...terms }], gradient] = valueAndGrad(objective, { aux: true })(theta);
      const [moved, next] = descend(optimizer, theta, gradient, before.optimizer);
      return {
        carried: {
          theta: moved,
          rest: layout.updated(rest, statistics(agent, params, paths)),
          optimizer: next,
          state,
        },
        measured: {
          loss,
          gradientNorm: sqrt(sum(square(gradient))),
          metrics: { ...state.recent, ...terms, explainedVariance },
        },
      };
    },
  };
}
